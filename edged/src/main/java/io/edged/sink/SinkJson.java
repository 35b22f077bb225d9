package io.edged.sink;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;

import io.edged.otlp.Signal;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.Map;
import java.util.TreeMap;

/** {@link SinkStats} as JSON. */
final class SinkJson {
    private static final JsonFactory FACTORY = new JsonFactory();

    private SinkJson() {}

    static byte[] write(SinkStats stats) throws IOException {
        var bytes = new ByteArrayOutputStream();
        try (JsonGenerator json = FACTORY.createGenerator(bytes)) {
            json.useDefaultPrettyPrinter();
            json.writeStartObject();
            json.writeNumberField("requests", stats.requests());
            json.writeNumberField("refused", stats.refused());
            json.writeNumberField("discarded", stats.discarded());
            json.writeObjectFieldStart("items");
            for (Map.Entry<Signal, Long> signal : new TreeMap<>(stats.items()).entrySet())
                json.writeNumberField(signal.getKey().label(), signal.getValue());
            json.writeEndObject();
            json.writeNumberField("batch_parts", stats.batchParts());
            json.writeNumberField("repeated_batch_parts", stats.repeatedBatchParts());
            json.writeNumberField("bad_batch_headers", stats.badBatchHeaders());
            json.writeNumberField("distinct_ids", stats.distinctIds());
            json.writeNumberField("repeated_ids", stats.repeatedIds());
            json.writeNumberField("missing_ids", stats.missingIds());
            json.writeArrayFieldStart("runs");
            for (SinkStats.Run run : stats.runs()) write(json, run);
            json.writeEndArray();
            json.writeArrayFieldStart("last_records");
            for (String line : stats.lastRecords()) json.writeString(line);
            json.writeEndArray();
            json.writeEndObject();
        }
        bytes.write('\n');
        return bytes.toByteArray();
    }

    private static void write(JsonGenerator json, SinkStats.Run run) throws IOException {
        json.writeStartObject();
        json.writeStringField("run", run.run());
        json.writeStringField("signal", run.signal().label());
        json.writeNumberField("distinct", run.distinct());
        json.writeNumberField("repeats", run.repeats());
        json.writeNumberField("highest", run.highest());
        json.writeNumberField("missing", run.missing());
        json.writeNumberField("not_remembered", run.notRemembered());
        json.writeEndObject();
    }
}
