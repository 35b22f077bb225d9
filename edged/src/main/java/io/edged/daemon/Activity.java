package io.edged.daemon;

import java.time.Duration;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/**
 * Whether a worker makes progress: it says when it has work, when it got on with it and when it has
 * none. A worker without work is well, however long ago it last did something.
 *
 * <p>One thread reports; any thread may ask.
 */
public final class Activity {
    private static final long IDLE = Long.MIN_VALUE;

    private final LongSupplier nanoTime;

    /** Nanoseconds of the last progress while there is work; written by the worker only. */
    private volatile long busySince = IDLE;

    public Activity(LongSupplier nanoTime) {
        this.nanoTime = nanoTime;
    }

    /** There is work, and something was just done about it. */
    public void progress() {
        long now = nanoTime.getAsLong();
        busySince = now == IDLE ? now + 1 : now;
    }

    /** There is no work. */
    public void idle() {
        busySince = IDLE;
    }

    /** How long the work that there is has not moved; zero without work. */
    public Duration stalledFor() {
        long since = busySince;
        return since == IDLE
                ? Duration.ZERO
                : Duration.ofNanos(Math.max(0, nanoTime.getAsLong() - since));
    }

    /** A probe for {@link Health.Check}, whose ceiling decides how long a stall may last. */
    public Supplier<Health.Result> probe(String worker) {
        return () -> {
            Duration stalled = stalledFor();
            if (stalled.isZero()) return new Health.Ok();
            return new Health.Failed(
                    worker + " made no progress for " + stalled.toMillis() + " ms", stalled);
        };
    }
}
