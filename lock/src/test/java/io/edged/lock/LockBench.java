package io.edged.lock;

import org.apache.commons.codec.digest.Blake3;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Random;

/**
 * MB a second of one thread: the library in use, commons-codec, and {@code b3sum} where it is
 * installed. The first round of each is what a command sees, that has just started.
 */
public final class LockBench {

    private static final int BYTES = 64 << 20;
    private static final int PIECE_BYTES = 256 << 10;
    private static final int ROUNDS = 7;

    private LockBench() {}

    private interface Work {
        void run() throws IOException, InterruptedException;
    }

    public static void main(String[] arguments) throws IOException, InterruptedException {
        byte[] content = new byte[BYTES];
        new Random(1).nextBytes(content);
        byte[] piece = new byte[PIECE_BYTES];
        System.out.printf(
                Locale.ROOT,
                "%d MiB, %d rounds, one thread, java %s %s%n",
                BYTES >> 20,
                ROUNDS,
                System.getProperty("java.version"),
                System.getProperty("os.arch"));
        measure(
                "io.github.rctcwyvrn:blake3",
                () -> {
                    var hasher = new FingerprintHasher();
                    for (int at = 0; at < BYTES; at += PIECE_BYTES) {
                        System.arraycopy(content, at, piece, 0, PIECE_BYTES);
                        hasher.update(piece, 0, PIECE_BYTES);
                    }
                    hasher.finish();
                });
        measure(
                "commons-codec",
                () -> {
                    Blake3 hasher = Blake3.initHash();
                    for (int at = 0; at < BYTES; at += PIECE_BYTES) {
                        System.arraycopy(content, at, piece, 0, PIECE_BYTES);
                        hasher.update(piece, 0, PIECE_BYTES);
                    }
                    hasher.doFinalize(new byte[32]);
                });
        if (!OfficialTool.isInstalled()) {
            System.out.println("SKIP b3sum: it is not installed");
            return;
        }
        Path file = Files.createTempFile("edged-bench", ".bin");
        try {
            Files.write(file, content);
            measure("b3sum, its start included", () -> OfficialTool.hashes(List.of(file)));
        } finally {
            Files.delete(file);
        }
    }

    private static void measure(String name, Work work) throws IOException, InterruptedException {
        double[] rates = new double[ROUNDS];
        for (int i = 0; i < ROUNDS; i++) {
            long start = System.nanoTime();
            work.run();
            rates[i] = BYTES / 1e6 / ((System.nanoTime() - start) / 1e9);
        }
        double first = rates[0];
        Arrays.sort(rates);
        System.out.printf(
                Locale.ROOT,
                "%-28s first %6.0f MB/s, median %6.0f, from %6.0f to %6.0f%n",
                name,
                first,
                rates[ROUNDS / 2],
                rates[0],
                rates[ROUNDS - 1]);
    }
}
