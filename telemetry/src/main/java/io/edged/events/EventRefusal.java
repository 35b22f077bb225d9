package io.edged.events;

import io.edged.wal.Appender;
import io.edged.wal.WalException;

import java.util.Locale;

/**
 * Every reason not to take an event. The label is the first word behind {@code error} in the
 * answer, and the value of a metric's label.
 */
enum EventRefusal {
    MALFORMED("correct the event"),
    TOO_LONG("send shorter lines; the connection ends"),
    CONNECTIONS("too many connections are open; close some"),
    BUSY("the disk is behind; send it again in a second"),
    FULL("the log is full until upstream takes data; keep the event and send it again"),
    STOPPING("edged is starting or stopping; send it again in a few seconds"),
    STORAGE_FAILED("the disk failed and edged is about to restart; send it again then");

    private final String advice;

    EventRefusal(String advice) {
        this.advice = advice;
    }

    String label() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** What the sender should do. */
    String advice() {
        return advice;
    }

    /** The line that tells it, without its end. */
    String line() {
        return "error " + label() + " " + advice;
    }

    static EventRefusal of(Appender.Offer offer) {
        return switch (offer) {
            case BUSY -> BUSY;
            case FULL -> FULL;
            case STOPPED -> STOPPING;
            case FAILED -> STORAGE_FAILED;
            case QUEUED -> throw new IllegalStateException("a queued event is not refused");
        };
    }

    static EventRefusal of(WalException why) {
        return switch (why.code()) {
            case FULL -> FULL;
            case CLOSED -> STOPPING;
            default -> STORAGE_FAILED;
        };
    }
}
