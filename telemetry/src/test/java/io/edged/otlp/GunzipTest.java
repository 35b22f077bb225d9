package io.edged.otlp;

import static org.assertj.core.api.Assertions.assertThat;

import io.edged.otlp.Decompressor.Outcome;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Random;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;

class GunzipTest {

    private static final int LIMIT = 8 << 20;
    private static final int RATIO = 100;

    private final Skim skim = new Skim(new byte[1024]);
    private final Gunzip gunzip = new Gunzip(ByteBuffer.allocateDirect(4096));

    @AfterEach
    void close() {
        gunzip.close();
    }

    @Test
    void partsMayBeCutAnywhere() throws Exception {
        for (long seed = 0; seed < 50; seed++) {
            var random = new Random(seed);
            byte[] body = new Requests(seed).next(Signal.TRACES);
            byte[] packed = gzip(body);
            for (int largest : new int[] {1, 5, 1000}) {
                begin(Signal.TRACES);
                for (int at = 0; at < packed.length; ) {
                    int length = Math.min(1 + random.nextInt(largest), packed.length - at);
                    assertThat(gunzip.feed(direct(packed, at, length), skim))
                            .isEqualTo(Outcome.GOOD);
                    at += length;
                }
                assertThat(gunzip.end(skim)).isEqualTo(Outcome.GOOD);
                assertThat(skim.items()).isEqualTo(Requests.count(Signal.TRACES, body));
                assertThat(skim.bytes()).isEqualTo(body.length);
            }
        }
    }

    @Test
    void optionalHeaderPartsArePassedOver() throws Exception {
        byte[] plain = gzip(Requests.typicalLogs(3));
        for (int flags = 0; flags < 32; flags++) {
            var packed = new ByteArrayOutputStream();
            packed.write(plain, 0, 10);
            if ((flags & 4) != 0) packed.writeBytes(new byte[] {3, 0, 1, 2, 3});
            if ((flags & 8) != 0) packed.writeBytes("a name\0".getBytes(StandardCharsets.US_ASCII));
            if ((flags & 16) != 0)
                packed.writeBytes("a comment\0".getBytes(StandardCharsets.US_ASCII));
            if ((flags & 2) != 0) packed.writeBytes(new byte[] {1, 2});
            packed.write(plain, 10, plain.length - 10);
            byte[] body = packed.toByteArray();
            body[3] = (byte) flags;
            assertThat(all(body)).as("flags %d", flags).isEqualTo(Outcome.GOOD);
            assertThat(skim.items()).isEqualTo(3);
        }
    }

    @Test
    void everyTruncationIsRefused() throws Exception {
        byte[] packed = gzip(Requests.typicalLogs(3));
        for (int length = 0; length < packed.length; length++)
            assertThat(all(Arrays.copyOf(packed, length))).isEqualTo(Outcome.MALFORMED);
    }

    @Test
    void everyFlippedBitThatChangesTheDataIsNoticed() throws Exception {
        byte[] body = Requests.typicalLogs(3);
        byte[] packed = gzip(body);
        int unchanged = 0;
        for (int at = 10; at < packed.length; at++) {
            for (int bit = 0; bit < 8; bit++) {
                byte[] bad = packed.clone();
                bad[at] ^= (byte) (1 << bit);
                if (all(bad) == Outcome.MALFORMED) continue;
                // Unused bits, or the same text copied from another place.
                var official = new GZIPInputStream(new ByteArrayInputStream(bad));
                assertThat(official.readAllBytes()).as("byte %d bit %d", at, bit).isEqualTo(body);
                unchanged++;
            }
        }
        assertThat(unchanged).isLessThan(packed.length / 4);
    }

    @Test
    void aSecondMemberIsRefusedAndNotDropped() throws Exception {
        byte[] packed = gzip(Requests.typicalLogs(3));
        byte[] twice = Arrays.copyOf(packed, 2 * packed.length);
        System.arraycopy(packed, 0, twice, packed.length, packed.length);
        assertThat(all(twice)).isEqualTo(Outcome.MALFORMED);
        assertThat(gunzip.malformed().describe())
                .contains("one member")
                .endsWith("at byte " + packed.length);
    }

    @ParameterizedTest
    @CsvSource({"1000000, GOOD", "7000000, TOO_DENSE", "9000000, TOO_DENSE"})
    void densityIsBoundedAboveTheFreePart(int zeros, Outcome expected) throws Exception {
        byte[] body = new ProtobufWriter().bytes(9, new byte[zeros]).toByteArray();
        assertThat(all(gzip(body))).isEqualTo(expected);
    }

    @Test
    void outputIsBounded() throws Exception {
        byte[] noise = new byte[LIMIT];
        new Random(1).nextBytes(noise);
        byte[] body = new ProtobufWriter().bytes(9, noise).toByteArray();
        assertThat(all(gzip(body))).isEqualTo(Outcome.TOO_LARGE);
    }

    private Outcome all(byte[] packed) {
        begin(Signal.LOGS);
        Outcome outcome = gunzip.feed(direct(packed, 0, packed.length), skim);
        return outcome == Outcome.GOOD ? gunzip.end(skim) : outcome;
    }

    private void begin(Signal signal) {
        skim.begin(signal);
        gunzip.begin(LIMIT, RATIO);
    }

    private static ByteBuffer direct(byte[] bytes, int at, int length) {
        return ByteBuffer.allocateDirect(length).put(bytes, at, length).flip();
    }

    private static byte[] gzip(byte[] body) throws IOException {
        var packed = new ByteArrayOutputStream();
        try (var out = new GZIPOutputStream(packed)) {
            out.write(body);
        }
        return packed.toByteArray();
    }
}
