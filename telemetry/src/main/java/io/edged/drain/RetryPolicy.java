package io.edged.drain;

import java.time.Duration;
import java.util.random.RandomGenerator;

/**
 * How long to wait. Exponential with full jitter: a random time up to the bound, so that many
 * devices that lost the same upstream do not return together.
 *
 * @param initial bound of the first wait; doubles with each further failure
 * @param max the largest bound
 */
record RetryPolicy(Duration initial, Duration max, RandomGenerator random) {

    /** The longest wait that a destination can ask for. */
    static final Duration MAX_HINT = Duration.ofHours(1);

    /**
     * A random wait.
     *
     * @param failures so far in a row, at least 1
     */
    Duration backoff(int failures) {
        double bound =
                Math.min(
                        (double) max.toNanos(),
                        (double) initial.toNanos() * Math.pow(2, Math.max(0, failures - 1)));
        return Duration.ofNanos(random.nextLong((long) bound + 1));
    }

    /** At least as long as the destination asked, and a little longer, each device differently. */
    Duration afterHint(Duration hint) {
        return hint.plusNanos(random.nextLong(initial.toNanos() + 1));
    }
}
