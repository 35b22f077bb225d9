package io.edged.wal;

import java.io.IOException;

/**
 * Tells a full disk, which comes right again, from a failed one. The JDK gives the kernel's error
 * as text only.
 */
final class DiskFull {
    private DiskFull() {}

    static boolean is(IOException e) {
        String message = String.valueOf(e.getMessage());
        return message.contains("No space left on device")
                || message.contains("Disk quota exceeded");
    }
}
