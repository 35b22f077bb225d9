package io.edged.drain;

import java.util.concurrent.TimeUnit;

/**
 * How many bytes are under way at once, and how large one request is, so that what is urgent does
 * not stand behind more than the link carries in about half a second. Begins small after each
 * outage, doubles while the time that requests take beyond the shortest is small, and shrinks by as
 * much as it is too long. The shortest time is what the destination and the way to it need for any
 * request, so a destination that answers late on a fast link gets a large window all the same.
 *
 * <p>Changes once a round: a request that was under way before the last change tells nothing about
 * what came of it. One thread.
 */
final class LinkWindow {

    /** The smallest window, and the smallest bound of a request. */
    static final int MIN_BYTES = 64 << 10;

    /** What the link should need for all that is under way. */
    static final long TARGET_NANOS = TimeUnit.MILLISECONDS.toNanos(500);

    /** Rounds after it has shrunk until it is tried whether more goes again. */
    private static final int CALM_ROUNDS = 8;

    private final int requestBytes;
    private final int requests;
    private long bytes;
    private long shortestNanos = Long.MAX_VALUE;
    private long changedNanos;
    private int calmRounds;

    /**
     * @param requestBytes of one request at most
     * @param requests that share the window
     */
    LinkWindow(int requestBytes, int requests, long now) {
        this.requestBytes = requestBytes;
        this.requests = requests;
        this.bytes = smallest();
        this.changedNanos = now;
    }

    private int smallest() {
        return Math.min(MIN_BYTES, requestBytes);
    }

    private long largest() {
        return (long) requestBytes * requests;
    }

    /** Bytes under way at most, unless one request alone is more. */
    long bytes() {
        return bytes;
    }

    /** Where a batch closes. */
    int requestBytes() {
        return Math.clamp(bytes / requests, smallest(), requestBytes);
    }

    /** Whether so many more may go beside those under way. */
    boolean hasRoom(long underWayBytes, long moreBytes) {
        return underWayBytes == 0 || underWayBytes + moreBytes <= bytes;
    }

    /**
     * A request was answered.
     *
     * @param underWayBytes with it, when it was sent
     */
    void answered(long underWayBytes, long sentNanos, long now) {
        long nanos = now - sentNanos;
        boolean current = sentNanos - changedNanos >= 0;
        // At the smallest size there is nothing left but the way: it may have become longer.
        if ((current && bytes == smallest()) || nanos < shortestNanos) shortestNanos = nanos;
        if (!current) return;
        long onTheLink = nanos - shortestNanos;
        if (onTheLink > TARGET_NANOS) {
            double fits = (double) TARGET_NANOS / (double) onTheLink;
            change(Math.max(smallest(), (long) ((double) bytes * fits)), now);
            calmRounds = CALM_ROUNDS;
        } else if (calmRounds > 0) {
            calmRounds--;
            changedNanos = now; // the next round
        } else if (onTheLink < TARGET_NANOS / 2 && underWayBytes >= bytes / 2) {
            // Less than that says nothing about how long a full window takes.
            change(Math.min(largest(), 2 * bytes), now);
        }
    }

    private void change(long to, long now) {
        bytes = to;
        changedNanos = now;
    }

    /** The link was away: it may come back as another one. */
    void restart(long now) {
        change(smallest(), now);
        shortestNanos = Long.MAX_VALUE;
        calmRounds = 0;
    }
}
