package io.edged.cli;

import io.edged.receiver.Pressure;

import java.time.Duration;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/**
 * Tells when a full log will have room again: when the slowest destination has settled what is left
 * of the oldest segment, at the pace that it has had lately. Looks at most once a second; any
 * thread.
 */
final class RoomForecast implements Pressure {

    /** Further ahead nothing is told. */
    static final Duration LONGEST = Duration.ofMinutes(1);

    private static final double NANOS = 1e9;
    private static final long LOOK_NANOS = 1_000_000_000;

    /** How much of the pace is what was seen last. */
    private static final double NEWEST = 0.4;

    private final Supplier<LogReading> log;
    private final LongSupplier settledTo;
    private final LongSupplier nanoTime;

    private long lookedNanos;
    private long settledThen;

    /** Frames a second; below zero before the first look. */
    private double pace = -1;

    /**
     * What the log says.
     *
     * @param oldestSeq oldest frame that is still there
     * @param committedSeq newest committed frame
     * @param allocatedBytes what the log takes on disk
     * @param segmentBytes what becomes free at a time
     * @param diskBusy how long the disk has been at work on the present group
     */
    record LogReading(
            long oldestSeq,
            long committedSeq,
            long allocatedBytes,
            long segmentBytes,
            Duration diskBusy) {}

    /**
     * @param settledTo the sequence up to which every destination has settled all frames
     */
    RoomForecast(Supplier<LogReading> log, LongSupplier settledTo, LongSupplier nanoTime) {
        this.log = log;
        this.settledTo = settledTo;
        this.nanoTime = nanoTime;
        lookedNanos = nanoTime.getAsLong();
        settledThen = settledTo.getAsLong();
    }

    @Override
    public synchronized Duration untilRoom() {
        look();
        if (pace <= 0) return LONGEST;
        LogReading now = log.get();
        double frames = Math.max(1, now.committedSeq() - now.oldestSeq() + 1);
        double framesOfSegment = frames * now.segmentBytes() / Math.max(1, now.allocatedBytes());
        double left = Math.max(1, now.oldestSeq() - 1 + framesOfSegment - settledThen);
        double seconds = left / pace;
        return seconds >= LONGEST.toSeconds()
                ? LONGEST
                : Duration.ofNanos((long) (seconds * NANOS));
    }

    @Override
    public Duration diskBusy() {
        return log.get().diskBusy();
    }

    private void look() {
        long now = nanoTime.getAsLong();
        long nanos = now - lookedNanos;
        if (nanos < LOOK_NANOS) return;
        long settled = settledTo.getAsLong();
        double lately = Math.max(0, settled - settledThen) * NANOS / nanos;
        pace = pace < 0 ? lately : NEWEST * lately + (1 - NEWEST) * pace;
        lookedNanos = now;
        settledThen = settled;
    }
}
