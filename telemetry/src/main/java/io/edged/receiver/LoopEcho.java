package io.edged.receiver;

import java.time.Duration;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.LongSupplier;

/**
 * Whether an event loop still comes round: each question hands it a task, unless the last one has
 * not been done yet. A loop that nobody asks about has no work by this.
 *
 * <p>Any thread.
 */
final class LoopEcho {

    private final Executor loop;
    private final LongSupplier nanoTime;
    private boolean waiting;
    private long askedNanos;

    LoopEcho(Executor loop, LongSupplier nanoTime) {
        this.loop = loop;
        this.nanoTime = nanoTime;
    }

    /** How long the oldest task has waited for the loop; zero if none waits. */
    synchronized Duration stalledFor() {
        long now = nanoTime.getAsLong();
        if (waiting) return Duration.ofNanos(Math.max(0, now - askedNanos));
        waiting = true;
        askedNanos = now;
        try {
            loop.execute(this::heard);
        } catch (RejectedExecutionException e) {
            // The loop has ended: it will never come round, and that is what is said from now on.
        }
        return Duration.ZERO;
    }

    private synchronized void heard() {
        waiting = false;
    }
}
