package io.edged.admin;

import com.fasterxml.jackson.core.JsonGenerator;

import io.edged.wal.Wal;

import java.io.IOException;
import java.time.Instant;
import java.util.List;

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

    /** Reads meters and the log's state; touches no file. */
    public static Flow read(Instant now, FlowCounters counters, LedgerMetrics.Source source) {
        double oldest =
                source.destinations().get().stream()
                        .flatMap(each -> each.oldestWrittenAt().stream())
                        .mapToDouble(
                                at -> Math.max(0, now.toEpochMilli() - at.toEpochMilli()) / 1e3)
                        .max()
                        .orElse(0);
        return new Flow(
                now,
                counters.sum("edged.receiver.items", "edged.events.taken"),
                counters.sum("edged.receiver.bytes", "edged.events.bytes"),
                counters.sum("edged.receiver.refused.requests", "edged.events.refused"),
                counters.sum("edged.drain.delivered"),
                counters.sum("edged.drain.upload"),
                source.balances().get().stream().mapToLong(Wal.Balance::pending).sum(),
                source.log().get().allocatedBytes(),
                oldest);
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
