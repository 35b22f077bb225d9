package io.edged.admin;

import io.edged.drain.DrainStatus;
import io.edged.wal.Wal;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.search.Search;

import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import java.util.function.ToDoubleFunction;
import java.util.function.ToLongFunction;

/**
 * The ledger as meters: what was accepted, what became of it, what is left, and whether that adds
 * up. Its figures live as long as the log, over restarts.
 *
 * <p>{@link #refresh} runs before each scrape, on the scraping thread, so that all of them are of
 * one moment; the meters of a cursor are registered when it is first seen. Whoever makes this keeps
 * it as long as the registry.
 */
public final class LedgerMetrics {

    private static final List<String> REASONS =
            List.of("ceiling", "corruption", "missing", "deadletter_limit");

    /** What the meters are read from; none of it touches a file. */
    public record Source(
            Supplier<List<Wal.Balance>> balances,
            Supplier<Wal.Status> log,
            Supplier<List<DrainStatus>> destinations) {}

    private record Row(String cursor, String signal) {}

    private final MeterRegistry registry;
    private final Source source;
    private final Set<Row> registered = new HashSet<>();
    private final Set<String> destinations = new HashSet<>();

    /** Replaced as a whole by the thread that scrapes; gauges may be read by others. */
    private volatile List<Wal.Balance> balances = List.of();

    /** Destinations of which every record is settled, so that nothing may be pending. */
    private volatile Set<String> settled = Set.of();

    public LedgerMetrics(MeterRegistry registry, Source source) {
        this.registry = registry;
        this.source = source;
        FunctionCounter.builder("edged.flash.written", this, _ -> ProcessWrites.bytes())
                .description(
                        "Bytes that this process had written to storage, in whole pages as the"
                                + " kernel counts them")
                .baseUnit("bytes")
                .register(registry);
        Gauge.builder("edged.flash.wear.ratio", this, LedgerMetrics::wear)
                .description(
                        "Bytes written to storage for each byte of telemetry accepted, since the"
                                + " start; 0 before anything was accepted")
                .register(registry);
        refresh();
    }

    /** Reads the ledger once for all of the meters. */
    public synchronized void refresh() {
        long before = source.log().get().committedSeq();
        List<DrainStatus> drains = source.destinations().get();
        List<Wal.Balance> now = source.balances().get();
        long after = source.log().get().committedSeq();
        var allSettled = new HashSet<String>();
        for (DrainStatus drain : drains)
            if (before == after && drain.settledTo() >= after) allSettled.add(drain.destination());
        settled = allSettled;
        balances = now;
        for (DrainStatus drain : drains) addDestination(drain.destination());
        for (Wal.Balance balance : now) {
            addDestination(balance.destination());
            addRow(balance);
        }
    }

    private void addRow(Wal.Balance balance) {
        if (!registered.add(new Row(balance.cursor(), balance.signal()))) return;
        Tags tags =
                Tags.of(
                        "destination",
                        balance.destination(),
                        "lane",
                        balance.lane(),
                        "signal",
                        balance.signal());
        String cursor = balance.cursor();
        String signal = balance.signal();
        Gauge.builder("edged.backlog.items", () -> of(cursor, signal, Wal.Balance::pending))
                .description("Items on disk that wait for the destination")
                .tags(tags)
                .register(registry);
        Gauge.builder("edged.backlog.bytes", () -> of(cursor, signal, Wal.Balance::pendingBytes))
                .description("Bytes of the bodies on disk that wait for the destination")
                .tags(tags)
                .register(registry);
    }

    private double of(String cursor, String signal, ToLongFunction<Wal.Balance> column) {
        return balances.stream()
                .filter(row -> row.cursor().equals(cursor) && row.signal().equals(signal))
                .mapToLong(column)
                .sum();
    }

    private void addDestination(String name) {
        if (!destinations.add(name)) return;
        Tags tags = Tags.of("destination", name);
        counter(
                "edged.ledger.accepted.items",
                "Items that were accepted for the destination, over restarts",
                tags,
                () -> sum(name, Wal.Balance::accepted));
        String settledItems = "edged.ledger.settled.items";
        String help = "Items that are done with, by what became of them, over restarts";
        counter(
                settledItems,
                help,
                tags.and("outcome", "delivered"),
                () -> sum(name, Wal.Balance::delivered));
        counter(
                settledItems,
                help,
                tags.and("outcome", "dead_lettered"),
                () -> sum(name, Wal.Balance::deadLettered));
        counter(
                settledItems,
                help,
                tags.and("outcome", "dropped"),
                () -> sum(name, Wal.Balance::dropped));
        for (String reason : REASONS)
            counter(
                    "edged.ledger.dropped.items",
                    "Items that were given up, by reason, over restarts",
                    tags.and("reason", reason),
                    () -> sum(name, row -> row.droppedBy().getOrDefault(reason, 0L)));
        counter(
                "edged.ledger.dropped.items",
                "Items that were given up, by reason, over restarts",
                tags.and("reason", "other"),
                () ->
                        sum(
                                name,
                                row ->
                                        row.droppedBy().entrySet().stream()
                                                .filter(each -> !REASONS.contains(each.getKey()))
                                                .mapToLong(Map.Entry::getValue)
                                                .sum()));
        Gauge.builder("edged.ledger.imbalance.items", () -> imbalance(name))
                .description(
                        "Items that the ledger cannot account for: 0, or there is a mistake in"
                                + " edged")
                .tags(tags)
                .register(registry);
    }

    private void counter(String name, String help, Tags tags, Supplier<Double> value) {
        // The registry holds only weakly what a function counter reads.
        FunctionCounter.builder(name, this, _ -> value.get())
                .description(help)
                .tags(tags)
                .register(registry);
    }

    private double sum(String destination, ToDoubleFunction<Wal.Balance> column) {
        return balances.stream()
                .filter(row -> row.destination().equals(destination))
                .mapToDouble(column)
                .sum();
    }

    /**
     * The ledger counts items, cursors count records: when a destination's cursors have passed
     * every record, the ledger may have no item left for it; and it never has less than none.
     */
    double imbalance(String destination) {
        boolean nothingLeft = settled.contains(destination);
        double items = 0;
        for (Wal.Balance row : balances) {
            if (!row.destination().equals(destination)) continue;
            long rest =
                    row.accepted()
                            - row.delivered()
                            - row.deadLettered()
                            - row.dropped()
                            - row.pending();
            items += Math.abs(rest);
            if (nothingLeft || row.pending() < 0) items += Math.abs(row.pending());
        }
        return items;
    }

    private double wear() {
        double accepted = total("edged.receiver.bytes") + total("edged.events.bytes");
        return accepted == 0 ? 0 : ProcessWrites.bytes() / accepted;
    }

    private double total(String counter) {
        return Search.in(registry).name(counter).counters().stream()
                .mapToDouble(Counter::count)
                .sum();
    }
}
