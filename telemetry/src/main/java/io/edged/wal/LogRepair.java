package io.edged.wal;

import io.edged.disk.LogDirectory;

import java.io.IOException;
import java.time.Duration;
import java.util.function.LongConsumer;

/**
 * Does at once what an open with {@code on_corruption = "quarantine"} does and what readers would
 * do later: the log is opened and closed, and every older segment is looked at as a reader that
 * finds damage looks at it. There is no repair beside that. Given a directory that only plans its
 * changes, nothing is changed.
 */
public final class LogRepair {

    private LogRepair() {}

    /** Sizes matter only to a log that is written; the lanes stay as they are. */
    private static WalOptions options(LogDirectory directory) throws IOException {
        return new WalOptions(
                WalOptions.MIN_SEGMENT_BYTES,
                Long.MAX_VALUE,
                0,
                1,
                WalOptions.OnCorruption.QUARANTINE,
                new WalOptions.OnFull.Reject(),
                Duration.ZERO,
                StoredLog.read(directory).positions().map(Positions::lanes).orElse(Lanes.SINGLE));
    }

    /**
     * Repairs the log in {@code directory}, which the caller holds for itself alone. What is done
     * is told by log lines and by the directory.
     *
     * @param progress is told how many bytes were read, segment by segment
     */
    public static void run(
            LogDirectory directory, WalEnvironment environment, LongConsumer progress)
            throws IOException {
        Wal log = Wal.openStill(directory, options(directory), environment);
        try {
            log.repairSealed(progress);
        } finally {
            log.finish();
        }
    }
}
