package io.edged.wal;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;

import java.io.IOException;
import java.io.StringWriter;

/** The events by which the log tells upstream that it lost or gave up records. */
final class LossEvent {

    private static final JsonFactory JSON = new JsonFactory();

    private LossEvent() {}

    /** Durable records were damaged on disk. */
    static String damaged(Corruption code, SeqRange seqs, String file) {
        return event(
                "ERROR",
                "records "
                        + seqs
                        + " were damaged on disk and are lost; their bytes are in quarantine",
                Progress.CORRUPTION,
                seqs.from(),
                seqs.to(),
                json -> {
                    json.writeStringField("edge.loss.code", code.name());
                    json.writeStringField("edge.loss.file", file);
                });
    }

    /** Files of records that were still to be delivered were taken away. */
    static String missing(SeqRange seqs) {
        return event(
                "ERROR",
                "the files of records " + seqs + " are gone; they were not delivered before",
                Progress.MISSING,
                seqs.from(),
                seqs.to(),
                json -> {});
    }

    /** Records were given up because the policy says so. */
    static String dropped(String reason, long from, long to) {
        return event(
                "WARN",
                "the oldest records, from "
                        + from
                        + " to "
                        + to
                        + ", were given up to make room for new ones",
                reason,
                from,
                to,
                json -> {});
    }

    /** Records were given up for one destination. */
    static String gaveUp(String destination, String reason, long from, long to, long items) {
        return event(
                "WARN",
                items
                        + " items among the records "
                        + from
                        + " to "
                        + to
                        + " were given up for the destination "
                        + destination,
                reason,
                from,
                to,
                json -> {
                    json.writeStringField("edge.loss.destination", destination);
                    json.writeNumberField("edge.loss.items", items);
                });
    }

    private interface Attributes {
        void write(JsonGenerator json) throws IOException;
    }

    private static String event(
            String severity, String body, String reason, long from, long to, Attributes more) {
        var text = new StringWriter();
        try (JsonGenerator json = JSON.createGenerator(text)) {
            json.writeStartObject();
            json.writeStringField("kind", "error");
            json.writeStringField("name", "edged.wal.records_lost");
            json.writeStringField("severity", severity);
            json.writeStringField("body", body);
            json.writeObjectFieldStart("attributes");
            json.writeStringField("edge.loss.reason", reason);
            json.writeNumberField("edge.loss.from", from);
            json.writeNumberField("edge.loss.to", to);
            more.write(json);
            json.writeEndObject();
            json.writeEndObject();
        } catch (IOException e) {
            throw new IllegalStateException("writing JSON to memory", e);
        }
        return text.toString();
    }
}
