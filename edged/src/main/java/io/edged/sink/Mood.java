package io.edged.sink;

import java.time.Duration;
import java.util.function.LongSupplier;

/** How the sink answers for the time being. Changes by request and ends by itself; any thread. */
final class Mood {

    /** What becomes of an upload. */
    sealed interface Answer {
        /** Count it and say so. */
        record Accept() implements Answer {}

        record Fail(int status, long retryAfterSeconds) implements Answer {}

        /** Take it and never answer. */
        record Silent() implements Answer {}
    }

    private record Until(Answer answer, long untilNanos) {}

    private static final Until WELL = new Until(new Answer.Accept(), 0);

    private final LongSupplier nanoTime;
    private volatile Until until = WELL;

    Mood(LongSupplier nanoTime) {
        this.nanoTime = nanoTime;
    }

    void set(Answer answer, Duration time) {
        until = time.isZero() ? WELL : new Until(answer, nanoTime.getAsLong() + time.toNanos());
    }

    void well() {
        until = WELL;
    }

    Answer now() {
        Until now = until;
        return nanoTime.getAsLong() - now.untilNanos() < 0 ? now.answer() : new Answer.Accept();
    }
}
