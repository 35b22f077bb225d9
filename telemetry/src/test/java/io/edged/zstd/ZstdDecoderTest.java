package io.edged.zstd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.github.luben.zstd.Zstd;
import com.github.luben.zstd.ZstdCompressCtx;
import com.github.luben.zstd.ZstdException;
import com.github.luben.zstd.ZstdOutputStream;

import io.edged.otlp.Requests;
import io.edged.otlp.Signal;
import io.edged.zstd.ZstdDecoder.Progress;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Random;

/** Everything is compared with the reference implementation. */
class ZstdDecoderTest {

    private static final int LARGEST = 3 << 20;

    private long memory;
    private final ZstdDecoder decoder =
            new ZstdDecoder(bytes -> {
                memory += bytes;
                return true;
            });

    @ParameterizedTest
    @ValueSource(ints = {-7, 1, 2, 3, 5, 7, 9, 13, 19})
    void whatTheReferenceCompressesComesOutAgain(int level) throws Exception {
        for (long seed = 0; seed < 16; seed++) {
            byte[] plain = content(seed);
            byte[] frame = compress(plain, level, seed);
            assertThat(decode(frame, new Random(seed)))
                    .as("level %d seed %d", level, seed)
                    .isEqualTo(plain);
        }
    }

    @Test
    void largeContentPassesThroughASmallWindow() throws Exception {
        var random = new Random(5);
        var out = new ByteArrayOutputStream();
        while (out.size() < LARGEST) out.write(content(random.nextInt(50)));
        byte[] plain = out.toByteArray();
        for (int level : new int[] {1, 3, 12}) {
            byte[] frame;
            try (var context = new ZstdCompressCtx()) {
                context.setLevel(level).setChecksum(true);
                // Without a size the frame has a window of its own.
                context.setContentSize(false);
                frame = context.compress(plain);
            }
            memory = 0;
            assertThat(decode(frame, random)).isEqualTo(plain);
        }
        assertThat(decoder.heldBytes())
                .isLessThan(ZstdDecoder.MAX_WINDOW_BYTES * 5 / 4 + (512 << 10));
    }

    @Test
    void streamsThatAreFlushedInBetweenDecode() throws Exception {
        for (long seed = 0; seed < 20; seed++) {
            var random = new Random(seed);
            var packed = new ByteArrayOutputStream();
            var plain = new ByteArrayOutputStream();
            try (var stream = new ZstdOutputStream(packed, 1 + random.nextInt(9))) {
                for (int i = 0; i < 10; i++) {
                    byte[] piece = content(random.nextInt(1000));
                    plain.write(piece);
                    stream.write(piece);
                    stream.flush();
                }
            }
            assertThat(decode(packed.toByteArray(), random)).isEqualTo(plain.toByteArray());
        }
    }

    /** Damage: never a crash, never other bytes than the reference gives for the same frame. */
    @Test
    void damagedFramesAreRefusedOrGiveWhatTheReferenceGives() throws Exception {
        int both = 0;
        int refused = 0;
        for (long seed = 0; seed < Long.getLong("zstd.fuzz", 3_000); seed++) {
            var random = new Random(seed);
            byte[] plain = content(random.nextInt(300));
            if (plain.length > 20_000) plain = Arrays.copyOf(plain, 20_000);
            byte[] frame;
            try (var context = new ZstdCompressCtx()) {
                context.setLevel(1 + random.nextInt(12)).setChecksum(false);
                context.setContentSize(random.nextBoolean());
                frame = context.compress(plain);
            }
            for (int flips = 1 + random.nextInt(3); flips > 0; flips--)
                frame[random.nextInt(Math.min(frame.length, 200))] ^=
                        (byte) (1 << random.nextInt(8));
            byte[] theirs;
            try {
                theirs = reference(frame);
            } catch (ZstdException e) {
                theirs = null;
            }
            byte[] ours;
            try {
                ours = decode(frame, random);
            } catch (io.edged.zstd.ZstdException e) {
                ours = null;
            }
            if (ours == null) {
                refused++;
                continue;
            }
            if (theirs == null) throw new AssertionError("only we take seed " + seed);
            assertThat(ours).as("seed %d", seed).isEqualTo(theirs);
            both++;
        }
        assertThat(both).isPositive();
        assertThat(refused).isPositive();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "00000000          | does not begin like zstd",
                "502A4D1800000000  | skippable",
                "28B52FFD 28 00    | reserved bit",
                "28B52FFD 21 01 01 | dictionary",
                "28B52FFD 00 70    | window of 16777216",
                "28B52FFD E0 0000000000000080 | impossible size",
                "28B52FFD A0 01008000 | window of 8388609",
                "28B52FFD 20 03 070000 | reserved type",
                "28B52FFD 20 03 010008 | larger than a block",
                "28B52FFD 20 03 110000 6161 | announces 3 bytes",
                "28B52FFD 20 03 190000 616161 00 | bytes follow",
                "28B52FFD 24 03 190000 616161 00000000 | checksum",
                "28B52FFD 20 03 150000 1061 | cut off",
                "28B52FFD 20 03 0D0000 03 | cut off",
            })
    void badFramesSayWhy(String hex, String reason) {
        byte[] frame = HexFormat.of().parseHex(hex.replace(" ", ""));
        assertThatThrownBy(() -> decode(frame, new Random(1)))
                .isInstanceOf(io.edged.zstd.ZstdException.class)
                .hasMessageContaining(reason);
    }

    @Test
    void aFrameThatIsCutOffIsNotComplete() throws Exception {
        byte[] frame = compress(content(3), 3, 1);
        for (int length = 0; length < frame.length; length++) {
            decoder.begin();
            decoder.feed(ByteBuffer.wrap(frame, 0, length), _ -> true);
            assertThat(decoder.isComplete()).isFalse();
        }
    }

    @Test
    void aLargeWindowCostsNothingUntilThereIsContent() throws Exception {
        byte[] plain = content(7);
        byte[] frame;
        try (var context = new ZstdCompressCtx()) {
            context.setLevel(3).setWindowLog(23).setContentSize(false);
            frame = context.compress(plain);
        }
        assertThat(decode(frame, new Random(1))).isEqualTo(plain);
        assertThat(memory).isLessThan(512 << 10);
    }

    @Test
    void withoutMemoryItStops() throws Exception {
        byte[] frame = compress(new byte[1 << 20], 3, 1);
        var poor = new ZstdDecoder(_ -> false);
        assertThat(poor.feed(ByteBuffer.wrap(frame), _ -> true)).isEqualTo(Progress.NO_MEMORY);
    }

    @Test
    void outputThatHasHadEnoughStopsIt() throws Exception {
        byte[] frame = compress(new byte[1 << 20], 3, 1);
        assertThat(decoder.feed(ByteBuffer.wrap(frame), _ -> false)).isEqualTo(Progress.STOPPED);
    }

    @Test
    void trimmingGivesBackWhatALargeFrameNeeded() throws Exception {
        decode(compress(new byte[4 << 20], 3, 1), new Random(1));
        decoder.trim();
        assertThat(decoder.heldBytes()).isLessThanOrEqualTo(3 * ZstdDecoder.KEPT_BYTES + 1024);
        byte[] plain = content(1);
        assertThat(decode(compress(plain, 3, 1), new Random(1))).isEqualTo(plain);
    }

    private byte[] decode(byte[] frame, Random random) throws io.edged.zstd.ZstdException {
        decoder.begin();
        var out = new ByteArrayOutputStream();
        int largest = random.nextBoolean() ? 7 : 20_000;
        for (int at = 0; at < frame.length; ) {
            int length = Math.min(1 + random.nextInt(largest), frame.length - at);
            ByteBuffer part = ByteBuffer.allocateDirect(length).put(frame, at, length).flip();
            Progress progress =
                    decoder.feed(
                            part,
                            decoded -> {
                                byte[] bytes = new byte[decoded.remaining()];
                                decoded.get(bytes);
                                out.writeBytes(bytes);
                                return out.size() < 16 << 20;
                            });
            assertThat(part.remaining()).isEqualTo(length);
            if (progress != Progress.GOOD)
                throw new io.edged.zstd.ZstdException("stopped: " + progress);
            at += length;
        }
        if (!decoder.isComplete()) throw new io.edged.zstd.ZstdException("the frame is cut off");
        return out.toByteArray();
    }

    private static byte[] reference(byte[] frame) {
        byte[] out = new byte[1 << 20];
        long length = Zstd.decompressByteArray(out, 0, out.length, frame, 0, frame.length);
        if (Zstd.isError(length)) throw new ZstdException(length);
        return Arrays.copyOf(out, (int) length);
    }

    private static byte[] compress(byte[] plain, int level, long seed) throws IOException {
        try (var context = new ZstdCompressCtx()) {
            context.setLevel(level).setChecksum((seed & 1) == 0).setContentSize((seed & 2) == 0);
            return context.compress(plain);
        }
    }

    /** Telemetry, runs, noise, and mixtures of them, of all sizes. */
    static byte[] content(long seed) {
        var random = new Random(seed);
        return switch ((int) (seed % 8)) {
            case 0 -> new Requests(seed).next(Signal.LOGS);
            case 1 -> Requests.typicalLogs(1 + random.nextInt(300));
            case 2 -> noise(random, random.nextInt(3000));
            case 3 -> new byte[random.nextInt(200_000)];
            case 4 -> fewSymbols(random, random.nextInt(150_000), 2 + random.nextInt(20));
            case 5 -> noise(random, random.nextInt(4));
            case 6 -> {
                byte[] piece = noise(random, 1 + random.nextInt(400));
                byte[] all = new byte[random.nextInt(300_000)];
                for (int i = 0; i < all.length; i++) all[i] = piece[i % piece.length];
                yield all;
            }
            default -> new Requests(seed).next(Signal.TRACES);
        };
    }

    private static byte[] noise(Random random, int length) {
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        return bytes;
    }

    private static byte[] fewSymbols(Random random, int length, int symbols) {
        byte[] bytes = new byte[length];
        for (int i = 0; i < length; i++)
            bytes[i] = (byte) (Math.abs(random.nextGaussian()) * symbols);
        return bytes;
    }
}
