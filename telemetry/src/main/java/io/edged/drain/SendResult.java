package io.edged.drain;

import java.time.Duration;
import java.util.Optional;

/** What became of one request. */
sealed interface SendResult {

    /**
     * A 2xx.
     *
     * @param rejectedItems of a partial success; these are gone and must not be sent again
     * @param warning what to tell the operator: the destination's words to that effect never
     *     appear, they may quote data
     */
    record Delivered(long rejectedItems, Optional<String> warning) implements SendResult {}

    /**
     * Later, perhaps.
     *
     * @param delay what the destination asked for, which may be absurdly long
     */
    record RetryAfter(Reason reason, String detail, Optional<Duration> delay)
            implements SendResult {}

    /**
     * The destination does not take this data; without some of it, it may.
     *
     * @param status as the protocol names it, for example 400
     * @param forSize because there is too much of it
     * @param message the destination's words, which may quote data: for dead letters only
     */
    record Refused(String status, boolean forSize, String message) implements SendResult {}

    /** Something at the destination or in the configuration that no other data would change. */
    record Fault(String status, String check) implements SendResult {}

    /** Why a request is repeated; a small set for metric labels. */
    enum Reason {
        THROTTLED("throttled"),
        UNAVAILABLE("unavailable"),
        CONNECT("connect"),
        CLOSED("closed"),
        TIMEOUT("timeout"),
        FAULT("fault");

        private final String label;

        Reason(String label) {
            this.label = label;
        }

        String label() {
            return label;
        }

        /** Whether the way failed rather than the destination. */
        boolean isOfTheLink() {
            return this == CONNECT || this == CLOSED || this == TIMEOUT;
        }
    }
}
