package io.edged.drain;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;

import io.edged.otlp.ProtobufWriter;

import java.io.IOException;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Turns JSON events of the log into OTLP log records: each becomes one {@code
 * ExportLogsServiceRequest} in protobuf, which merges with others by concatenation.
 *
 * <table>
 * <caption>Members of an event</caption>
 * <tr><td>{@code kind}</td><td>string</td><td>attribute {@code edge.event.kind}</td></tr>
 * <tr><td>{@code name}</td><td>string</td><td>event name</td></tr>
 * <tr><td>{@code severity}</td><td>string</td><td>severity text; trace, debug, info, warn, warning,
 *     error, fatal and critical also give the number</td></tr>
 * <tr><td></td><td>1 to 24</td><td>severity number</td></tr>
 * <tr><td>{@code body}, else {@code message}</td><td>any</td><td>body</td></tr>
 * <tr><td>{@code attributes}</td><td>object</td><td>attributes</td></tr>
 * <tr><td>{@code time}</td><td>RFC 3339 string, or integer nanoseconds since the epoch</td><td>time;
 *     without it, the time at which the log took the event</td></tr>
 * <tr><td>{@code trace_id}, {@code span_id}</td><td>32 and 16 hex digits, not all zero</td><td>trace
 *     and span id</td></tr>
 * </table>
 *
 * <p>A member of another name, or of a type or value that is not in the table, becomes an attribute
 * under its own name, so nothing of an event is lost. Two attributes must not share a name: the
 * later gets {@code event.} in front. Added are the attributes {@code edge.event.id} ({@code
 * <service.name>:wal:<seq>}) and {@code edge.wal.seq}, the observed time (when the log took the
 * event) and a resource with {@code service.name}, {@code service.instance.id}, the node, and the
 * attributes of the options.
 *
 * <p>Values nested deeper than {@link #MAX_DEPTH} become a string of JSON: receivers refuse a whole
 * request for one value that is nested too deeply for them.
 */
final class EventRecords {

    /** Of objects and arrays inside each other; protobuf decoders commonly stop at 100 messages. */
    static final int MAX_DEPTH = 16;

    private static final Map<String, Integer> SEVERITIES =
            Map.of(
                    "trace",
                    1,
                    "debug",
                    5,
                    "info",
                    9,
                    "warn",
                    13,
                    "warning",
                    13,
                    "error",
                    17,
                    "fatal",
                    21,
                    "critical",
                    21);

    private static final int MAX_SEVERITY = 24;

    private final JsonFactory json = new JsonFactory();
    private final String serviceName;
    private final ProtobufWriter resource;
    private final ProtobufWriter scope;

    EventRecords(DrainOptions options) {
        this(options.serviceName(), options.node(), options.resource());
    }

    EventRecords(String serviceName, String node, Map<String, String> attributes) {
        this.serviceName = serviceName;
        this.resource =
                new ProtobufWriter()
                        .message(1, keyValue("service.name", text(serviceName)))
                        .message(1, keyValue("service.instance.id", text(node)));
        attributes.forEach((name, value) -> resource.message(1, keyValue(name, text(value))));
        this.scope = new ProtobufWriter().string(1, "edged");
    }

    /**
     * An event as a request body with one log record. An event that is no JSON object becomes a
     * record with its bytes as text: the door checks what it lets in, and delivery must go on.
     *
     * @param event between position and limit, which stay
     */
    ByteBuffer encode(long seq, long writtenAtNanos, ByteBuffer event) {
        byte[] bytes = new byte[event.remaining()];
        event.duplicate().get(bytes);
        ProtobufWriter record;
        try (JsonParser parser = json.createParser(bytes)) {
            record = new LogRecord(seq, writtenAtNanos).read(parser);
        } catch (IOException e) {
            String raw = new String(bytes, StandardCharsets.UTF_8);
            record = new LogRecord(seq, writtenAtNanos).finish(text(raw));
        }
        var scopeLogs = new ProtobufWriter().message(1, scope).message(2, record);
        var resourceLogs = new ProtobufWriter().message(1, resource).message(2, scopeLogs);
        return ByteBuffer.wrap(new ProtobufWriter().message(1, resourceLogs).toByteArray());
    }

    private static ProtobufWriter text(String value) {
        return new ProtobufWriter().oneofString(1, value);
    }

    private static ProtobufWriter keyValue(String key, ProtobufWriter value) {
        return new ProtobufWriter().string(1, key).message(2, value);
    }

    /** One log record while its event is being read. */
    private final class LogRecord {
        private static final int TIME = 1;
        private static final int SEVERITY_NUMBER = 2;
        private static final int SEVERITY_TEXT = 3;
        private static final int BODY = 5;
        private static final int ATTRIBUTES = 6;
        private static final int TRACE_ID = 9;
        private static final int SPAN_ID = 10;
        private static final int OBSERVED_TIME = 11;
        private static final int EVENT_NAME = 12;

        private final long writtenAtNanos;
        private final ProtobufWriter out = new ProtobufWriter();
        private final Set<String> keys = new HashSet<>();
        private Optional<ProtobufWriter> body = Optional.empty();
        private Optional<ProtobufWriter> message = Optional.empty();
        private boolean timed;

        LogRecord(long seq, long writtenAtNanos) {
            this.writtenAtNanos = writtenAtNanos;
            attribute("edge.event.id", text(serviceName + ":wal:" + seq));
            attribute("edge.wal.seq", new ProtobufWriter().oneofInt64(3, seq));
            // Kept for the member of that meaning, wherever in the event it stands.
            keys.add("edge.event.kind");
        }

        ProtobufWriter read(JsonParser parser) throws IOException {
            if (parser.nextToken() != JsonToken.START_OBJECT)
                throw new IOException("an event is a JSON object");
            while (parser.nextToken() == JsonToken.FIELD_NAME) {
                String name = parser.currentName();
                JsonToken token = parser.nextToken();
                if (!member(name, token, parser)) attribute(name, value(parser, 0));
            }
            if (body.isPresent() && message.isPresent()) attribute("message", message.get());
            var chosen = body.or(() -> message);
            return chosen.isPresent() ? finish(chosen.get()) : finish();
        }

        ProtobufWriter finish(ProtobufWriter chosenBody) {
            out.message(BODY, chosenBody);
            return finish();
        }

        private ProtobufWriter finish() {
            if (!timed) out.fixed64(TIME, writtenAtNanos);
            return out.fixed64(OBSERVED_TIME, writtenAtNanos);
        }

        /** Whether the member had a place of its own; if not, the parser still stands on it. */
        private boolean member(String name, JsonToken token, JsonParser parser) throws IOException {
            boolean text = token == JsonToken.VALUE_STRING;
            return switch (name) {
                case "kind" -> text && kind(parser.getText());
                case "name" -> text && eventName(parser.getText());
                case "severity" -> severity(token, parser);
                case "body" -> {
                    body = Optional.of(value(parser, 0));
                    yield true;
                }
                case "message" -> {
                    message = Optional.of(value(parser, 0));
                    yield true;
                }
                case "attributes" -> token == JsonToken.START_OBJECT && attributes(parser);
                case "time" -> time(token, parser);
                case "trace_id" -> text && id(TRACE_ID, 16, parser.getText());
                case "span_id" -> text && id(SPAN_ID, 8, parser.getText());
                default -> false;
            };
        }

        private boolean kind(String kind) {
            out.message(ATTRIBUTES, keyValue("edge.event.kind", text(kind)));
            return true;
        }

        private boolean eventName(String name) {
            out.string(EVENT_NAME, name);
            return true;
        }

        private boolean attributes(JsonParser parser) throws IOException {
            while (parser.nextToken() == JsonToken.FIELD_NAME) {
                String key = parser.currentName();
                parser.nextToken();
                attribute(key, value(parser, 0));
            }
            return true;
        }

        private boolean severity(JsonToken token, JsonParser parser) throws IOException {
            if (token == JsonToken.VALUE_STRING) {
                String text = parser.getText();
                out.string(SEVERITY_TEXT, text);
                Integer number = SEVERITIES.get(text.toLowerCase(Locale.ROOT));
                if (number != null) out.int64(SEVERITY_NUMBER, number);
                return true;
            }
            if (token != JsonToken.VALUE_NUMBER_INT
                    || parser.getNumberType() != JsonParser.NumberType.INT) return false;
            int number = parser.getIntValue();
            if (number < 1 || number > MAX_SEVERITY) return false;
            out.int64(SEVERITY_NUMBER, number);
            return true;
        }

        private boolean time(JsonToken token, JsonParser parser) throws IOException {
            if (token == JsonToken.VALUE_NUMBER_INT
                    && parser.getNumberType() != JsonParser.NumberType.BIG_INTEGER
                    && parser.getLongValue() > 0) {
                return time(parser.getLongValue());
            }
            if (token != JsonToken.VALUE_STRING) return false;
            try {
                Instant instant = Instant.parse(parser.getText());
                long nanos =
                        Math.addExact(
                                Math.multiplyExact(instant.getEpochSecond(), 1_000_000_000L),
                                instant.getNano());
                return nanos > 0 && time(nanos);
            } catch (DateTimeException | ArithmeticException e) {
                return false;
            }
        }

        private boolean time(long nanos) {
            out.fixed64(TIME, nanos);
            timed = true;
            return true;
        }

        private boolean id(int field, int size, String hex) {
            if (hex.length() != 2 * size) return false;
            try {
                byte[] id = HexFormat.of().parseHex(hex);
                boolean zero = true;
                for (byte part : id) zero &= part == 0;
                if (zero) return false;
                out.bytes(field, id);
                return true;
            } catch (IllegalArgumentException e) {
                return false;
            }
        }

        private void attribute(String name, ProtobufWriter value) {
            String key = name;
            while (!keys.add(key)) key = "event." + key;
            out.message(ATTRIBUTES, keyValue(key, value));
        }
    }

    /** The value on which the parser stands, as an AnyValue. */
    private ProtobufWriter value(JsonParser parser, int depth) throws IOException {
        var value = new ProtobufWriter();
        switch (parser.currentToken()) {
            case VALUE_STRING -> value.oneofString(1, parser.getText());
            case VALUE_TRUE -> value.oneofInt64(2, 1);
            case VALUE_FALSE -> value.oneofInt64(2, 0);
            case VALUE_NUMBER_INT -> {
                // A number beyond 64 bits keeps its digits.
                if (parser.getNumberType() == JsonParser.NumberType.BIG_INTEGER)
                    value.oneofString(1, parser.getText());
                else value.oneofInt64(3, parser.getLongValue());
            }
            case VALUE_NUMBER_FLOAT ->
                    value.oneofFixed64(4, Double.doubleToRawLongBits(parser.getDoubleValue()));
            case START_ARRAY -> {
                if (depth >= MAX_DEPTH) return text(copy(parser));
                var array = new ProtobufWriter();
                while (parser.nextToken() != JsonToken.END_ARRAY)
                    array.message(1, value(parser, depth + 1));
                value.message(5, array);
            }
            case START_OBJECT -> {
                if (depth >= MAX_DEPTH) return text(copy(parser));
                var object = new ProtobufWriter();
                while (parser.nextToken() == JsonToken.FIELD_NAME) {
                    String key = parser.currentName();
                    parser.nextToken();
                    object.message(1, keyValue(key, value(parser, depth + 1)));
                }
                value.message(6, object);
            }
            case VALUE_NULL -> {
                // An AnyValue without a value is OTLP's null.
            }
            default -> throw new IOException("unexpected " + parser.currentToken());
        }
        return value;
    }

    /** The value on which the parser stands, as JSON text. */
    private String copy(JsonParser parser) throws IOException {
        var text = new StringWriter();
        try (JsonGenerator generator = json.createGenerator(text)) {
            generator.copyCurrentStructure(parser);
        }
        return text.toString();
    }
}
