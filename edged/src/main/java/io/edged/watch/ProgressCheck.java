package io.edged.watch;

import io.edged.daemon.Health;
import io.edged.drain.DrainStatus;

import java.time.Duration;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/**
 * Whether one destination gets on: its records are settled one after the other, or there are none.
 * What needs an operator fails at once; a link that is away is what the log is for, and fails only
 * when it lasts.
 *
 * <p>Any thread.
 */
final class ProgressCheck {

    private final Supplier<DrainStatus> destination;
    private final Supplier<Long> committedSeq;
    private final LongSupplier nanoTime;
    private long settledTo = -1;
    private long sinceNanos;

    ProgressCheck(
            Supplier<DrainStatus> destination, Supplier<Long> committedSeq, LongSupplier nanoTime) {
        this.destination = destination;
        this.committedSeq = committedSeq;
        this.nanoTime = nanoTime;
        sinceNanos = nanoTime.getAsLong();
    }

    synchronized Health.Result look() {
        long committed = committedSeq.get();
        DrainStatus now = destination.get();
        long nowNanos = nanoTime.getAsLong();
        if (now.settledTo() != settledTo || now.settledTo() >= committed) {
            settledTo = now.settledTo();
            sinceNanos = nowNanos;
        }
        return switch (now.state()) {
            case FAULT, REFUSING, FAILED ->
                    new Health.Failed(now.lastError().orElse("the destination cannot go on"));
            case LIMITED, PAUSED, STOPPED -> {
                sinceNanos = nowNanos;
                yield new Health.Ok(now.limitedBy().orElse(""));
            }
            case DELIVERING, WAITING -> {
                Duration stalled = Duration.ofNanos(nowNanos - sinceNanos);
                yield stalled.isZero()
                        ? new Health.Ok(now.limitedBy().orElse(""))
                        : new Health.Failed(
                                "nothing was settled for "
                                        + stalled.toSeconds()
                                        + " s, records wait from "
                                        + (settledTo + 1)
                                        + now.limitedBy()
                                                .or(now::lastError)
                                                .map(error -> ": " + error)
                                                .orElse(""),
                                stalled);
            }
        };
    }
}
