package io.edged.lock;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;

/**
 * Fingerprints are what {@code b3sum} says, at every length around a border of its tree and for
 * random files. The largest one, {@code lock.largest.bytes}, is small here and 1 GiB in {@code make
 * soak-lock}.
 */
class OfficialToolTest {

    private static final int BLOCK = 64;
    private static final int CHUNK = 1_024;
    private static final long LARGEST = Long.getLong("lock.largest.bytes", 20L << 20);
    private static final int PIECE_BYTES = 256 << 10;

    @TempDir Path directory;

    @BeforeEach
    void installed() {
        OfficialTool.assumeInstalled();
    }

    /** Around every block of the first chunks, and around every subtree up to 128 chunks. */
    private static List<Integer> lengths() {
        var lengths = new TreeSet<Integer>();
        for (int blocks = 0; blocks <= 3 * CHUNK / BLOCK; blocks++) around(blocks * BLOCK, lengths);
        for (int chunks = 1; chunks <= 40; chunks++) around(chunks * CHUNK, lengths);
        for (int chunks = 64; chunks <= 128; chunks *= 2)
            for (int near = -1; near <= 1; near++) around((chunks + near) * CHUNK, lengths);
        return List.copyOf(lengths);
    }

    private static void around(int length, Set<Integer> lengths) {
        for (int near = -1; near <= 1; near++) if (length + near >= 0) lengths.add(length + near);
    }

    @Test
    void everyLengthAroundABorderIsEqual() throws IOException, InterruptedException {
        var random = new Random(7);
        var files = new ArrayList<Path>();
        var ours = new ArrayList<String>();
        for (int length : lengths()) {
            byte[] content = new byte[length];
            random.nextBytes(content);
            files.add(Files.write(directory.resolve("length-" + length), content));
            ours.add(Fingerprint.of(content).hex());
        }
        assertThat(files).hasSizeGreaterThan(250);
        assertThat(ours).isEqualTo(OfficialTool.hashes(files));
        System.out.println("equal to b3sum: " + files.size() + " lengths around borders");
    }

    @Test
    void randomFilesOfRandomSizesAreEqual() throws IOException, InterruptedException {
        var random = new Random(8);
        var files = new ArrayList<Path>();
        for (int i = 0; i < 20; i++)
            files.add(file("random-" + i, random.nextLong(1L << random.nextInt(1, 22)), random));
        files.add(file("largest", LARGEST, random));
        var ours = new ArrayList<String>();
        for (Path file : files) ours.add(fingerprint(file).hex());
        assertThat(ours).isEqualTo(OfficialTool.hashes(files));
        System.out.println(
                "equal to b3sum: " + files.size() + " random files up to " + LARGEST + " bytes");
    }

    private Path file(String name, long bytes, Random random) throws IOException {
        Path file = directory.resolve(name);
        byte[] piece = new byte[PIECE_BYTES];
        try (var out = Files.newOutputStream(file)) {
            for (long left = bytes; left > 0; left -= piece.length) {
                random.nextBytes(piece);
                out.write(piece, 0, (int) Math.min(left, piece.length));
            }
        }
        return file;
    }

    private static Fingerprint fingerprint(Path file) throws IOException {
        var hasher = new FingerprintHasher();
        byte[] piece = new byte[PIECE_BYTES];
        try (var in = Files.newInputStream(file)) {
            for (int read = in.read(piece); read >= 0; read = in.read(piece))
                hasher.update(piece, 0, read);
        }
        return hasher.finish();
    }
}
