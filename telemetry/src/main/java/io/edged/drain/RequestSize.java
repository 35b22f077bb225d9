package io.edged.drain;

import java.util.concurrent.TimeUnit;

/**
 * How large requests are, so that none keeps a slow link busy for long: what is urgent waits for
 * those under way. Begins small after each outage, doubles while the time that requests take beyond
 * the shortest is small, and halves when it is not. The shortest time is what the destination and
 * the way to it need for any request, so a destination that answers late on a fast link gets large
 * requests all the same. One thread.
 */
final class RequestSize {

    /** The smallest bound. */
    static final int MIN_BYTES = 64 << 10;

    /** What a request should take on the link. */
    static final long TARGET_NANOS = TimeUnit.MILLISECONDS.toNanos(500);

    private final int maxBytes;
    private int bytes;
    private long shortestNanos = Long.MAX_VALUE;

    RequestSize(int maxBytes) {
        this.maxBytes = maxBytes;
        this.bytes = Math.min(MIN_BYTES, maxBytes);
    }

    /** Where a batch closes. */
    int bytes() {
        return bytes;
    }

    /** A request was answered. */
    void answered(long requestBytes, long nanos) {
        // At the smallest size there is nothing left but the way: it may have become longer.
        if (bytes == Math.min(MIN_BYTES, maxBytes) || nanos < shortestNanos) shortestNanos = nanos;
        long onTheLink = nanos - shortestNanos;
        if (onTheLink > TARGET_NANOS) bytes = Math.max(Math.min(MIN_BYTES, maxBytes), bytes / 2);
        // A small request says nothing about how long a large one takes.
        else if (onTheLink < TARGET_NANOS / 2 && requestBytes >= bytes / 2)
            bytes = (int) Math.min(maxBytes, 2L * bytes);
    }

    /** The link was away: it may come back as another one. */
    void restart() {
        bytes = Math.min(MIN_BYTES, maxBytes);
        shortestNanos = Long.MAX_VALUE;
    }
}
