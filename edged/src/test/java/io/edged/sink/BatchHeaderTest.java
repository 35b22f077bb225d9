package io.edged.sink;

import static org.assertj.core.api.Assertions.assertThat;

import io.edged.sink.BatchHeader.Slice;
import io.edged.sink.Ranges.Range;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BatchHeaderTest {
    private static final String SOURCE = "edge-0001/0123456789abcdef/logs/logs";
    private final BatchRecord record = new BatchRecord();

    private static BatchHeader header(String parts) {
        return BatchHeader.parse(SOURCE + " " + parts).orElseThrow();
    }

    @Test
    void partsAreRecordsRunsAndSlices() {
        var header = header("1,5,9-12,7[0-499]");
        assertThat(header.source()).isEqualTo(SOURCE);
        assertThat(header.records())
                .containsExactly(new Range(1, 1), new Range(5, 5), new Range(9, 12));
        assertThat(header.slices()).containsExactly(new Slice(7, new Range(0, 499)));
        assertThat(header.parts()).isEqualTo(7);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "n/0123456789abcdef/logs/logs",
                "n/0123456789abcdef/logs/logs ",
                "n/0123456789abcdef/logs/other 1",
                "n/0123/logs/logs 1",
                "0123456789abcdef/logs/logs 1",
                "n/0123456789abcdef/logs/logs 1,",
                "n/0123456789abcdef/logs/logs 5-3",
                "n/0123456789abcdef/logs/logs 5[3-1]",
                "n/0123456789abcdef/logs/logs 5[3]",
                "n/0123456789abcdef/logs/logs -5",
                "n/0123456789abcdef/logs/logs 1 2",
                "n/0123456789abcdef/logs/logs 99999999999999999999",
            })
    void anythingElseIsNoHeader(String text) {
        assertThat(BatchHeader.parse(text)).isEmpty();
    }

    @Test
    void repeatsAreExactParts() {
        assertThat(record.repeats(header("1-10"))).isZero();
        record.record(header("1-10"));
        assertThat(record.repeats(header("8-12,20"))).isEqualTo(3);
        assertThat(record.repeats(header("3[0-4]"))).isEqualTo(1);
    }

    @Test
    void aSliceIsARepeatOnlyOfWhatCoversIt() {
        record.record(header("7[0-499]"));
        record.record(header("7[500-999]"));
        assertThat(record.repeats(header("7[100-900]"))).isEqualTo(1);
        assertThat(record.repeats(header("7[900-1000]"))).isZero();
        assertThat(record.repeats(header("7"))).isZero();
        assertThat(record.repeats(header("8[0-499]"))).isZero();
    }

    @Test
    void sourcesHaveNothingInCommon() {
        record.record(header("1-10"));
        var other = BatchHeader.parse("edge-0002/0123456789abcdef/logs/logs 1-10").orElseThrow();
        assertThat(record.repeats(other)).isZero();
    }

    @Test
    void sourcesAreBounded() {
        for (int i = 0; i < 256; i++)
            assertThat(
                            record.record(
                                    BatchHeader.parse("n" + i + "/0123456789abcdef/a/logs 1")
                                            .orElseThrow()))
                    .isTrue();
        assertThat(record.record(header("1"))).isFalse();
    }
}
