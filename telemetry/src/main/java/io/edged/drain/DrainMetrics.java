package io.edged.drain;

import io.edged.otlp.Signal;
import io.edged.wal.Lanes;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tag;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.time.InstantSource;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/** What one destination reports. Written by its thread, read by any. */
final class DrainMetrics {

    /** How a request ended; for a label. */
    enum Outcome {
        DELIVERED,
        RETRY,
        REFUSED,
        FAULT
    }

    /** Begins the name of each meter; {@link #DESTINATION} is the label that all of them have. */
    static final String PREFIX = "edged.drain.";

    static final String DESTINATION = "destination";

    private record LaneSignal(Lane lane, Signal signal) {}

    private final Map<Lane, Counter> sent = new HashMap<>();
    private final Map<LaneSignal, Counter> delivered = new HashMap<>();
    private final Map<LaneSignal, Counter> rejected = new HashMap<>();
    private final Map<LaneSignal, Counter> tooOld = new HashMap<>();
    private final Map<LaneSignal, Counter> deadLettered = new HashMap<>();
    private final Map<SendResult.Reason, Counter> retried = new EnumMap<>(SendResult.Reason.class);
    private final Map<Outcome, Counter> requests = new EnumMap<>(Outcome.class);
    private final Timer request;
    private final Counter refused;
    private final Counter uploadBytes;
    private final Counter filesDeleted;
    private final InstantSource clock;

    private volatile int refusedFrames;
    private volatile int inFlight;
    private volatile long heldBytes;
    private volatile int circuit;

    private volatile @Nullable ByteBudget budget;

    /** Nanoseconds since the epoch; 0 if everything is settled. */
    private volatile long oldestWrittenAtNanos;

    DrainMetrics(MeterRegistry registry, String destination, Lanes lanes, InstantSource clock) {
        this.clock = clock;
        Tags tags = Tags.of(DESTINATION, destination);
        for (int place = 0; place < lanes.size(); place++) {
            var lane = new Lane(lanes.names().get(place));
            sent.put(
                    lane,
                    Counter.builder("edged.drain.sent")
                            .description(
                                    "Bytes sent, headers and repeats included: what shares are"
                                            + " reckoned by")
                            .baseUnit("bytes")
                            .tags(tags.and("lane", lane.name()))
                            .register(registry));
            for (Signal signal : Signal.values()) {
                if (!lanes.carries(place, signal)) continue;
                Iterable<Tag> labels = tags.and("lane", lane.name()).and("signal", signal.label());
                delivered.put(
                        new LaneSignal(lane, signal),
                        Counter.builder("edged.drain.delivered")
                                .description("Items that the destination took")
                                .baseUnit("items")
                                .tags(labels)
                                .register(registry));
                deadLettered.put(
                        new LaneSignal(lane, signal),
                        Counter.builder("edged.drain.dead.lettered")
                                .description(
                                        "Items that the destination refused and that are now"
                                                + " dead letters")
                                .baseUnit("items")
                                .tags(labels)
                                .register(registry));
                tooOld.put(
                        new LaneSignal(lane, signal),
                        Counter.builder("edged.drain.too.old")
                                .description("Items given up because of their age: max_age")
                                .baseUnit("items")
                                .tags(labels)
                                .register(registry));
                rejected.put(
                        new LaneSignal(lane, signal),
                        Counter.builder("edged.drain.rejected.upstream")
                                .description(
                                        "Items that the destination rejected for good in a partial"
                                                + " success")
                                .baseUnit("items")
                                .tags(labels)
                                .register(registry));
            }
        }
        for (SendResult.Reason reason : SendResult.Reason.values())
            retried.put(
                    reason,
                    Counter.builder("edged.drain.retried")
                            .description("Requests that have to be repeated")
                            .baseUnit("requests")
                            .tags(tags.and("reason", reason.label()))
                            .register(registry));
        for (Outcome outcome : Outcome.values())
            requests.put(
                    outcome,
                    Counter.builder("edged.drain.requests")
                            .description("Requests that were answered or failed")
                            .tags(tags.and("outcome", outcome.name().toLowerCase(Locale.ROOT)))
                            .register(registry));
        // Without the outcome: four histograms for each destination are a lot for a slow link.
        request =
                Timer.builder("edged.drain.request")
                        .description("From handing a request over to its answer or failure")
                        .tags(tags)
                        .register(registry);
        refused =
                Counter.builder("edged.drain.refused")
                        .description(
                                "Times that the destination refused data that cannot be narrowed down further")
                        .baseUnit("pieces")
                        .tags(tags)
                        .register(registry);
        uploadBytes =
                Counter.builder("edged.drain.upload")
                        .description("Bodies handed over for sending, compressed, repeats included")
                        .baseUnit("bytes")
                        .tags(tags)
                        .register(registry);
        filesDeleted =
                Counter.builder("edged.drain.files.deleted")
                        .description("Files of a file destination that its limits took")
                        .baseUnit("files")
                        .tags(tags)
                        .register(registry);
        Gauge.builder("edged.drain.refused.waiting", this, metrics -> metrics.refusedFrames)
                .description(
                        "Frames or items that the destination refuses, kept and tried again slowly")
                .tags(tags)
                .register(registry);
        Gauge.builder("edged.drain.read.ahead", this, metrics -> (double) metrics.heldBytes)
                .description("Bodies in memory, between the log and the answer")
                .baseUnit("bytes")
                .tags(tags)
                .register(registry);
        Gauge.builder("edged.drain.in.flight", this, metrics -> metrics.inFlight)
                .description("Requests without an answer yet")
                .baseUnit("requests")
                .tags(tags)
                .register(registry);
        Gauge.builder("edged.drain.circuit", this, metrics -> metrics.circuit)
                .description("0 closed, 1 half-open, 2 open: data waits")
                .tags(tags)
                .register(registry);
        for (ByteBudget.Period period : ByteBudget.Period.values())
            Gauge.builder("edged.drain.budget.left", this, metrics -> metrics.budgetLeft(period))
                    .description("Bytes that may still be sent; +Inf without such a budget")
                    .baseUnit("bytes")
                    .tags(tags.and("period", period.name().toLowerCase(Locale.ROOT)))
                    .register(registry);
        Gauge.builder("edged.drain.oldest.undelivered.age", this, DrainMetrics::oldestAgeSeconds)
                .description("Age of the oldest frame that is not settled, by the wall clock")
                .baseUnit("seconds")
                .tags(tags)
                .register(registry);
    }

    /** What may still be sent, by what was sent. */
    void watch(ByteBudget of) {
        budget = of;
    }

    private double budgetLeft(ByteBudget.Period period) {
        ByteBudget watched = budget;
        return watched == null ? Double.POSITIVE_INFINITY : watched.left(period, clock.instant());
    }

    /** What is known of the certificates of a destination over TLS. */
    void certificates(MeterRegistry registry, String destination, CertificateExpiry certificates) {
        validTo(registry, destination, "own", certificates, CertificateExpiry::ownSeconds);
        validTo(registry, destination, "server", certificates, CertificateExpiry::serverSeconds);
    }

    private static void validTo(
            MeterRegistry registry,
            String destination,
            String whose,
            CertificateExpiry certificates,
            ToDoubleFunction<CertificateExpiry> seconds) {
        Gauge.builder("edged.drain.certificate.valid.to", certificates, seconds)
                .description(
                        "End of validity of the device's own certificate or of the server's last"
                                + " chain, since the epoch; 0 if unknown")
                .baseUnit("seconds")
                .tags(DESTINATION, destination, "certificate", whose)
                .strongReference(true)
                .register(registry);
    }

    private double oldestAgeSeconds() {
        long writtenAt = oldestWrittenAtNanos;
        if (writtenAt == 0) return 0;
        long nowMillis = clock.instant().toEpochMilli();
        return Math.max(0, nowMillis - writtenAt / 1_000_000) / 1e3;
    }

    void delivered(Lane lane, Signal signal, long items, long rejectedItems) {
        var key = new LaneSignal(lane, signal);
        count(delivered, key, items);
        count(rejected, key, rejectedItems);
    }

    void tooOld(Lane lane, Signal signal, long items) {
        count(tooOld, new LaneSignal(lane, signal), items);
    }

    void sent(Lane lane, long bytes) {
        count(sent, lane, bytes);
    }

    void deadLettered(Lane lane, Signal signal, long items) {
        count(deadLettered, new LaneSignal(lane, signal), items);
    }

    private static <K> void count(Map<K, Counter> counters, K key, long amount) {
        Counter counter = counters.get(key);
        if (counter == null) throw new IllegalStateException("no counter for " + key);
        counter.increment((double) amount);
    }

    void retried(SendResult.Reason reason) {
        count(retried, reason, 1);
    }

    void refused() {
        refused.increment();
    }

    void uploading(long bytes) {
        uploadBytes.increment((double) bytes);
    }

    void fileDeleted() {
        filesDeleted.increment();
    }

    void answered(Outcome outcome, long nanos) {
        count(requests, outcome, 1);
        request.record(Duration.ofNanos(nanos));
    }

    void refusedFrames(int count) {
        refusedFrames = count;
    }

    void heldBytes(long bytes) {
        heldBytes = bytes;
    }

    void inFlight(int count) {
        inFlight = count;
    }

    void circuit(Circuit.State state) {
        circuit =
                switch (state) {
                    case CLOSED -> 0;
                    case HALF_OPEN -> 1;
                    case OPEN -> 2;
                };
    }

    void oldestWrittenAtNanos(long nanos) {
        oldestWrittenAtNanos = nanos;
    }
}
