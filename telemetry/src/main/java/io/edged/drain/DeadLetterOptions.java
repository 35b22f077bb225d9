package io.edged.drain;

import java.time.Duration;

/**
 * Bounds of the dead letters.
 *
 * @param ceilingBytes what their files may take on disk, prepared ones included
 * @param maxAge older letters are given up; zero keeps them until there is no room
 */
public record DeadLetterOptions(long ceilingBytes, Duration maxAge) {

    public static final long MIN_CEILING_BYTES = 8 << 20;

    private static final int SEGMENTS = 16;

    /** The one being written, the prepared one, the one kept for recovery, and one half settled. */
    private static final int SEGMENTS_BESIDE = 4;

    public DeadLetterOptions {
        if (ceilingBytes < MIN_CEILING_BYTES)
            throw new IllegalArgumentException(
                    "ceilingBytes must be at least " + MIN_CEILING_BYTES + ", was " + ceilingBytes);
        if (maxAge.isNegative())
            throw new IllegalArgumentException("maxAge must not be negative, was " + maxAge);
    }

    /** Size of one file, and so of the largest letter. */
    public int segmentBytes() {
        return (int) Math.min(Integer.MAX_VALUE, ceilingBytes / SEGMENTS);
    }

    /** What the letters themselves may take; beyond it the oldest are given up. */
    public long letterBytes() {
        return ceilingBytes - (long) SEGMENTS_BESIDE * segmentBytes();
    }
}
