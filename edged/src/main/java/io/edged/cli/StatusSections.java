package io.edged.cli;

import com.fasterxml.jackson.core.JsonGenerator;

import io.edged.daemon.Health;
import io.edged.daemon.Logging;

import java.io.IOException;
import java.util.Locale;
import java.util.Set;

/** Sections of the status that no one part of the daemon has. */
final class StatusSections {
    private StatusSections() {}

    static void health(JsonGenerator json, Health health) throws IOException {
        for (Health.Kind kind : Health.Kind.values())
            json.writeBooleanField(
                    kind.name().toLowerCase(Locale.ROOT), health.report(kind, Set.of()).ok());
        json.writeArrayFieldStart("checks");
        for (Health.Kind kind : Health.Kind.values()) {
            for (Health.Line line : health.report(kind, Set.of()).lines()) {
                json.writeStartObject();
                json.writeStringField("name", line.name());
                json.writeStringField("probe", kind == Health.Kind.LIVE ? "livez" : "readyz");
                json.writeBooleanField("ok", line.result() instanceof Health.Ok);
                if (line.result() instanceof Health.Failed failed)
                    json.writeStringField("reason", failed.reason());
                json.writeEndObject();
            }
        }
        json.writeEndArray();
    }

    static void problems(JsonGenerator json, Logging logging) throws IOException {
        json.writeNumberField("warnings", logging.warnings());
        json.writeNumberField("errors", logging.errors());
        json.writeArrayFieldStart("lines");
        for (String line : logging.problems().lines()) json.writeString(line);
        json.writeEndArray();
    }
}
