package io.edged.wal;

import java.util.concurrent.locks.LockSupport;

/**
 * How the writer thread waits for the next append. Waking a parked thread takes as long as a fast
 * disk takes for a force, so the writer looks around for a moment before it parks: as long as that
 * has paid lately, and not at all if it has not. Writer thread only.
 */
final class WriterPause {

    private static final long MOST_NANOS = 100_000;
    private static final long LEAST_NANOS = 2_000;
    private static final boolean OTHERS_CAN_RUN = Runtime.getRuntime().availableProcessors() > 1;

    /** How long the next look around may take; below {@link #LEAST_NANOS} none is worth it. */
    private long nanos = OTHERS_CAN_RUN ? MOST_NANOS : 0;

    /** Whether something came while it looked around. */
    boolean spin(AppendQueue queue) {
        if (nanos < LEAST_NANOS) return false;
        long end = System.nanoTime() + nanos;
        do {
            if (!queue.isEmpty()) {
                nanos = MOST_NANOS;
                return true;
            }
            Thread.onSpinWait();
        } while (System.nanoTime() < end);
        nanos /= 2;
        return false;
    }

    /** Parks; a short wait says that looking around would have been enough. */
    void park(Object blocker) {
        long began = System.nanoTime();
        LockSupport.park(blocker);
        if (OTHERS_CAN_RUN && System.nanoTime() - began < MOST_NANOS) nanos = MOST_NANOS;
    }
}
