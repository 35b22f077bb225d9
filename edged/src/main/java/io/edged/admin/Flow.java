package io.edged.admin;

import com.fasterxml.jackson.core.JsonGenerator;

import io.edged.wal.Wal;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;

import java.io.IOException;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What has gone through the daemon since it started, and what lies in it, at one moment: the
 * figures of the status page.
 *
 * @param receivedItems log records, points, spans and events that are durable
 * @param refusedRequests not taken, for whatever reason
 * @param deliveredItems taken by destinations
 * @param uploadedBytes as sent, repeats included
 * @param waitingItems on disk for some destination
 * @param logBytes on disk
 * @param oldestSeconds age of the oldest record that waits
 */
public record Flow(
        Instant at,
        double receivedItems,
        double receivedBytes,
        double refusedRequests,
        double deliveredItems,
        double uploadedBytes,
        double waitingItems,
        double logBytes,
        double oldestSeconds) {

    static final List<String> COLUMNS =
            List.of(
                    "at_millis",
                    "received_items",
                    "received_bytes",
                    "refused_requests",
                    "delivered_items",
                    "uploaded_bytes",
                    "waiting_items",
                    "log_bytes",
                    "oldest_seconds");

    private static final Set<String> COUNTERS =
            Set.of(
                    "edged.receiver.items",
                    "edged.events.taken",
                    "edged.receiver.bytes",
                    "edged.events.bytes",
                    "edged.receiver.refused.requests",
                    "edged.events.refused",
                    "edged.drain.delivered",
                    "edged.drain.upload");

    /** Reads meters and the log's state; touches no file. */
    public static Flow read(Instant now, MeterRegistry registry, LedgerMetrics.Source source) {
        double oldest =
                source.destinations().get().stream()
                        .flatMap(each -> each.oldestWrittenAt().stream())
                        .mapToDouble(
                                at -> Math.max(0, now.toEpochMilli() - at.toEpochMilli()) / 1e3)
                        .max()
                        .orElse(0);
        // One pass over all meters: this is done every few seconds, also when there is no work.
        var sums = new HashMap<String, Double>();
        registry.forEachMeter(meter -> {
            String name = meter.getId().getName();
            if (meter instanceof Counter counter && COUNTERS.contains(name))
                sums.merge(name, counter.count(), Double::sum);
        });
        return new Flow(
                now,
                sum(sums, "edged.receiver.items", "edged.events.taken"),
                sum(sums, "edged.receiver.bytes", "edged.events.bytes"),
                sum(sums, "edged.receiver.refused.requests", "edged.events.refused"),
                sum(sums, "edged.drain.delivered"),
                sum(sums, "edged.drain.upload"),
                source.balances().get().stream().mapToLong(Wal.Balance::pending).sum(),
                source.log().get().allocatedBytes(),
                oldest);
    }

    private static double sum(Map<String, Double> sums, String... counters) {
        double sum = 0;
        for (String counter : counters) sum += sums.getOrDefault(counter, 0.0);
        return sum;
    }

    private double[] values() {
        return new double[] {
            receivedItems,
            receivedBytes,
            refusedRequests,
            deliveredItems,
            uploadedBytes,
            waitingItems,
            logBytes,
            oldestSeconds
        };
    }

    /** One row, in the order of {@link #COLUMNS}. */
    void writeRow(JsonGenerator json) throws IOException {
        json.writeStartArray();
        json.writeNumber(at.toEpochMilli());
        for (double value : values()) number(json, value);
        json.writeEndArray();
    }

    /** The members of the section of the status. */
    void writeMembers(JsonGenerator json) throws IOException {
        double[] values = values();
        for (int i = 0; i < values.length; i++) {
            json.writeFieldName(COLUMNS.get(i + 1));
            number(json, values[i]);
        }
    }

    private static void number(JsonGenerator json, double value) throws IOException {
        if (value == Math.rint(value)) json.writeNumber((long) value);
        else json.writeNumber(Math.round(value * 1e3) / 1e3);
    }
}
