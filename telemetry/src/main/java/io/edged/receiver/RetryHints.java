package io.edged.receiver;

import java.time.Duration;
import java.util.random.RandomGenerator;

/**
 * When a refused client should come back. A full log has room again when the drain has delivered
 * its oldest segment, which is computed; a disk that is behind needs about as long as it has been
 * at work already; every other reason has a number of its own. Clients that were refused together
 * should not come back together, so up to half of it is added by chance. Never below the computed
 * time, never above {@value #MAX_SECONDS} s. Any thread.
 */
final class RetryHints {

    /** Longer than this nobody is told to stay away, chance included. */
    static final int MAX_SECONDS = 90;

    static final int USUAL_SECONDS_UNTIL_ROOM = 30;

    private static final int MAX_BEFORE_CHANCE_SECONDS = 60;

    private final Pressure pressure;
    private final RandomGenerator random;

    RetryHints(Pressure pressure, RandomGenerator random) {
        this.pressure = pressure;
        this.random = random;
    }

    /** Seconds; 0 if the same request will never do. */
    int seconds(Refusal refusal) {
        if (refusal.retryAfterSeconds() == 0) return 0;
        return spread(
                switch (refusal) {
                    case FULL -> wholeSeconds(pressure.untilRoom());
                    case BUSY, MEMORY ->
                            refusal.retryAfterSeconds() + wholeSeconds(pressure.diskBusy());
                    default -> refusal.retryAfterSeconds();
                });
    }

    /** The same for a time that is known. */
    int spread(long seconds) {
        long bounded = Math.clamp(seconds, 1, MAX_BEFORE_CHANCE_SECONDS);
        return (int) (bounded + random.nextLong(bounded / 2 + 1));
    }

    private static long wholeSeconds(Duration time) {
        return time.plusNanos(999_999_999).toSeconds();
    }
}
