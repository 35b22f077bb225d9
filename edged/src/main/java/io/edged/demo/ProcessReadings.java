package io.edged.demo;

import io.opentelemetry.api.metrics.Meter;

import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.util.Locale;

/** What this process knows about itself: memory, collections, processor time, threads. */
final class ProcessReadings {

    /** One measurement. */
    record Reading(long heapBytes, long collections, double processorSeconds, int threads) {
        String inWords() {
            return String.format(
                    Locale.ROOT,
                    "heap %.1f MB, %d threads, %d collections, %.1f s of processor time",
                    heapBytes / 1e6,
                    threads,
                    collections,
                    processorSeconds);
        }
    }

    private ProcessReadings() {}

    static Reading read() {
        var memory = ManagementFactory.getMemoryMXBean().getHeapMemoryUsage();
        long collections =
                ManagementFactory.getGarbageCollectorMXBeans().stream()
                        .mapToLong(GarbageCollectorMXBean::getCollectionCount)
                        .sum();
        double seconds =
                ProcessHandle.current()
                        .info()
                        .totalCpuDuration()
                        .map(time -> time.toMillis() / 1000.0)
                        .orElse(0.0);
        int threads = ManagementFactory.getThreadMXBean().getThreadCount();
        return new Reading(memory.getUsed(), collections, seconds, threads);
    }

    /** Registers the same as asynchronous instruments, under the names of the conventions. */
    static void register(Meter meter) {
        var _ =
                meter.gaugeBuilder("jvm.memory.used")
                        .ofLongs()
                        .setUnit("By")
                        .buildWithCallback(gauge -> gauge.record(read().heapBytes()));
        var _ =
                meter.gaugeBuilder("jvm.thread.count")
                        .ofLongs()
                        .setUnit("{thread}")
                        .buildWithCallback(gauge -> gauge.record(read().threads()));
        var _ =
                meter.counterBuilder("jvm.gc.count")
                        .setUnit("{collection}")
                        .buildWithCallback(counter -> counter.record(read().collections()));
        var _ =
                meter.counterBuilder("jvm.cpu.time")
                        .ofDoubles()
                        .setUnit("s")
                        .buildWithCallback(counter -> counter.record(read().processorSeconds()));
    }
}
