package io.edged.receiver;

import io.edged.otlp.Signal;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;

import org.jspecify.annotations.Nullable;

import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** The receiver's meters, a set for each transport; all are there at zero from the start. */
final class ReceiverMetrics {

    private final String transport;
    private final Map<Signal, Received> received = new EnumMap<>(Signal.class);
    private final Map<Signal, Map<Refusal, Refused>> refused = new EnumMap<>(Signal.class);
    private final Map<Refusal, Refused> refusedUnknown = new EnumMap<>(Refusal.class);
    private final Timer answerTime;
    private final Counter unanswered;

    /** Durable and acknowledged. */
    private record Received(Counter requests, Counter items, Counter bytes) {}

    private record Refused(Counter requests, Counter bytes, @Nullable Counter items) {}

    /**
     * The meters of one transport.
     *
     * @param transport the label's value
     */
    ReceiverMetrics(MeterRegistry registry, String transport) {
        this.transport = transport;
        for (Signal signal : Signal.values()) {
            received.put(
                    signal,
                    new Received(
                            counter(
                                    registry,
                                    "edged.receiver.requests",
                                    "Requests that are durable, empty ones included",
                                    signal.label()),
                            counter(
                                    registry,
                                    "edged.receiver.items",
                                    "Log records, data points and spans that are durable",
                                    signal.label()),
                            counter(
                                    registry,
                                    "edged.receiver.bytes",
                                    "Body bytes that are durable, as received",
                                    signal.label())));
            var reasons = new EnumMap<Refusal, Refused>(Refusal.class);
            for (Refusal refusal : Refusal.values())
                if (refusal != Refusal.PATH && refusal != Refusal.CONNECTIONS)
                    reasons.put(refusal, refused(registry, signal.label(), refusal));
            refused.put(signal, reasons);
        }
        for (Refusal refusal : Refusal.values())
            if (refusal.mayLackSignal())
                refusedUnknown.put(refusal, refused(registry, "unknown", refusal));
        answerTime =
                Timer.builder("edged.receiver.answer.time")
                        .description(
                                "From the end of a request's header to its durable answer, the"
                                        + " wait for the disk included")
                        .tag("transport", transport)
                        .register(registry);
        unanswered =
                Counter.builder("edged.receiver.unanswered")
                        .description("Durable requests whose client had gone: it may send again")
                        .tag("transport", transport)
                        .register(registry);
    }

    /** What all transports share. */
    static void shared(MeterRegistry registry, Admission admission) {
        Gauge.builder("edged.receiver.inflight", admission, Admission::reservedBytes)
                .description("Memory reserved for bodies that come in or wait for the disk")
                .baseUnit("bytes")
                .strongReference(true)
                .register(registry);
        Gauge.builder("edged.receiver.connections", admission, Admission::connections)
                .description("Open connections, those being refused included")
                .strongReference(true)
                .register(registry);
    }

    void received(Signal signal, int items, long bytes, long nanos) {
        Received meters = received.get(signal);
        if (meters == null) throw new IllegalStateException("no meters for " + signal);
        meters.requests.increment();
        meters.items.increment(items);
        meters.bytes.increment((double) bytes);
        answerTime.record(nanos, TimeUnit.NANOSECONDS);
    }

    /**
     * Counts a request that was not taken.
     *
     * @param signal null if the request did not come so far as to name one
     * @param items 0 if they are not known
     * @param bytes of the body that had come in
     */
    void refused(@Nullable Signal signal, Refusal refusal, int items, long bytes) {
        Map<Refusal, Refused> reasons = signal == null ? refusedUnknown : refused.get(signal);
        Refused meters = reasons == null ? null : reasons.get(refusal);
        if (meters == null)
            throw new IllegalStateException("no meters for " + signal + " and " + refusal);
        meters.requests.increment();
        meters.bytes.increment((double) bytes);
        if (meters.items != null) meters.items.increment(items);
    }

    void unanswered() {
        unanswered.increment();
    }

    private Refused refused(MeterRegistry registry, String signal, Refusal refusal) {
        return new Refused(
                refusedCounter(
                        registry,
                        "edged.receiver.refused.requests",
                        "Requests (for reason connections: connections) that were not taken",
                        signal,
                        refusal),
                refusedCounter(
                        registry,
                        "edged.receiver.refused.bytes",
                        "Body bytes of requests that were not taken, as far as they came in",
                        signal,
                        refusal),
                refusal.knowsItems()
                        ? refusedCounter(
                                registry,
                                "edged.receiver.refused.items",
                                "Items of complete requests that were not taken",
                                signal,
                                refusal)
                        : null);
    }

    private Counter counter(
            MeterRegistry registry, String name, String description, String signal) {
        return Counter.builder(name)
                .description(description)
                .tag("signal", signal)
                .tag("transport", transport)
                .register(registry);
    }

    private Counter refusedCounter(
            MeterRegistry registry,
            String name,
            String description,
            String signal,
            Refusal refusal) {
        return Counter.builder(name)
                .description(description)
                .tag("signal", signal)
                .tag("transport", transport)
                .tag("reason", refusal.label())
                .register(registry);
    }
}
