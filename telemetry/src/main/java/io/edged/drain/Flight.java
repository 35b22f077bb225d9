package io.edged.drain;

import io.edged.otlp.Signal;
import io.opentelemetry.sdk.common.export.HttpResponse;

import java.util.Optional;

/**
 * A request under way.
 *
 * @param batch what it carries; empty for a probe
 * @param decides whether its result decides about the circuit
 */
record Flight(Signal signal, Optional<Batch> batch, boolean decides, long sentNanos) {

    /** How it ended, as the event loop hands it to the drain's thread. */
    sealed interface Landing {
        Flight flight();

        record Answered(Flight flight, HttpResponse response) implements Landing {}

        record Failed(Flight flight, Throwable why) implements Landing {}
    }
}
