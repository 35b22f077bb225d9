package io.edged.dist;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32;

/**
 * Takes the clock out of a start-up cache: {@code CacheClock FIRST FROM TO SECOND FROM TO}. Both
 * caches were made from the same files; FROM and TO are the machine's up time in milliseconds
 * before and after each was made. The objects in a cache include soft references, which note when
 * they were last used. Those words are the only ones that may differ; they become 0 in FIRST, and
 * the checksums are written anew. Anything else that differs is an error: then the cache depends on
 * something that this program does not know.
 */
final class CacheClock {
    private static final int CHECKSUM_OFFSET = 4;
    private static final int HEADER_BYTES_OFFSET = 12;
    private static final int REGIONS_OFFSET = 24;
    private static final int REGION_BYTES = 96;
    private static final int REGIONS = 4;

    /** Beginning of a region in the file, and its size, behind its checksum. */
    private static final int REGION_FILE_OFFSET = 24;

    private static final int REGION_USED_OFFSET = 40;

    /** A cache and the span in which it was made. */
    record Made(ByteBuffer content, long fromMillis, long toMillis) {
        Made {
            content.order(ByteOrder.LITTLE_ENDIAN);
        }

        boolean contains(long millis) {
            return millis >= fromMillis && millis <= toMillis;
        }
    }

    private CacheClock() {}

    public static void main(String[] args) throws IOException {
        Path first = Path.of(args[0]);
        Made made = made(args, 0);
        int words = stop(made, made(args, 3));
        Files.write(first, made.content().array(), StandardOpenOption.TRUNCATE_EXISTING);
        System.err.println("dist: " + words + " clock readings taken out of the cache");
    }

    private static Made made(String[] args, int at) throws IOException {
        return new Made(
                ByteBuffer.wrap(Files.readAllBytes(Path.of(args[at]))),
                Long.parseLong(args[at + 1]),
                Long.parseLong(args[at + 2]));
    }

    /**
     * Takes the clock out of the first one.
     *
     * @return how many words it stood in
     * @throws IOException the two differ in something else; the message says where
     */
    static int stop(Made first, Made second) throws IOException {
        ByteBuffer one = first.content();
        ByteBuffer other = second.content();
        if (one.capacity() != other.capacity())
            throw new IOException(
                    "the caches have " + one.capacity() + " and " + other.capacity() + " bytes");
        List<Integer> checksums = checksums(one);
        var clocks = new ArrayList<Integer>();
        for (int at = one.getInt(HEADER_BYTES_OFFSET); at + 8 <= one.capacity(); at += 8) {
            if (one.getLong(at) == other.getLong(at)) continue;
            if (!first.contains(one.getLong(at)) || !second.contains(other.getLong(at)))
                throw new IOException(
                        "the caches differ at byte %d: %x and %x, which are no readings of the clock"
                                .formatted(at, one.getLong(at), other.getLong(at)));
            clocks.add(at);
        }
        for (int at = 0; at < one.getInt(HEADER_BYTES_OFFSET); at += 4)
            if (one.getInt(at) != other.getInt(at) && !checksums.contains(at))
                throw new IOException("the heads of the caches differ at byte " + at);
        clocks.forEach(at -> one.putLong(at, 0));
        // The head's own checksum covers those of the regions.
        for (int at : checksums.reversed()) one.putInt(at, checksum(one, at));
        return clocks.size();
    }

    /** Where the checksums of a cache stand, the head's first; each is found to be right. */
    private static List<Integer> checksums(ByteBuffer cache) throws IOException {
        var offsets = new ArrayList<Integer>();
        offsets.add(CHECKSUM_OFFSET);
        for (int i = 0; i < REGIONS; i++) offsets.add(REGIONS_OFFSET + i * REGION_BYTES);
        for (int at : offsets)
            if (cache.getInt(at) != checksum(cache, at))
                throw new IOException(
                        "the checksum at byte "
                                + at
                                + " is not understood; is this another version of the runtime?");
        return offsets;
    }

    private static int checksum(ByteBuffer cache, int at) {
        long from;
        long bytes;
        if (at == CHECKSUM_OFFSET) {
            from = HEADER_BYTES_OFFSET + 4;
            bytes = cache.getInt(HEADER_BYTES_OFFSET) - from;
        } else {
            from = cache.getLong(at + REGION_FILE_OFFSET);
            bytes = cache.getLong(at + REGION_USED_OFFSET);
        }
        var crc = new CRC32();
        crc.update(cache.slice(Math.toIntExact(from), Math.toIntExact(bytes)));
        return (int) crc.getValue();
    }
}
