package io.edged.otlp;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.InvalidProtocolBufferException;

import io.opentelemetry.proto.collector.logs.v1.ExportLogsServiceRequest;
import io.opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceRequest;
import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.regex.Pattern;
import java.util.zip.GZIPOutputStream;

/**
 * Damaged bodies, made from a seed: nothing crashes, nothing hangs, nothing takes more memory than
 * it may, and what is taken is what the official classes take. {@code make soak-fuzz} tries
 * millions.
 */
class FuzzTest {

    /** Inputs a signal; the soak sets more. */
    private static final int INPUTS = Integer.getInteger("fuzz.inputs", 20_000);

    private static final long SEED = Long.getLong("fuzz.seed", 1);
    private static final Pattern CLAIM = Pattern.compile("claims ([0-9]+) bytes");
    private static final int CHUNK_LIMIT = 1 << 20;

    private final Skim skim = new Skim(new byte[1024]);
    private final JsonConversion json = new JsonConversion();

    @ParameterizedTest
    @EnumSource(Signal.class)
    void theSkimTakesWhatTheOfficialParserTakes(Signal signal) {
        int taken = 0;
        for (int i = 0; i < INPUTS; i++) {
            var random = new Random(SEED + i);
            byte[] body = damaged(random, base(signal, random));
            boolean official = officialTakes(signal, body);
            boolean ours = skims(signal, body, random);
            if (official != ours && !isStricter(signal, body))
                throw new AssertionError(
                        "seed " + (SEED + i) + ": official " + official + ", skim " + ours);
            if (ours) taken++;
        }
        assertThat(taken).isBetween(1, INPUTS - 1);
    }

    @ParameterizedTest
    @EnumSource(Signal.class)
    void jsonIsRefusedOrBecomesWhatTheSkimTakes(Signal signal) throws Exception {
        int taken = 0;
        for (int i = 0; i < INPUTS / 10; i++) {
            long seed = SEED + i;
            var random = new Random(seed);
            var message = parse(signal, base(signal, random));
            byte[] text = new OtlpJson(seed).print(message).getBytes(StandardCharsets.UTF_8);
            byte[] body = damaged(random, text);
            var chunks = new ArrayList<ByteBuffer>();
            var result =
                    json.convert(
                            signal,
                            new ByteArrayInputStream(body),
                            CHUNK_LIMIT,
                            4096,
                            wanted -> {
                                chunks.add(ByteBuffer.allocate(Math.max(64, wanted)));
                                return chunks.getLast();
                            });
            if (!(result instanceof JsonConversion.Result.Converted converted)) continue;
            taken++;
            skim.begin(signal, 4096);
            for (ByteBuffer chunk : chunks)
                assertThat(skim.feed(chunk.flip())).as("seed %d", seed).isTrue();
            assertThat(skim.end()).as("seed %d", seed).isTrue();
            assertThat(skim.items()).as("seed %d", seed).isEqualTo(converted.items());
            assertThat(skim.largeItems()).isZero();
        }
        assertThat(taken).isBetween(1, INPUTS / 10 - 1);
    }

    @ParameterizedTest
    @EnumSource(ContentEncoding.class)
    void damagedCompressionEndsInAnOutcome(ContentEncoding encoding) throws Exception {
        if (encoding == ContentEncoding.IDENTITY) return;
        try (Decompressor decompressor =
                encoding == ContentEncoding.GZIP
                        ? new Gunzip(ByteBuffer.allocateDirect(4096))
                        : new Unzstd()) {
            long[] memory = {0};
            for (int i = 0; i < INPUTS / 10; i++) {
                var random = new Random(SEED + i);
                byte[] plain = base(Signal.LOGS, random);
                byte[] body =
                        damaged(
                                random,
                                encoding == ContentEncoding.GZIP
                                        ? gzip(plain)
                                        : com.github.luben.zstd.Zstd.compress(plain));
                skim.begin(Signal.LOGS);
                memory[0] = 0;
                decompressor.begin(
                        CHUNK_LIMIT,
                        100,
                        bytes -> {
                            memory[0] += bytes;
                            return memory[0] <= 4 * CHUNK_LIMIT;
                        });
                var outcome = decompressor.feed(ByteBuffer.wrap(body), skim);
                if (outcome == Decompressor.Outcome.GOOD) outcome = decompressor.end(skim);
                assertThat(skim.bytes()).isLessThanOrEqualTo(CHUNK_LIMIT + (128 << 10));
                if (outcome == Decompressor.Outcome.GOOD && skim.bytes() == plain.length)
                    assertThat(officialTakes(Signal.LOGS, plain)).isTrue();
            }
        }
    }

    /** A few bodies, and pieces of them, so that damage meets many shapes. */
    private static byte[] base(Signal signal, Random random) {
        byte[] body = new Requests(random.nextInt(500)).next(signal);
        return body.length > 3000 ? new Requests(random.nextInt(20)).next(signal) : body;
    }

    private static byte[] damaged(Random random, byte[] body) {
        byte[] bad = body.clone();
        for (int changes = random.nextInt(4); changes > 0 && bad.length > 0; changes--) {
            int at = random.nextInt(bad.length);
            switch (random.nextInt(6)) {
                case 0 -> bad[at] ^= (byte) (1 << random.nextInt(8));
                case 1 -> bad[at] = (byte) random.nextInt(256);
                case 2 -> bad = Arrays.copyOf(bad, at);
                case 3 -> { // a piece twice
                    int length = Math.min(random.nextInt(40), bad.length - at);
                    byte[] longer = Arrays.copyOf(bad, bad.length + length);
                    System.arraycopy(bad, at, longer, at + length, bad.length - at);
                    bad = longer;
                }
                case 4 -> { // a piece left out
                    int length = Math.min(random.nextInt(40), bad.length - at);
                    byte[] shorter = Arrays.copyOf(bad, bad.length - length);
                    System.arraycopy(bad, at + length, shorter, at, bad.length - at - length);
                    bad = shorter;
                }
                default ->
                        bad[at] = List.of((byte) 0, (byte) -1, (byte) 0x80).get(random.nextInt(3));
            }
        }
        return bad;
    }

    private boolean skims(Signal signal, byte[] body, Random random) {
        skim.begin(signal);
        for (int at = 0; at < body.length; ) {
            int length = Math.min(1 + random.nextInt(2000), body.length - at);
            if (!skim.feed(ByteBuffer.wrap(body, at, length))) return false;
            at += length;
        }
        return skim.end();
    }

    /**
     * The official parser for Java knows groups, which OTLP has not, and cuts numbers that are too
     * long to the size they should have; other languages refuse those.
     */
    private boolean isStricter(Signal signal, byte[] body) {
        skim.begin(signal);
        if (skim.feed(ByteBuffer.wrap(body)) && skim.end()) return false;
        String reason = skim.malformed().reason();
        var claim = CLAIM.matcher(reason);
        return reason.contains("is a group")
                || reason.contains("longer than 32 bits")
                || reason.contains("longer than 64 bits")
                || (claim.find() && claim.group(1).length() >= 10);
    }

    private static boolean officialTakes(Signal signal, byte[] body) {
        try {
            parse(signal, body);
            return true;
        } catch (InvalidProtocolBufferException e) {
            return false;
        }
    }

    private static com.google.protobuf.Message parse(Signal signal, byte[] body)
            throws InvalidProtocolBufferException {
        return switch (signal) {
            case LOGS -> ExportLogsServiceRequest.parseFrom(body);
            case METRICS -> ExportMetricsServiceRequest.parseFrom(body);
            case TRACES -> ExportTraceServiceRequest.parseFrom(body);
        };
    }

    private static byte[] gzip(byte[] body) throws Exception {
        var packed = new ByteArrayOutputStream();
        try (var out = new GZIPOutputStream(packed)) {
            out.write(body);
        }
        return packed.toByteArray();
    }
}
