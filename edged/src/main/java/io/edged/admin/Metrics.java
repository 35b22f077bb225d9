package io.edged.admin;

import io.edged.daemon.Version;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.binder.jvm.JvmGcMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmThreadMetrics;
import io.micrometer.core.instrument.binder.system.FileDescriptorMetrics;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import io.micrometer.core.instrument.binder.system.UptimeMetrics;
import io.micrometer.core.instrument.config.MeterFilter;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;

import java.io.IOException;
import java.io.OutputStream;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * The program's meter registry, with what every process reports about itself. Gauges are read while
 * a scrape is rendered and must not touch the disk.
 */
public final class Metrics implements AutoCloseable {

    /** How a scrape is written. */
    enum Exposition {
        PROMETHEUS_TEXT("text/plain; version=0.0.4; charset=utf-8"),
        OPEN_METRICS("application/openmetrics-text; version=1.0.0; charset=utf-8");

        private final String contentType;

        Exposition(String contentType) {
            this.contentType = contentType;
        }

        String contentType() {
            return contentType;
        }
    }

    /**
     * What binders would add and a scrape over a slow link does without. Prometheus wants base
     * units and no "count" but its own: the first two are given below in its words.
     */
    private static final Set<String> LEFT_OUT =
            Set.of(
                    "process.cpu.time",
                    "system.cpu.count",
                    "system.load.average.1m",
                    "jvm.threads.started",
                    "jvm.threads.peak",
                    "jvm.threads.daemon",
                    "jvm.gc.memory.promoted");

    private final PrometheusMeterRegistry registry =
            new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    private final List<Runnable> readings = new CopyOnWriteArrayList<>();
    private final JvmGcMetrics collections = new JvmGcMetrics();

    /** Guarded by {@link #collections}. */
    private boolean watching;

    public Metrics() {
        registry.config()
                .meterFilter(MeterFilter.deny(id -> LEFT_OUT.contains(id.getName())))
                // Nothing bounds these pools, and nobody has to look at each of them.
                .meterFilter(
                        MeterFilter.deny(id ->
                                "nonheap".equals(id.getTag("area"))
                                        && !id.getName().equals("jvm.memory.used")))
                .meterFilter(new Buckets());
        FunctionCounter.builder("process.cpu.seconds", this, Metrics::cpuSeconds)
                .description("User and system time of this process, in seconds")
                .register(registry);
        Gauge.builder("system.cpus", Runtime.getRuntime(), Runtime::availableProcessors)
                .description("Processors that this process may use")
                .register(registry);
        Gauge.builder("edged.build.info", () -> 1)
                .description("Which build runs, and on what; always 1")
                .tag("version", Version.current())
                .tag("java", System.getProperty("java.version", "unknown"))
                .tag("arch", System.getProperty("os.arch", "unknown"))
                .register(registry);
    }

    /**
     * Adds what the virtual machine says of itself. Its management interface takes longer to open
     * than the log does, so that this is done beside the first requests; at the latest the first
     * scrape does it.
     */
    public void watchProcess() {
        synchronized (collections) {
            if (watching) return;
            watching = true;
            new JvmMemoryMetrics().bindTo(registry);
            new JvmThreadMetrics().bindTo(registry);
            new ProcessorMetrics().bindTo(registry);
            new FileDescriptorMetrics().bindTo(registry);
            new UptimeMetrics().bindTo(registry);
            collections.bindTo(registry);
        }
    }

    private static double cpuSeconds(Metrics metrics) {
        return ProcessHandle.current()
                .info()
                .totalCpuDuration()
                .map(time -> time.toNanos() / 1e9)
                .orElse(0.0);
    }

    /** Where components register their meters. */
    public PrometheusMeterRegistry registry() {
        return registry;
    }

    /** Runs {@code read} before each scrape, on the scraping thread: it must not touch the disk. */
    public void beforeScrape(Runnable read) {
        readings.add(read);
    }

    void scrape(OutputStream out, Exposition exposition) throws IOException {
        watchProcess();
        readings.forEach(Runnable::run);
        registry.scrape(out, exposition.contentType());
    }

    @Override
    public void close() {
        collections.close();
        registry.close();
    }
}
