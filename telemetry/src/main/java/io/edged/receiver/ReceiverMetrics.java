package io.edged.receiver;

import io.edged.otlp.ContentEncoding;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;

import org.jspecify.annotations.Nullable;

import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/** The receiver's meters, a set for each transport; all are there at zero from the start. */
final class ReceiverMetrics {

    private final String transport;
    private final Map<Topic, Map<ContentEncoding, Received>> received = new EnumMap<>(Topic.class);
    private final Map<Topic, Map<Refusal, Refused>> refused = new EnumMap<>(Topic.class);
    private final Map<Refusal, Refused> refusedUnknown = new EnumMap<>(Refusal.class);
    private final Timer answerTime;
    private final Counter unanswered;

    /** Durable and acknowledged. */
    private record Received(Counter requests, Counter items, Counter bytes) {}

    private record Refused(Counter requests, @Nullable Counter bytes, @Nullable Counter items) {}

    /**
     * The meters of one transport.
     *
     * @param transport the label's value
     * @param topics what comes over it
     */
    ReceiverMetrics(MeterRegistry registry, String transport, Set<Topic> topics) {
        this.transport = transport;
        for (Topic topic : topics) {
            var encodings = new EnumMap<ContentEncoding, Received>(ContentEncoding.class);
            for (ContentEncoding encoding : ContentEncoding.values())
                encodings.put(
                        encoding,
                        new Received(
                                counter(
                                        registry,
                                        "edged.receiver.requests",
                                        "Requests that are durable, empty ones included",
                                        topic,
                                        encoding),
                                counter(
                                        registry,
                                        "edged.receiver.items",
                                        "Log records, data points, spans and events that are"
                                                + " durable",
                                        topic,
                                        encoding),
                                counter(
                                        registry,
                                        "edged.receiver.bytes",
                                        "Body bytes that are durable, as received",
                                        topic,
                                        encoding)));
            received.put(topic, encodings);
            var reasons = new EnumMap<Refusal, Refused>(Refusal.class);
            for (Refusal refusal : Refusal.values())
                if (refusal.countsBySignal())
                    reasons.put(refusal, refused(registry, topic.label(), refusal));
            refused.put(topic, reasons);
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

    void received(Topic topic, ContentEncoding encoding, int items, long bytes, long nanos) {
        Received meters = meters(topic, encoding);
        meters.requests.increment();
        meters.items.increment(items);
        meters.bytes.increment((double) bytes);
        answerTime.record(nanos, TimeUnit.NANOSECONDS);
    }

    /** Counts items of a request that failed all the same. */
    void taken(Topic topic, ContentEncoding encoding, int items) {
        meters(topic, encoding).items.increment(items);
    }

    private Received meters(Topic topic, ContentEncoding encoding) {
        Map<ContentEncoding, Received> encodings = received.get(topic);
        Received meters = encodings == null ? null : encodings.get(encoding);
        if (meters == null) throw new IllegalStateException("no meters for " + topic);
        return meters;
    }

    /**
     * Counts a request that was not taken.
     *
     * @param topic null if the request did not come so far as to name one
     * @param items 0 if they are not known
     * @param bytes of the body that had come in
     */
    void refused(@Nullable Topic topic, Refusal refusal, int items, long bytes) {
        Map<Refusal, Refused> reasons =
                topic == null || !refusal.countsBySignal() ? refusedUnknown : refused.get(topic);
        Refused meters = reasons == null ? null : reasons.get(refusal);
        if (meters == null || (bytes > 0 && meters.bytes == null))
            throw new IllegalStateException("no meters for " + topic + " and " + refusal);
        meters.requests.increment();
        if (meters.bytes != null) meters.bytes.increment((double) bytes);
        if (meters.items != null) meters.items.increment(items);
    }

    /** Counts records over the size limit that were left out of a request that was taken. */
    void leftOut(Topic topic, long items) {
        Map<Refusal, Refused> reasons = refused.get(topic);
        Refused meters = reasons == null ? null : reasons.get(Refusal.RECORD_TOO_LARGE);
        if (meters == null || meters.items == null)
            throw new IllegalStateException("no meters for " + topic);
        meters.items.increment((double) items);
    }

    void unanswered() {
        unanswered.increment();
    }

    private Refused refused(MeterRegistry registry, String signal, Refusal refusal) {
        return new Refused(
                refusedCounter(
                        registry,
                        "edged.receiver.refused.requests",
                        "Requests (or connections) that were not taken",
                        signal,
                        refusal),
                refusal.mayHaveBody()
                        ? refusedCounter(
                                registry,
                                "edged.receiver.refused.bytes",
                                "Body bytes of requests that were not taken, as far as they came"
                                        + " in",
                                signal,
                                refusal)
                        : null,
                refusal.knowsItems()
                        ? refusedCounter(
                                registry,
                                "edged.receiver.refused.items",
                                "Items that were not taken, of complete requests",
                                signal,
                                refusal)
                        : null);
    }

    private Counter counter(
            MeterRegistry registry,
            String name,
            String description,
            Topic topic,
            ContentEncoding encoding) {
        return Counter.builder(name)
                .description(description)
                .tag("signal", topic.label())
                .tag("encoding", encoding.name().toLowerCase(Locale.ROOT))
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
