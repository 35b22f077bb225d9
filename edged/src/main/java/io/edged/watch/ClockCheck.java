package io.edged.watch;

import io.edged.daemon.Health;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.function.LongSupplier;

/**
 * The wall clock, judged by the monotonic one. Order in the log never depends on it, but the times
 * of records, the ages that alerts go by and the validity of certificates do.
 *
 * <p>A jump fails the check until the clock is back, or until it has stood for {@link #ACCEPTED}:
 * then the new time is taken to be right. A clock before {@link #EARLIEST}, as of a device without
 * a battery, fails it until the time is set.
 *
 * <p>Any thread.
 */
final class ClockCheck {

    /** No build of this program is older. */
    static final Instant EARLIEST = Instant.parse("2026-01-01T00:00:00Z");

    /** More than a time service corrects at once. */
    static final Duration TOLERANCE = Duration.ofSeconds(30);

    static final Duration ACCEPTED = Duration.ofMinutes(2);

    private final InstantSource wall;
    private final LongSupplier nanoTime;
    private Instant expected;
    private long expectedAtNanos;
    private long jumpedAtNanos;
    private boolean jumped;
    private boolean unset;

    ClockCheck(InstantSource wall, LongSupplier nanoTime) {
        this.wall = wall;
        this.nanoTime = nanoTime;
        expected = wall.instant();
        expectedAtNanos = nanoTime.getAsLong();
        unset = expected.isBefore(EARLIEST);
    }

    synchronized Health.Result look() {
        Instant now = wall.instant();
        long nowNanos = nanoTime.getAsLong();
        Duration off = Duration.between(expected.plusNanos(nowNanos - expectedAtNanos), now);
        if (off.abs().compareTo(TOLERANCE) <= 0 || (unset && !now.isBefore(EARLIEST))) {
            accept(now, nowNanos);
        } else if (!jumped) {
            jumped = true;
            jumpedAtNanos = nowNanos;
        } else if (nowNanos - jumpedAtNanos >= ACCEPTED.toNanos()) {
            accept(now, nowNanos);
        }
        if (now.isBefore(EARLIEST))
            return new Health.Failed(
                    "the clock says " + now + ": it has not been set; check the time service");
        if (!jumped) return new Health.Ok();
        return new Health.Failed(
                "the clock jumped "
                        + (off.isNegative() ? "back" : "ahead")
                        + " by "
                        + off.abs().toSeconds()
                        + " s; check the time service");
    }

    private void accept(Instant now, long nowNanos) {
        expected = now;
        expectedAtNanos = nowNanos;
        jumped = false;
        unset = now.isBefore(EARLIEST);
    }
}
