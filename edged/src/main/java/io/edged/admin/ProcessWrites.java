package io.edged.admin;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * What this process has had written to storage, as the kernel counts it: whole pages, when they are
 * changed, and so with everything that a small write costs. Reading it touches no disk.
 */
final class ProcessWrites {

    private static final Path COUNTS = Path.of("/proc/self/io");
    private static final String WRITTEN = "write_bytes: ";
    private static final String CANCELLED = "cancelled_write_bytes: ";

    private ProcessWrites() {}

    /** Bytes since the process started; 0 where the kernel does not say. */
    static double bytes() {
        return bytes(COUNTS);
    }

    static double bytes(Path counts) {
        try {
            long written = 0;
            // Pages that were thrown away before they reached the device, as of a deleted file.
            long cancelled = 0;
            for (String line : Files.readAllLines(counts, StandardCharsets.US_ASCII)) {
                if (line.startsWith(WRITTEN))
                    written = Long.parseLong(line.substring(WRITTEN.length()).strip());
                if (line.startsWith(CANCELLED))
                    cancelled = Long.parseLong(line.substring(CANCELLED.length()).strip());
            }
            return Math.max(0, written - cancelled);
        } catch (IOException | NumberFormatException e) {
            return 0; // A kernel without accounting of input and output.
        }
    }
}
