package io.edged.wal;

import java.time.Duration;
import java.util.function.Predicate;

/**
 * Limits of one log.
 *
 * @param segmentBytes size of a segment file; must hold the largest frame that is offered
 * @param ceilingBytes all segment files together, prepared ones included; holds at least four
 *     segments
 * @param reserveBytes what the log leaves free on its file system
 * @param queueBytes appended bytes that may wait for the disk; beyond it an offer is answered
 *     {@link Appender.Offer#BUSY}
 * @param onCorruption what to do about damaged durable data
 * @param onFull what to do when the log may not grow
 * @param checkpointInterval how often cursors and the safe point are made durable while they change
 * @param lanes which cursor of a destination a record belongs to
 */
public record WalOptions(
        long segmentBytes,
        long ceilingBytes,
        long reserveBytes,
        long queueBytes,
        OnCorruption onCorruption,
        OnFull onFull,
        Duration checkpointInterval,
        Lanes lanes) {

    /** What to do about damaged durable data. */
    public enum OnCorruption {
        /** Set the damaged bytes aside, account for the range, go on. */
        QUARANTINE,
        /** Change nothing and stop, for a person to look. */
        FAIL
    }

    /** What to do when the log may not grow. */
    public sealed interface OnFull {
        /** Turn new records away, so that applications keep them and try again. */
        record Reject() implements OnFull {}

        /**
         * Give up the oldest segments.
         *
         * @param keeps frames that stay nevertheless; called on the keeper thread
         */
        record DropOldest(Predicate<Frame> keeps) implements OnFull {}
    }

    /** The smallest segment: small devices keep their whole log in a few MiB. */
    public static final long MIN_SEGMENT_BYTES = 64 << 10;

    /** Frames of a log on a small device. */
    private static final int MIN_SEGMENTS = 4;

    /** With one lane for everything. */
    public WalOptions(
            long segmentBytes,
            long ceilingBytes,
            long reserveBytes,
            long queueBytes,
            OnCorruption onCorruption,
            OnFull onFull,
            Duration checkpointInterval) {
        this(
                segmentBytes,
                ceilingBytes,
                reserveBytes,
                queueBytes,
                onCorruption,
                onFull,
                checkpointInterval,
                Lanes.SINGLE);
    }

    public WalOptions {
        if (segmentBytes < MIN_SEGMENT_BYTES || segmentBytes > Integer.MAX_VALUE)
            throw new IllegalArgumentException(
                    "segmentBytes must be "
                            + MIN_SEGMENT_BYTES
                            + " to "
                            + Integer.MAX_VALUE
                            + ", was "
                            + segmentBytes);
        if (ceilingBytes < MIN_SEGMENTS * segmentBytes)
            throw new IllegalArgumentException(
                    "ceilingBytes must hold "
                            + MIN_SEGMENTS
                            + " segments of "
                            + segmentBytes
                            + " bytes, was "
                            + ceilingBytes);
        if (reserveBytes < 0)
            throw new IllegalArgumentException(
                    "reserveBytes must not be negative: " + reserveBytes);
        if (queueBytes < 1)
            throw new IllegalArgumentException("queueBytes must be positive, was " + queueBytes);
        if (checkpointInterval.isNegative())
            throw new IllegalArgumentException(
                    "checkpointInterval must not be negative: " + checkpointInterval);
    }

    /** The largest frame that fits into a segment. */
    public long maxFrameBytes() {
        return segmentBytes;
    }
}
