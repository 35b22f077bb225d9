package io.edged.dist;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.Optional;

/**
 * What the head of a native file says, after the ELF-64 object file format.
 *
 * @param machine the architecture's label, or {@code machine-N} for one that there is no build for
 * @param pageBytes the largest memory page that its segments can be mapped with: the smallest
 *     alignment of a loaded segment
 */
record ElfFile(String machine, long pageBytes) {
    private static final int MAGIC = 0x7f454c46;
    private static final int HEADER_BYTES = 64;
    private static final int MAX_SEGMENTS = 256;
    private static final int LOAD = 1;

    /**
     * Reads the head of a file; empty if it is not a native file.
     *
     * @throws IOException it cannot be read, or is native and not a 64-bit little-endian file
     */
    static Optional<ElfFile> read(Path path) throws IOException {
        try (var file = FileChannel.open(path)) {
            ByteBuffer head = ByteBuffer.allocate(HEADER_BYTES);
            file.read(head, 0);
            if (head.position() < 4 || head.getInt(0) != MAGIC) return Optional.empty();
            if (head.hasRemaining() || head.get(4) != 2 || head.get(5) != 1)
                throw new IOException(path + ": a native file, but not 64-bit little-endian ELF");
            head.order(ByteOrder.LITTLE_ENDIAN);
            int size = Short.toUnsignedInt(head.getShort(54));
            int count = Short.toUnsignedInt(head.getShort(56));
            if (size < 56 || count > MAX_SEGMENTS)
                throw new IOException(path + ": " + count + " segments of " + size + " bytes");
            ByteBuffer segments = ByteBuffer.allocate(size * count).order(ByteOrder.LITTLE_ENDIAN);
            file.read(segments, head.getLong(32));
            if (segments.hasRemaining()) throw new IOException(path + ": the file is cut");
            long page = Long.MAX_VALUE;
            for (int i = 0; i < count; i++)
                if (segments.getInt(i * size) == LOAD)
                    page = Math.min(page, segments.getLong(i * size + 48));
            return Optional.of(new ElfFile(label(head.getShort(18)), page));
        }
    }

    private static String label(int machine) {
        return switch (machine) {
            case 62 -> "amd64";
            case 183 -> "arm64";
            case 243 -> "riscv64";
            default -> "machine-" + machine;
        };
    }
}
