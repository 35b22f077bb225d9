package io.edged.drain;

/**
 * How much may be sent: a bucket of bytes that fills with time. A request is sent while there is
 * anything in the bucket, and may leave it in debt, so that one larger than the bucket is sent as
 * well; the average holds. Times are monotonic nanoseconds. One thread.
 */
final class Uplink {

    /** Request line, headers and framing, beside the body. */
    static final int HEAD_BYTES = 512;

    private static final long SECOND = 1_000_000_000L;

    private final long bytesPerSecond;
    private double bytes;
    private long filledNanos;

    /**
     * @param bytesPerSecond 0 for no limit; the bucket holds what a second brings
     */
    Uplink(long bytesPerSecond, long now) {
        this.bytesPerSecond = bytesPerSecond;
        this.bytes = (double) bytesPerSecond;
        this.filledNanos = now;
    }

    /** How long nothing may be sent; 0 if something may. */
    long waitNanos(long now) {
        if (bytesPerSecond == 0) return 0;
        fill(now);
        return bytes > 0 ? 0 : (long) ((1 - bytes) / (double) bytesPerSecond * (double) SECOND) + 1;
    }

    void sent(long bodyBytes, long now) {
        if (bytesPerSecond == 0) return;
        fill(now);
        bytes -= (double) (bodyBytes + HEAD_BYTES);
    }

    private void fill(long now) {
        double more = (double) (now - filledNanos) / (double) SECOND * (double) bytesPerSecond;
        bytes = Math.min((double) bytesPerSecond, bytes + more);
        filledNanos = now;
    }
}
