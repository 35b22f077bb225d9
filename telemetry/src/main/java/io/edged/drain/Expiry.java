package io.edged.drain;

import io.edged.wal.DeliveryLog;
import io.edged.wal.Frame;

import java.time.Instant;
import java.time.InstantSource;
import java.util.Optional;
import java.util.function.LongSupplier;

/**
 * Gives up what a destination wants no more because of its age: settles it as dropped, and tells
 * upstream with an event.
 *
 * <p>Age counts from the time at which a record was written, if that lies between the building of
 * this program and now; a device whose clock was wrong then counts from when it was first looked
 * at. While the clock is wrong now, nothing is too old. One thread.
 */
final class Expiry {

    /** Why items are dropped. */
    static final String MAX_AGE = "max_age";

    /** Frames in one turn of a lane. */
    private static final int FRAMES = 1_024;

    private final String destination;
    private final UplinkLimits limits;
    private final DeliveryLog log;
    private final InstantSource clock;
    private final LongSupplier nanoTime;
    private boolean untold;

    Expiry(
            String destination,
            UplinkLimits limits,
            DeliveryLog log,
            InstantSource clock,
            LongSupplier nanoTime) {
        this.destination = destination;
        this.limits = limits;
        this.log = log;
        this.clock = clock;
        this.nanoTime = nanoTime;
    }

    /**
     * Gives up the oldest frames of a lane that are too old.
     *
     * @return whether any was
     */
    boolean giveUp(LaneProgress lane, DrainMetrics metrics) {
        if (limits.maxAge().isZero()) return false;
        Instant now = clock.instant();
        if (now.isBefore(limits.notBefore())) return false;
        boolean any = false;
        for (int i = 0; i < FRAMES; i++) {
            Optional<LaneProgress.Waiting> oldest = lane.oldestWaiting();
            if (oldest.isEmpty() || !isTooOld(oldest.get(), now)) return any;
            Frame frame = oldest.get().frame();
            lane.take(frame);
            if (lane.giveUp(frame, MAX_AGE)) {
                untold = true;
                metrics.tooOld(lane.lane(), frame.deliveredAs(), frame.items());
            }
            any = true;
        }
        return any;
    }

    private boolean isTooOld(LaneProgress.Waiting waiting, Instant now) {
        long writtenAt = waiting.frame().writtenAtNanos();
        Instant written =
                Instant.ofEpochSecond(
                        Math.floorDiv(writtenAt, 1_000_000_000L),
                        Math.floorMod(writtenAt, 1_000_000_000L));
        boolean sane = !written.isBefore(limits.notBefore()) && !written.isAfter(now);
        return sane
                ? written.plus(limits.maxAge()).isBefore(now)
                : nanoTime.getAsLong() - waiting.sinceNanos() > limits.maxAge().toNanos();
    }

    /** Tells of what was given up since. */
    void tell() {
        if (untold) log.tellGivenUp(destination);
        untold = false;
    }

    /** When to look again by time alone. */
    long waitNanos() {
        return limits.maxAge().isZero() ? Long.MAX_VALUE : Destination.LOOK_AGAIN_NANOS;
    }
}
