package io.edged.events;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;

import java.util.EnumMap;
import java.util.Map;
import java.util.function.IntSupplier;

/** The meters of events that come in; all are there at zero from the start. */
final class EventMetrics {

    private final Counter taken;
    private final Counter bytes;
    private final Map<EventRefusal, Counter> refused = new EnumMap<>(EventRefusal.class);

    EventMetrics(MeterRegistry registry, IntSupplier connections) {
        taken =
                Counter.builder("edged.events.taken")
                        .description("Events that are durable")
                        .register(registry);
        bytes =
                Counter.builder("edged.events.bytes")
                        .description("Bytes of events that are durable, without line ends")
                        .register(registry);
        for (EventRefusal refusal : EventRefusal.values())
            refused.put(
                    refusal,
                    Counter.builder("edged.events.refused")
                            .description(
                                    "Events (for reason connections: connections) that were not"
                                            + " taken")
                            .tag("reason", refusal.label())
                            .register(registry));
        Gauge.builder("edged.events.connections", connections::getAsInt)
                .description("Open connections of the event socket")
                .register(registry);
    }

    void taken(int eventBytes) {
        taken.increment();
        bytes.increment(eventBytes);
    }

    void refused(EventRefusal refusal) {
        Counter counter = refused.get(refusal);
        if (counter == null) throw new IllegalStateException("no meter for " + refusal);
        counter.increment();
    }
}
