package io.edged.wal;

import io.edged.disk.AtomicFile;
import io.edged.disk.LogDirectory;
import io.edged.disk.LogFile;
import io.edged.wal.SegmentScan.Part;

import java.io.IOException;
import java.util.List;

/**
 * Replaces a segment by a new file that holds some of its bytes, so that what it holds is forced
 * and nothing else is there.
 */
final class Rewrite {

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
                to.copy(from, part.fromOffset(), part.toOffset(), size);
                size += part.toOffset() - part.fromOffset();
            }
            to.force();
        }
        directory.rename(temporary, name.file());
        directory.force();
        return size;
    }
}
