package io.edged.drain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.edged.otlp.Signal;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

class EdgeBatchTest {

    private static final String LOG = "00112233aabbccdd";

    private static EdgeBatch ofFrames(List<Long> seqs) {
        List<EdgeBatch.Part> frames =
                seqs.stream()
                        .<EdgeBatch.Part>map(seq -> new EdgeBatch.Part.Frames(seq, seq))
                        .toList();
        return new EdgeBatch("n", LOG, "all", Signal.TRACES, EdgeBatch.joined(frames));
    }

    @Test
    void theHeaderNamesFramesAsRunsAndItemsInBrackets() {
        var batch =
                new EdgeBatch(
                        "node-1",
                        LOG,
                        "all",
                        Signal.LOGS,
                        List.of(
                                new EdgeBatch.Part.Frames(1, 1),
                                new EdgeBatch.Part.Frames(5, 5),
                                new EdgeBatch.Part.Frames(9, 12),
                                new EdgeBatch.Part.Items(7, 0, 499)));

        assertThat(batch.encode()).isEqualTo("node-1/" + LOG + "/all/logs 1,5,9-12,7[0-499]");
        assertThat(EdgeBatch.parse(batch.encode())).isEqualTo(batch);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5})
    void whatIsEncodedIsParsedAndItsLengthIsKnownBefore(long seed) {
        var random = new SplittableRandom(seed);
        var length = new EdgeBatchLength(EdgeBatch.prefix("n", LOG, "all", Signal.TRACES).length());
        var seqs = new ArrayList<Long>();
        long seq = random.nextLong(1, 1_000_000_000_000L);
        while (length.fits(seq)) {
            length.add(seq);
            seqs.add(seq);
            var batch = ofFrames(seqs);
            assertThat(batch.encode().length()).isLessThanOrEqualTo(EdgeBatch.MAX_LENGTH);
            assertThat(EdgeBatch.parse(batch.encode())).isEqualTo(batch);
            seq += random.nextInt(4) == 0 ? random.nextLong(1, 1000) : 1;
        }
        seqs.add(seq);
        assertThat(ofFrames(seqs).encode().length()).isGreaterThan(EdgeBatch.MAX_LENGTH);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "node",
                "node/" + LOG + "/all/logs",
                "node/" + LOG + "/all/logs ",
                "node/" + LOG + "/all/logs 1,",
                "node/" + LOG + "/all/logs 0",
                "node/" + LOG + "/all/logs 5-4",
                "node/" + LOG + "/all/logs +5",
                "node/" + LOG + "/all/logs 99999999999999999999",
                "node/" + LOG + "/all/logs 7[0-",
                "node/" + LOG + "/all/logs 7[3-2]",
                "node/" + LOG + "/all/logs 7[3]",
                "node/" + LOG + "/all/profiles 1",
                "node/" + LOG + "/ALL/logs 1",
                "node/xyz/all/logs 1",
                "no de/" + LOG + "/all/logs 1",
                "a/node/" + LOG + "/all/logs 1",
            })
    void aMalformedHeaderIsRefused(String header) {
        assertThatThrownBy(() -> EdgeBatch.parse(header))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void aHeaderBeyondTheBoundIsRefusedUnread() {
        String header = "node/" + LOG + "/all/logs " + "1,".repeat(1000) + "1";
        assertThatThrownBy(() -> EdgeBatch.parse(header)).hasMessageContaining("1024");
    }
}
