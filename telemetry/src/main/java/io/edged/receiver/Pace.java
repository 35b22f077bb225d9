package io.edged.receiver;

import java.util.concurrent.TimeUnit;

/**
 * Whether a body keeps coming in. One that does not may hold memory as long as there is enough for
 * everybody, and must give it back when there is not. Event loop only.
 */
final class Pace {

    /** How often it is looked at. */
    static final long WINDOW_NANOS = TimeUnit.SECONDS.toNanos(2);

    /** What has to come in meanwhile: less than the slowest link that telemetry is sent over. */
    static final long LEAST_BYTES = 8 << 10;

    /** What the sender of one that stood still is told. */
    static final String ADVICE =
            "memory is scarce and the request has stood still; send it again after the time that"
                    + " this answer names";

    private long sinceNanos;
    private long bytes;

    void begin(long now) {
        sinceNanos = now;
        bytes = 0;
    }

    /** When it is worth asking again. */
    long nextNanos() {
        return sinceNanos + WINDOW_NANOS;
    }

    /**
     * Whether the body has stood still for a window.
     *
     * @param received of the body so far
     */
    boolean isStill(long now, long received) {
        if (now - nextNanos() < 0) return false;
        boolean still = received - bytes < LEAST_BYTES;
        sinceNanos = now;
        bytes = received;
        return still;
    }
}
