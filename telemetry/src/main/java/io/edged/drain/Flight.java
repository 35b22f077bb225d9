package io.edged.drain;

import io.edged.otlp.Signal;

import java.util.Optional;

/**
 * A request under way.
 *
 * @param batch what it carries; empty for a probe
 * @param decides whether its result decides about the circuit
 * @param underWayBytes of all that were under way when it was sent, with it
 */
record Flight(
        Signal signal, Optional<Batch> batch, boolean decides, long underWayBytes, long sentNanos) {

    /** How it ended, as it is handed to the drain's thread. */
    record Landing(Flight flight, SendResult result) {}
}
