package io.edged.wal;

import com.fasterxml.jackson.core.JsonEncoding;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadFeature;

import io.edged.otlp.Signal;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.zip.CRC32C;

/**
 * The content of {@code telemetry.pos}: where each cursor stands, which ranges are gone, what
 * became of the items, and which events still have to be written. JSON with a checksum at its end,
 * as for entries but unseeded.
 *
 * @param log id of the log
 * @param cursors by name
 * @param gaps ranges that are gone and accounted for
 * @param ledger settled and accepted items by cursor and signal
 * @param countedTo every committed frame up to this one is in the ledger's accepted items
 * @param notices events to append, each a JSON object, oldest first
 * @param lanes the rule by which items were counted
 */
record Positions(
        long log,
        List<CursorPosition> cursors,
        Gaps gaps,
        List<LedgerRow> ledger,
        long countedTo,
        List<String> notices,
        Lanes lanes) {

    static final String FILE = "telemetry.pos";
    static final int MAX_BYTES = 32 << 20;
    private static final int VERSION = 1;
    private static final JsonFactory JSON =
            JsonFactory.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build();

    /**
     * One cursor.
     *
     * @param seq every frame of the lane up to this one is settled
     * @param sent no frame of the lane above this one was ever sent
     * @param done settled runs above {@code seq}, in order
     * @param parts frames above {@code seq} that were cut, by their seq
     */
    record CursorPosition(
            String name,
            long seq,
            long sent,
            List<SeqRange> done,
            Map<Long, List<FramePart>> parts) {

        /** The destination in its name. */
        String destination() {
            return name.substring(0, Math.max(0, name.indexOf('/')));
        }

        /** The lane in its name. */
        String lane() {
            return name.substring(name.indexOf('/') + 1);
        }
    }

    /**
     * Items of one signal at one cursor. What is pending is {@link #pending}.
     *
     * @param signal a signal's label, or {@code unknown} for frames that could not be read
     * @param dropped items given up, by reason
     * @param pendingBytes bytes of the bodies that hold what is pending; not in files of the first
     *     builds
     */
    record LedgerRow(
            String cursor,
            String signal,
            long accepted,
            long delivered,
            long deadLettered,
            Map<String, Long> dropped,
            OptionalLong pendingBytes) {

        long pending() {
            return accepted
                    - delivered
                    - deadLettered
                    - dropped.values().stream().mapToLong(Long::longValue).sum();
        }
    }

    static Positions empty(long log) {
        return new Positions(log, List.of(), Gaps.NONE, List.of(), 0, List.of(), Lanes.SINGLE);
    }

    /** Whether something is pending of which the file does not say how many bytes it has. */
    boolean lacksBytes() {
        return ledger.stream().anyMatch(row -> row.pending() != 0 && row.pendingBytes().isEmpty());
    }

    byte[] encode() {
        var bytes = new ByteArrayOutputStream(1_024);
        try (JsonGenerator json = JSON.createGenerator(bytes, JsonEncoding.UTF8)) {
            json.writeStartObject();
            json.writeNumberField("version", VERSION);
            json.writeStringField("log", SegmentName.hex(log));
            if (!lanes.equals(Lanes.SINGLE)) writeLanes(json);
            json.writeArrayFieldStart("cursors");
            for (CursorPosition cursor : cursors) {
                json.writeStartObject();
                json.writeStringField("name", cursor.name());
                json.writeNumberField("seq", cursor.seq());
                if (cursor.sent() > 0) json.writeNumberField("sent", cursor.sent());
                json.writeArrayFieldStart("done");
                for (SeqRange run : cursor.done()) {
                    json.writeStartArray();
                    json.writeNumber(run.from());
                    json.writeNumber(run.to());
                    json.writeEndArray();
                }
                json.writeEndArray();
                if (!cursor.parts().isEmpty()) writeParts(json, cursor.parts());
                json.writeEndObject();
            }
            json.writeEndArray();
            json.writeArrayFieldStart("gaps");
            for (Gaps.Gap gap : gaps.list()) {
                json.writeStartObject();
                json.writeNumberField("from", gap.from());
                json.writeNumberField("to", gap.to());
                json.writeStringField("reason", gap.reason());
                json.writeEndObject();
            }
            json.writeEndArray();
            json.writeArrayFieldStart("ledger");
            for (LedgerRow row : ledger) {
                json.writeStartObject();
                json.writeStringField("cursor", row.cursor());
                json.writeStringField("signal", row.signal());
                json.writeNumberField("accepted", row.accepted());
                json.writeNumberField("delivered", row.delivered());
                json.writeNumberField("dead_lettered", row.deadLettered());
                json.writeObjectFieldStart("dropped");
                for (var reason : new TreeMap<>(row.dropped()).entrySet())
                    json.writeNumberField(reason.getKey(), reason.getValue());
                json.writeEndObject();
                if (row.pendingBytes().isPresent())
                    json.writeNumberField("pending_bytes", row.pendingBytes().getAsLong());
                json.writeEndObject();
            }
            json.writeEndArray();
            json.writeNumberField("counted_to", countedTo);
            json.writeArrayFieldStart("notices");
            for (String notice : notices) json.writeString(notice);
            json.writeEndArray();
            json.flush();
            byte[] covered = bytes.toByteArray();
            String crc = HexFormat.of().toHexDigits(crc(covered, covered.length));
            bytes.write((",\"crc32c\":\"" + crc + "\"}").getBytes(StandardCharsets.US_ASCII));
            json.disable(JsonGenerator.Feature.AUTO_CLOSE_JSON_CONTENT);
        } catch (IOException e) {
            throw new IllegalStateException("writing JSON to memory", e);
        }
        return bytes.toByteArray();
    }

    private static void writeParts(JsonGenerator json, Map<Long, List<FramePart>> frames)
            throws IOException {
        json.writeArrayFieldStart("parts");
        for (var frame : new TreeMap<>(frames).entrySet()) {
            json.writeStartObject();
            json.writeNumberField("seq", frame.getKey());
            json.writeArrayFieldStart("items");
            for (FramePart part : frame.getValue()) {
                json.writeStartObject();
                json.writeNumberField("first", part.first());
                json.writeNumberField("last", part.last());
                if (part.settled().isPresent()) {
                    Settlement settled = part.settled().get();
                    json.writeNumberField("delivered", settled.delivered());
                    json.writeNumberField("dead_lettered", settled.deadLettered());
                    json.writeObjectFieldStart("dropped");
                    for (var reason : new TreeMap<>(settled.dropped()).entrySet())
                        json.writeNumberField(reason.getKey(), reason.getValue());
                    json.writeEndObject();
                }
                json.writeEndObject();
            }
            json.writeEndArray();
            json.writeEndObject();
        }
        json.writeEndArray();
    }

    private void writeLanes(JsonGenerator json) throws IOException {
        json.writeArrayFieldStart("lanes");
        for (Lanes.Rule rule : lanes.rules()) {
            json.writeStartObject();
            json.writeStringField("name", rule.name());
            json.writeArrayFieldStart("kinds");
            for (String kind : rule.kinds()) json.writeString(kind);
            json.writeEndArray();
            json.writeArrayFieldStart("signals");
            for (Signal signal : rule.signals()) json.writeString(signal.label());
            json.writeEndArray();
            json.writeNumberField("min_severity", rule.minSeverity());
            json.writeEndObject();
        }
        json.writeEndArray();
    }

    private static int crc(byte[] bytes, int length) {
        CRC32C crc = new CRC32C();
        crc.update(bytes, 0, length);
        return (int) crc.getValue();
    }

    /**
     * Reads what {@link #encode} wrote; anything else is an {@link IOException} that says what is
     * wrong.
     */
    static Positions decode(byte[] content) throws IOException {
        int covered = content.length - FrameFormat.ENTRY_CRC_BYTES;
        if (covered < 2) throw new IOException("only " + content.length + " bytes");
        String expected =
                ",\"crc32c\":\"" + HexFormat.of().toHexDigits(crc(content, covered)) + "\"}";
        String found =
                new String(
                        Arrays.copyOfRange(content, covered, content.length),
                        StandardCharsets.US_ASCII);
        if (!found.equals(expected)) throw new IOException("checksum");
        try (JsonParser json = JSON.createParser(content)) {
            return new Reader(json).positions();
        } catch (IllegalArgumentException e) {
            throw new IOException("content: " + e.getMessage(), e);
        }
    }

    /**
     * Reads the members in any order and refuses unknown ones: a newer version must not be half
     * understood.
     */
    private record Reader(JsonParser json) {

        Positions positions() throws IOException {
            long version = 0;
            long log = 0;
            List<CursorPosition> cursors = List.of();
            Gaps gaps = Gaps.NONE;
            List<LedgerRow> ledger = List.of();
            long countedTo = 0;
            List<String> notices = List.of();
            Lanes lanes = Lanes.SINGLE;
            expect(json.nextToken(), JsonToken.START_OBJECT);
            while (json.nextToken() != JsonToken.END_OBJECT) {
                switch (member()) {
                    case "version" -> version = json.getLongValue();
                    case "log" -> log = Long.parseUnsignedLong(json.getText(), 16);
                    case "cursors" -> cursors = list(this::cursor);
                    case "gaps" -> gaps = Gaps.of(list(this::gap));
                    case "ledger" -> ledger = list(this::row);
                    case "counted_to" -> countedTo = json.getLongValue();
                    case "notices" -> notices = list(json::getText);
                    case "lanes" -> lanes = new Lanes(list(this::rule));
                    case "crc32c" -> json.getText();
                    default -> throw unknown();
                }
            }
            if (version != VERSION)
                throw new IOException("version " + version + ", this program reads " + VERSION);
            return new Positions(log, cursors, gaps, ledger, countedTo, notices, lanes);
        }

        private Lanes.Rule rule() throws IOException {
            String name = "";
            List<String> kinds = List.of();
            List<Signal> signals = List.of();
            int minSeverity = 0;
            while (json.nextToken() != JsonToken.END_OBJECT) {
                switch (member()) {
                    case "name" -> name = json.getText();
                    case "kinds" -> kinds = list(json::getText);
                    case "signals" -> signals = list(this::signal);
                    case "min_severity" -> minSeverity = json.getIntValue();
                    default -> throw unknown();
                }
            }
            return new Lanes.Rule(name, kinds, signals, minSeverity);
        }

        private Signal signal() throws IOException {
            String label = json.getText();
            for (Signal signal : Signal.values()) if (signal.label().equals(label)) return signal;
            throw new IOException("unknown signal " + label);
        }

        private CursorPosition cursor() throws IOException {
            String name = "";
            long seq = 0;
            long sent = 0;
            List<SeqRange> done = List.of();
            var parts = new TreeMap<Long, List<FramePart>>();
            while (json.nextToken() != JsonToken.END_OBJECT) {
                switch (member()) {
                    case "name" -> name = json.getText();
                    case "seq" -> seq = json.getLongValue();
                    case "sent" -> sent = json.getLongValue();
                    case "done" -> done = list(this::run);
                    case "parts" -> list(() -> cut(parts));
                    default -> throw unknown();
                }
            }
            return new CursorPosition(name, seq, sent, done, parts);
        }

        private Long cut(Map<Long, List<FramePart>> into) throws IOException {
            long seq = 0;
            List<FramePart> parts = List.of();
            while (json.nextToken() != JsonToken.END_OBJECT) {
                switch (member()) {
                    case "seq" -> seq = json.getLongValue();
                    case "items" -> parts = list(this::part);
                    default -> throw unknown();
                }
            }
            into.put(seq, parts);
            return seq;
        }

        private FramePart part() throws IOException {
            int first = 0;
            int last = 0;
            int delivered = 0;
            int deadLettered = 0;
            boolean settled = false;
            Map<String, Integer> dropped = new TreeMap<>();
            while (json.nextToken() != JsonToken.END_OBJECT) {
                switch (member()) {
                    case "first" -> first = json.getIntValue();
                    case "last" -> last = json.getIntValue();
                    case "delivered" -> {
                        delivered = json.getIntValue();
                        settled = true;
                    }
                    case "dead_lettered" -> deadLettered = json.getIntValue();
                    case "dropped" -> {
                        while (json.nextToken() != JsonToken.END_OBJECT) {
                            String reason = member();
                            dropped.put(reason, json.getIntValue());
                        }
                    }
                    default -> throw unknown();
                }
            }
            return new FramePart(
                    first,
                    last,
                    settled
                            ? Optional.of(new Settlement(delivered, deadLettered, dropped))
                            : Optional.empty());
        }

        private SeqRange run() throws IOException {
            json.nextToken();
            long from = json.getLongValue();
            json.nextToken();
            long to = json.getLongValue();
            expect(json.nextToken(), JsonToken.END_ARRAY);
            return new SeqRange(from, to);
        }

        private Gaps.Gap gap() throws IOException {
            long from = 0;
            long to = 0;
            String reason = "";
            while (json.nextToken() != JsonToken.END_OBJECT) {
                switch (member()) {
                    case "from" -> from = json.getLongValue();
                    case "to" -> to = json.getLongValue();
                    case "reason" -> reason = json.getText();
                    default -> throw unknown();
                }
            }
            return new Gaps.Gap(from, to, reason);
        }

        private LedgerRow row() throws IOException {
            String cursor = "";
            String signal = "";
            long accepted = 0;
            long delivered = 0;
            long deadLettered = 0;
            OptionalLong pendingBytes = OptionalLong.empty();
            Map<String, Long> dropped = new TreeMap<>();
            while (json.nextToken() != JsonToken.END_OBJECT) {
                switch (member()) {
                    case "cursor" -> cursor = json.getText();
                    case "signal" -> signal = json.getText();
                    case "accepted" -> accepted = json.getLongValue();
                    case "delivered" -> delivered = json.getLongValue();
                    case "dead_lettered" -> deadLettered = json.getLongValue();
                    case "dropped" -> {
                        while (json.nextToken() != JsonToken.END_OBJECT) {
                            String reason = member();
                            dropped.put(reason, json.getLongValue());
                        }
                    }
                    case "pending_bytes" -> pendingBytes = OptionalLong.of(json.getLongValue());
                    default -> throw unknown();
                }
            }
            return new LedgerRow(
                    cursor, signal, accepted, delivered, deadLettered, dropped, pendingBytes);
        }

        private interface Element<T> {
            T read() throws IOException;
        }

        private <T> List<T> list(Element<T> element) throws IOException {
            expect(json.currentToken(), JsonToken.START_ARRAY);
            var list = new ArrayList<T>();
            while (json.nextToken() != JsonToken.END_ARRAY) list.add(element.read());
            return List.copyOf(list);
        }

        /** The name of the member that begins; the parser then stands on its value. */
        private String member() throws IOException {
            expect(json.currentToken(), JsonToken.FIELD_NAME);
            String name = json.currentName();
            json.nextToken();
            return name;
        }

        private IOException unknown() throws IOException {
            return new IOException("unknown member " + json.currentName());
        }

        private static void expect(JsonToken found, JsonToken expected) throws IOException {
            if (found != expected) throw new IOException(expected + " expected, found " + found);
        }
    }
}
