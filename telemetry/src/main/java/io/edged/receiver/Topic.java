package io.edged.receiver;

import io.edged.otlp.Signal;

import org.jspecify.annotations.Nullable;

import java.util.List;

/** What a request brings, as its path names it: one of OTLP's signals, or events. */
enum Topic {
    LOGS(Signal.LOGS),
    METRICS(Signal.METRICS),
    TRACES(Signal.TRACES),
    /** Events of this device in JSON; they become entries of the log. */
    EVENTS(null);

    static final String EVENTS_PATH = "/v1/events";

    /** Once: each call of {@code values()} makes an array. */
    private static final List<Topic> ALL = List.of(values());

    private final @Nullable Signal signal;

    Topic(@Nullable Signal signal) {
        this.signal = signal;
    }

    /** The value of a metric's label. */
    String label() {
        return signal == null ? "events" : signal.label();
    }

    String path() {
        return signal == null ? EVENTS_PATH : signal.path();
    }

    /** Of anything but events. */
    Signal signal() {
        if (signal == null) throw new IllegalStateException("events are no signal of OTLP");
        return signal;
    }

    static Topic of(Signal signal) {
        return switch (signal) {
            case LOGS -> LOGS;
            case METRICS -> METRICS;
            case TRACES -> TRACES;
        };
    }

    /** The topic of a path, or null if nothing is received there. */
    static @Nullable Topic ofPath(String path) {
        for (Topic topic : ALL) if (topic.path().equals(path)) return topic;
        return null;
    }
}
