package io.edged.admin;

import io.edged.daemon.Health;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;

import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * The checks as gauges, with the same answers as the probes. {@link #refresh} runs before each
 * scrape, so that each check is asked once for it.
 */
public final class HealthMetrics {

    private record Name(Health.Kind kind, String check) {}

    private final MeterRegistry registry;
    private final Health health;
    private final Map<Name, Meter> registered = new HashMap<>();

    /** Replaced as a whole by the thread that scrapes. */
    private volatile Map<Name, Boolean> well = Map.of();

    public HealthMetrics(MeterRegistry registry, Health health) {
        this.registry = registry;
        this.health = health;
        refresh();
    }

    /** Asks every check. */
    public synchronized void refresh() {
        var found = new HashMap<Name, Boolean>();
        for (Health.Kind kind : Health.Kind.values())
            for (Health.Line line : health.report(kind, Set.of()).lines())
                found.put(new Name(kind, line.name()), line.result() instanceof Health.Ok);
        well = found;
        // A check may go, as that of a destination that was taken out.
        for (Name name : Set.copyOf(registered.keySet())) {
            if (found.containsKey(name)) continue;
            Meter gone = registered.remove(name);
            if (gone != null) registry.remove(gone);
        }
        for (Name name : found.keySet()) registered.computeIfAbsent(name, this::gauge);
    }

    private Meter gauge(Name name) {
        return Gauge.builder("edged.health.ok", () -> well.getOrDefault(name, false) ? 1 : 0)
                .description("1 while the check is well, 0 while it fails the probe")
                .tag("probe", name.kind() == Health.Kind.LIVE ? "livez" : "readyz")
                .tag("check", name.check().toLowerCase(Locale.ROOT))
                .register(registry);
    }
}
