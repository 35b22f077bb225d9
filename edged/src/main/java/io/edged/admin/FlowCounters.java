package io.edged.admin;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;

import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;

/**
 * The counters that {@link Flow} adds up. They are kept at hand, as they come and go: going through
 * all meters every few seconds would cost more than all other work of a daemon that has none.
 *
 * <p>Any thread.
 */
public final class FlowCounters {

    private final Map<String, Set<Counter>> counters =
            Set.of(
                            "edged.receiver.items",
                            "edged.events.taken",
                            "edged.receiver.bytes",
                            "edged.events.bytes",
                            "edged.receiver.refused.requests",
                            "edged.events.refused",
                            "edged.drain.delivered",
                            "edged.drain.upload")
                    .stream()
                    .collect(
                            Collectors.toUnmodifiableMap(
                                    name -> name, _ -> ConcurrentHashMap.newKeySet()));

    public FlowCounters(MeterRegistry registry) {
        registry.config().onMeterAdded(this::added).onMeterRemoved(this::removed);
        registry.forEachMeter(this::added);
    }

    private void added(Meter meter) {
        Set<Counter> kind = counters.get(meter.getId().getName());
        if (kind != null && meter instanceof Counter counter) kind.add(counter);
    }

    private void removed(Meter meter) {
        Set<Counter> kind = counters.get(meter.getId().getName());
        if (kind != null && meter instanceof Counter counter) kind.remove(counter);
    }

    /** What all counters of these names have counted. */
    double sum(String... names) {
        double sum = 0;
        for (String name : names) {
            Set<Counter> kind = counters.get(name);
            if (kind == null) throw new IllegalArgumentException("not kept at hand: " + name);
            for (Counter counter : kind) sum += counter.count();
        }
        return sum;
    }
}
