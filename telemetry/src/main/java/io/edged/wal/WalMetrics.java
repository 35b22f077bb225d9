package io.edged.wal;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;

import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.function.ToDoubleFunction;

/** The log's meters. Every one is there from the start, at zero. */
final class WalMetrics {

    private static final Duration[] LATENCY_BUCKETS = {
        Duration.ofNanos(100_000),
        Duration.ofNanos(250_000),
        Duration.ofNanos(500_000),
        Duration.ofMillis(1),
        Duration.ofNanos(2_500_000),
        Duration.ofMillis(5),
        Duration.ofMillis(10),
        Duration.ofMillis(25),
        Duration.ofMillis(50),
        Duration.ofMillis(100),
        Duration.ofMillis(250),
        Duration.ofMillis(500),
        Duration.ofSeconds(1),
        Duration.ofSeconds(5),
        Duration.ofSeconds(30)
    };

    private final Counter records;
    private final Counter bytes;
    private final Counter segments;
    private final Counter failures;
    private final Counter tornTails;
    private final Counter phantoms;
    private final Counter foreignFiles;
    private final Counter dropped;
    private final Map<Corruption, Counter> corruptions = new EnumMap<>(Corruption.class);
    private final Timer append;
    private final Timer write;
    private final Timer force;
    private final DistributionSummary groupRecords;

    WalMetrics(MeterRegistry meters) {
        records =
                Counter.builder("edged.wal.records")
                        .description(
                                "Records that were committed: written, forced and given a number")
                        .register(meters);
        bytes =
                Counter.builder("edged.wal.written")
                        .description("Bytes of committed frames, headers included")
                        .baseUnit("bytes")
                        .register(meters);
        segments =
                Counter.builder("edged.wal.segments.begun")
                        .description("Segments that were begun")
                        .register(meters);
        failures =
                Counter.builder("edged.wal.failures")
                        .description("Failed writes and forces; each ends the process")
                        .register(meters);
        tornTails =
                Counter.builder("edged.wal.torn.tails")
                        .description(
                                "Unfinished last writes that were cut when the log was opened; nothing acknowledged was in them")
                        .register(meters);
        phantoms =
                Counter.builder("edged.wal.phantoms")
                        .description(
                                "Frames of uncommitted groups that were cut when the log was opened")
                        .register(meters);
        foreignFiles =
                Counter.builder("edged.wal.foreign.files")
                        .description("Segment files of another log that were set aside")
                        .register(meters);
        dropped =
                Counter.builder("edged.wal.segments.dropped")
                        .description(
                                "Segments of which records were given up to make room for new ones")
                        .register(meters);
        for (Corruption code : Corruption.values())
            corruptions.put(
                    code,
                    Counter.builder("edged.wal.corruptions")
                            .description("Damage found in durable data, by what it was")
                            .tag("code", code.name())
                            .register(meters));
        append =
                Timer.builder("edged.wal.append")
                        .description(
                                "From the offer of a group's first record until the group was"
                                        + " durable: the longest wait in each group")
                        .serviceLevelObjectives(LATENCY_BUCKETS)
                        .register(meters);
        write =
                Timer.builder("edged.wal.write")
                        .description("Time that the gathering write of one group took")
                        .serviceLevelObjectives(LATENCY_BUCKETS)
                        .register(meters);
        force =
                Timer.builder("edged.wal.fsync")
                        .description("Time that the force of one group took")
                        .serviceLevelObjectives(LATENCY_BUCKETS)
                        .register(meters);
        groupRecords =
                DistributionSummary.builder("edged.wal.group.records")
                        .description("Records that shared one force")
                        .serviceLevelObjectives(1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 4096)
                        .register(meters);
    }

    /** Registers what is read from the log's state at each scrape. */
    void watch(MeterRegistry meters, Supplier<Wal.Status> status) {
        gauge(
                meters,
                "edged.wal.committed.seq",
                "Number of the newest committed record",
                status,
                Wal.Status::committedSeq);
        gauge(
                meters,
                "edged.wal.oldest.seq",
                "Number of the oldest record on disk",
                status,
                Wal.Status::oldestSeq);
        gauge(meters, "edged.wal.segments", "Segment files", status, Wal.Status::segments);
        gauge(
                meters,
                "edged.wal.allocated.bytes",
                "Bytes that the log's files take",
                status,
                Wal.Status::allocatedBytes);
        gauge(
                meters,
                "edged.wal.ceiling.bytes",
                "Bytes that the log's files may take",
                status,
                Wal.Status::ceilingBytes);
        gauge(
                meters,
                "edged.wal.queued.bytes",
                "Bytes of bodies that wait for the disk",
                status,
                Wal.Status::queuedBytes);
        gauge(
                meters,
                "edged.wal.full",
                "1 while offers are turned away for want of room",
                status,
                now -> now.full() ? 1 : 0);
    }

    private static void gauge(
            MeterRegistry meters,
            String name,
            String description,
            Supplier<Wal.Status> status,
            ToDoubleFunction<Wal.Status> value) {
        Gauge.builder(name, () -> value.applyAsDouble(status.get()))
                .description(description)
                .register(meters);
    }

    /**
     * @param waitNanos since the group's first append was offered
     */
    void committed(int count, long frameBytes, long waitNanos, long writeNanos, long forceNanos) {
        records.increment(count);
        bytes.increment((double) frameBytes);
        groupRecords.record(count);
        append.record(waitNanos, TimeUnit.NANOSECONDS);
        write.record(writeNanos, TimeUnit.NANOSECONDS);
        force.record(forceNanos, TimeUnit.NANOSECONDS);
    }

    void rolled() {
        segments.increment();
    }

    void failed() {
        failures.increment();
    }

    void tornTail(long frames) {
        tornTails.increment();
        phantoms.increment((double) frames);
    }

    void dropped() {
        dropped.increment();
    }

    void foreignFile() {
        foreignFiles.increment();
    }

    void corruption(Corruption code) {
        Counter counter = corruptions.get(code);
        if (counter != null) counter.increment();
    }
}
