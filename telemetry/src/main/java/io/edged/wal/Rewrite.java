package io.edged.wal;

import io.edged.disk.AtomicFile;
import io.edged.disk.LogDirectory;
import io.edged.disk.LogFile;
import io.edged.wal.SegmentScan.Part;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * Replaces a segment by a new file that holds some of its bytes, so that what it holds is forced
 * and nothing else is there.
 */
final class Rewrite {

    private static final int CHUNK_BYTES = 256 << 10;

    private Rewrite() {}

    /**
     * Writes {@code parts} of {@code from} one behind the other into a new file, forces it, gives
     * it the segment's name and forces the directory. A crash leaves the old file or the new one.
     *
     * @return size of the new file
     */
    static long keep(LogDirectory directory, SegmentName name, LogFile from, List<Part> parts)
            throws IOException {
        String temporary = name.file() + AtomicFile.TEMPORARY_SUFFIX;
        if (directory.names().contains(temporary)) directory.delete(temporary);
        long size = 0;
        try (LogFile to = directory.create(temporary)) {
            for (Part part : parts) {
                copy(from, part.fromOffset(), part.toOffset(), to, size);
                size += part.toOffset() - part.fromOffset();
            }
            to.force();
        }
        directory.rename(temporary, name.file());
        directory.force();
        return size;
    }

    /**
     * Copies a range; where {@code from} cannot be read, the exception of the first unit goes to
     * the caller.
     */
    private static void copy(LogFile from, long start, long end, LogFile to, long at)
            throws IOException {
        ByteBuffer chunk = ByteBuffer.allocateDirect((int) Math.min(CHUNK_BYTES, end - start));
        long read = start;
        long written = at;
        while (read < end) {
            chunk.clear().limit((int) Math.min(chunk.capacity(), end - read));
            while (chunk.hasRemaining()) {
                if (from.read(chunk, read + chunk.position()) <= 0)
                    throw new IOException(
                            "file ends at " + (read + chunk.position()) + ", expected " + end);
            }
            chunk.flip();
            int bytes = chunk.remaining();
            to.write(chunk, written);
            read += bytes;
            written += bytes;
        }
    }
}
