package io.edged.identity;

import io.edged.lock.CanonicalJson;
import io.edged.lock.Fingerprint;
import io.edged.lock.JsonException;
import io.edged.lock.JsonValue;
import io.edged.lock.JsonValue.JsonArray;
import io.edged.lock.JsonValue.JsonNumber;
import io.edged.lock.JsonValue.JsonObject;
import io.edged.lock.JsonValue.JsonString;

import java.io.IOException;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * A time in which the system below the product stayed the same.
 *
 * @param number 0 from the first boot on, one more with each change of the system
 * @param began by the wall clock of the device
 * @param changes what was different from the epoch before, a line each
 */
public record Epoch(long number, Instant began, SystemFacts system, List<String> changes) {

    private static final int FORMAT_VERSION = 1;

    public Epoch {
        if (number < 0) throw new IllegalArgumentException("an epoch is 0 or more, was " + number);
        changes = List.copyOf(changes);
    }

    /** The short form: what the device is, when it was found and in which epoch. */
    byte[] fingerprintDocument() {
        return document("edged-os-fingerprint", "boot_epoch", "captured_at", Map.of());
    }

    /** The long form, with what changed. */
    byte[] evidenceDocument() {
        return document(
                "edged-epoch-evidence",
                "epoch",
                "began_at",
                Map.of(
                        "changes",
                        new JsonArray(changes.stream().<JsonValue>map(JsonString::new).toList())));
    }

    private byte[] document(String format, String epoch, String time, Map<String, JsonValue> more) {
        var members = new TreeMap<>(more);
        members.put("format", new JsonString(format));
        members.put("format_version", new JsonNumber(FORMAT_VERSION));
        members.put(epoch, JsonNumber.of(number));
        members.put(time, new JsonString(began.toString()));
        members.put("os_fingerprint", new JsonString(system.fingerprint().value()));
        members.put("system", system.json());
        return CanonicalJson.prettyBytes(new JsonObject(members));
    }

    /**
     * Reads either form.
     *
     * @throws IOException it is not one of them, or its facts do not have its fingerprint
     */
    static Epoch read(byte[] content) throws IOException {
        try {
            if (!(CanonicalJson.parse(content) instanceof JsonObject document))
                throw new IOException("is no object");
            boolean evidence = text(document, "format").equals("edged-epoch-evidence");
            if (!evidence && !text(document, "format").equals("edged-os-fingerprint"))
                throw new IOException("is of another format");
            double number = number(document, evidence ? "epoch" : "boot_epoch");
            if (number(document, "format_version") != FORMAT_VERSION)
                throw new IOException("is of another format version");
            if (number != Math.rint(number) || number < 0)
                throw new IOException("has the epoch " + number);
            var facts = new TreeMap<String, String>();
            if (!(member(document, "system") instanceof JsonObject system))
                throw new IOException("has no system");
            for (String name : system.members().keySet()) facts.put(name, text(system, name));
            var changes = new ArrayList<String>();
            if (evidence) {
                if (!(member(document, "changes") instanceof JsonArray(List<JsonValue> lines)))
                    throw new IOException("has no changes");
                for (JsonValue line : lines)
                    changes.add(line instanceof JsonString(String text) ? text : "");
            }
            var epoch =
                    new Epoch(
                            (long) number,
                            Instant.parse(text(document, evidence ? "began_at" : "captured_at")),
                            new SystemFacts(facts),
                            changes);
            Fingerprint stated = new Fingerprint(text(document, "os_fingerprint"));
            if (!stated.equals(epoch.system.fingerprint()))
                throw new IOException(
                        "says " + stated + ", its facts have " + epoch.system.fingerprint());
            return epoch;
        } catch (JsonException | IllegalArgumentException | DateTimeException e) {
            throw new IOException(e.getMessage(), e);
        }
    }

    private static JsonValue member(JsonObject object, String name) throws IOException {
        JsonValue value = object.members().get(name);
        if (value == null) throw new IOException("has no " + name);
        return value;
    }

    private static String text(JsonObject object, String name) throws IOException {
        if (member(object, name) instanceof JsonString(String text)) return text;
        throw new IOException(name + " is no text");
    }

    private static double number(JsonObject object, String name) throws IOException {
        if (member(object, name) instanceof JsonNumber(double number)) return number;
        throw new IOException(name + " is no number");
    }
}
