package io.edged.otlp;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonFactoryBuilder;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;

/**
 * Turns an export request in JSON into protobuf, in one pass and without building objects.
 *
 * <p>What is understood is OTLP/JSON: names in lowerCamelCase, {@code traceId} and the span ids in
 * hex of either case, other bytes in base64 (both alphabets, padded or not), enums as numbers only,
 * 64-bit integers as decimal strings or numbers, {@code "NaN"}, {@code "Infinity"} and {@code
 * "-Infinity"} for doubles, {@code null} for what is absent, unknown names passed over. Where
 * protobuf's JSON mapping refuses something it is refused here too: a member twice, two members of
 * a oneof, {@code null} in an array, numbers out of range. Half of a surrogate pair becomes U+FFFD,
 * as JavaScript cuts text in the middle of pairs.
 *
 * <p>Records larger than the limit are left out and counted. Everything else that is not a record
 * may be as large as a record. JSON may be nested {@value #MAX_JSON_DEPTH} deep, the messages in it
 * {@link Skim#MAX_DEPTH}.
 *
 * <p>Heap: a few times the largest record. One thread; reused for one body after the other.
 */
public final class JsonConversion {

    /** Objects and arrays inside each other. */
    public static final int MAX_JSON_DEPTH = 64;

    /** However large records may be: what one record or text may take on the heap. */
    public static final int MAX_RECORD_BYTES = 8 << 20;

    private static final int MAX_NUMBER_CHARS = 32;

    /** The messages around records: of these a request may hold more than memory does. */
    static final Set<Schema.Type> CONTAINERS =
            EnumSet.of(
                    Schema.Type.LOGS_REQUEST,
                    Schema.Type.RESOURCE_LOGS,
                    Schema.Type.SCOPE_LOGS,
                    Schema.Type.METRICS_REQUEST,
                    Schema.Type.RESOURCE_METRICS,
                    Schema.Type.SCOPE_METRICS,
                    Schema.Type.METRIC,
                    Schema.Type.GAUGE,
                    Schema.Type.SUM,
                    Schema.Type.HISTOGRAM,
                    Schema.Type.EXPONENTIAL_HISTOGRAM,
                    Schema.Type.SUMMARY,
                    Schema.Type.TRACES_REQUEST,
                    Schema.Type.RESOURCE_SPANS,
                    Schema.Type.SCOPE_SPANS);

    private static final JsonFactory JSON =
            new JsonFactoryBuilder()
                    .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
                    .disable(JsonFactory.Feature.CHARSET_DETECTION)
                    .streamReadConstraints(
                            StreamReadConstraints.builder()
                                    .maxNestingDepth(MAX_JSON_DEPTH)
                                    .maxStringLength(MAX_RECORD_BYTES)
                                    .maxNameLength(64 << 10)
                                    .maxNumberLength(1_000)
                                    .build())
                    .build();

    /** What became of a body. */
    public sealed interface Result {

        /**
         * It stands in the chunks.
         *
         * @param items in it
         * @param rejected records that were larger than the limit and are not in it
         * @param unknownMember a name at the top that is none of OTLP's, if there was one
         */
        record Converted(long bytes, int items, int rejected, Optional<String> unknownMember)
                implements Result {}

        /** It is not OTLP/JSON. */
        record Bad(Malformed malformed) implements Result {}

        /** More would come out than is allowed. */
        record TooLarge() implements Result {}

        /** There was no memory for what comes out. */
        record NoMemory() implements Result {}
    }

    private final MessageBuffer buffer = new MessageBuffer();

    /** Converts a complete body, which is closed. */
    public Result convert(
            Signal signal, InputStream body, long maxBytes, int maxRecordBytes, BodyChunks chunks) {
        int recordBytes = Math.min(maxRecordBytes, MAX_RECORD_BYTES);
        buffer.begin(recordBytes);
        var out = new ChunkedBody(chunks, maxBytes);
        try (JsonParser parser = JSON.createParser(body)) {
            var run = new Run(parser, out, recordBytes);
            try {
                run.request(Schema.root(signal));
                return new Result.Converted(
                        out.position(),
                        run.items,
                        run.rejected,
                        Optional.ofNullable(run.unknownMember));
            } catch (JsonProcessingException e) {
                return run.bad("not JSON: " + e.getOriginalMessage());
            } catch (ConversionException e) {
                return switch (e.why) {
                    case MALFORMED -> run.bad(String.valueOf(e.getMessage()));
                    case TOO_LARGE -> new Result.TooLarge();
                    case NO_MEMORY -> new Result.NoMemory();
                };
            }
        } catch (IOException e) {
            throw new IllegalStateException("a body in memory cannot fail", e);
        }
    }

    /** One conversion. */
    private final class Run {
        private final JsonParser parser;
        private final ChunkedBody out;
        private final int recordBytes;
        private int items;
        private int rejected;
        private @Nullable String unknownMember;

        Run(JsonParser parser, ChunkedBody out, int recordBytes) {
            this.parser = parser;
            this.out = out;
            this.recordBytes = recordBytes;
        }

        Result bad(String reason) {
            long at = Math.max(0, parser.currentLocation().getByteOffset());
            return new Result.Bad(new Malformed(at, shown(reason)));
        }

        void request(Schema.Type root) throws IOException, ConversionException {
            if (parser.nextToken() != JsonToken.START_OBJECT)
                throw malformed("a request is a JSON object");
            message(root, 0);
            if (parser.nextToken() != null) throw malformed("something follows the request");
        }

        /** The members of a message, up to its end. */
        private void message(Schema.Type type, int depth) throws IOException, ConversionException {
            boolean container = CONTAINERS.contains(type);
            int seen = 0;
            boolean chosen = false;
            while (parser.nextToken() == JsonToken.FIELD_NAME) {
                String name = parser.currentName();
                JsonToken token = parser.nextToken();
                Schema.Field field = Schema.field(type, name).orElse(null);
                if (field == null) {
                    if (depth == 0 && unknownMember == null) unknownMember = shown(name);
                    parser.skipChildren();
                    continue;
                }
                if (token == JsonToken.VALUE_NULL) continue;
                int bit = 1 << field.number();
                if ((seen & bit) != 0) throw malformed(name + " is there twice");
                if (field.choice() && chosen)
                    throw malformed(name + " excludes another member that is there");
                seen |= bit;
                chosen |= field.choice();
                if (field.repeated()) array(field, token, depth);
                else if (field.kind() == Schema.Kind.MESSAGE) child(field, token, depth);
                else single(field, token);
                if (container) flush();
            }
        }

        private void array(Schema.Field field, JsonToken token, int depth)
                throws IOException, ConversionException {
            if (token != JsonToken.START_ARRAY) throw expected(field, "an array");
            if (field.kind() == Schema.Kind.MESSAGE) {
                for (JsonToken next = parser.nextToken();
                        next != JsonToken.END_ARRAY;
                        next = parser.nextToken()) child(field, next, depth);
            } else if (field.kind() == Schema.Kind.TEXT) {
                for (JsonToken next = parser.nextToken();
                        next != JsonToken.END_ARRAY;
                        next = parser.nextToken()) {
                    buffer.varint(tag(field));
                    text(field, next);
                }
            } else {
                int before = buffer.length();
                buffer.varint(tag(field));
                int start = buffer.open();
                for (JsonToken next = parser.nextToken();
                        next != JsonToken.END_ARRAY;
                        next = parser.nextToken()) number(field, next);
                if (buffer.length() == start && !buffer.overflown()) buffer.cut(before);
                else buffer.close(start);
            }
        }

        private void child(Schema.Field field, JsonToken token, int depth)
                throws IOException, ConversionException {
            if (token != JsonToken.START_OBJECT) throw expected(field, "an object");
            if (depth == Skim.MAX_DEPTH)
                throw malformed("messages are nested deeper than " + Skim.MAX_DEPTH);
            Schema.Type type = field.message().orElseThrow();
            if (CONTAINERS.contains(type)) {
                buffer.varint(tag(field));
                flush();
                long start = out.openLength();
                message(type, depth + 1);
                out.patchLength(start);
                return;
            }
            int before = buffer.length();
            buffer.varint(tag(field));
            int start = buffer.open();
            message(type, depth + 1);
            if (!field.item()) {
                buffer.close(start);
                return;
            }
            if (buffer.overflown() || buffer.length() - start > recordBytes) {
                buffer.cut(before);
                rejected++;
                return;
            }
            buffer.close(start);
            items++;
            flush();
        }

        private void flush() throws ConversionException {
            if (buffer.overflown()) throw ConversionException.tooLarge();
            out.write(buffer.bytes(), buffer.length());
            buffer.cut(0);
        }

        private void single(Schema.Field field, JsonToken token)
                throws IOException, ConversionException {
            int before = buffer.length();
            buffer.varint(tag(field));
            int start = buffer.length();
            switch (field.kind()) {
                case TEXT -> text(field, token);
                case BYTES -> base64(field, token);
                case ID -> hex(field, token, field.name().equals("traceId") ? 16 : 8);
                case BOOL -> {
                    if (!token.isBoolean()) throw expected(field, "true or false");
                    buffer.varint(token == JsonToken.VALUE_TRUE ? 1 : 0);
                }
                default -> number(field, token);
            }
            if (!field.choice() && !field.optional() && !buffer.overflown() && isZero(start))
                buffer.cut(before);
        }

        /** What proto3 leaves out: 0, and the length of what is empty. */
        private boolean isZero(int start) {
            for (int i = start; i < buffer.length(); i++) if (buffer.bytes()[i] != 0) return false;
            return true;
        }

        private void text(Schema.Field field, JsonToken token)
                throws IOException, ConversionException {
            if (token != JsonToken.VALUE_STRING) throw expected(field, "a string");
            buffer.text(parser.getTextCharacters(), parser.getTextOffset(), parser.getTextLength());
        }

        private void base64(Schema.Field field, JsonToken token)
                throws IOException, ConversionException {
            if (token != JsonToken.VALUE_STRING) throw expected(field, "a string");
            String text = parser.getText();
            boolean url = text.indexOf('-') >= 0 || text.indexOf('_') >= 0;
            try {
                // Latin-1 keeps what is not base64 apart from what is.
                byte[] coded = text.getBytes(StandardCharsets.ISO_8859_1);
                buffer.bytes((url ? Base64.getUrlDecoder() : Base64.getDecoder()).decode(coded));
            } catch (IllegalArgumentException e) {
                throw expected(field, "base64");
            }
        }

        private void hex(Schema.Field field, JsonToken token, int bytes)
                throws IOException, ConversionException {
            if (token != JsonToken.VALUE_STRING) throw expected(field, "a string");
            int digits = parser.getTextLength();
            if (digits == 0) {
                buffer.varint(0);
                return;
            }
            if (digits != 2 * bytes) throw expected(field, 2 * bytes + " hex digits");
            char[] text = parser.getTextCharacters();
            int from = parser.getTextOffset();
            byte[] id = new byte[bytes];
            for (int i = 0; i < bytes; i++) {
                int high = digit(text[from + 2 * i]);
                int low = digit(text[from + 2 * i + 1]);
                if (high < 0 || low < 0) throw expected(field, 2 * bytes + " hex digits");
                id[i] = (byte) (high << 4 | low);
            }
            // An id of zeros is written: it is there, whatever it means.
            buffer.bytes(id);
        }

        private void number(Schema.Field field, JsonToken token)
                throws IOException, ConversionException {
            switch (field.kind()) {
                case DOUBLE ->
                        buffer.littleEndian(Double.doubleToRawLongBits(real(field, token)), 8);
                case FIXED64 -> buffer.littleEndian(whole(field, token, 0, -1), 8);
                case SFIXED64 ->
                        buffer.littleEndian(whole(field, token, Long.MIN_VALUE, Long.MAX_VALUE), 8);
                case UINT64 -> buffer.varint(whole(field, token, 0, -1));
                case INT64 -> buffer.varint(whole(field, token, Long.MIN_VALUE, Long.MAX_VALUE));
                case FIXED32 -> buffer.littleEndian(whole(field, token, 0, 0xFFFF_FFFFL), 4);
                case UINT32 -> buffer.varint(whole(field, token, 0, 0xFFFF_FFFFL));
                case INT32 ->
                        buffer.varint(whole(field, token, Integer.MIN_VALUE, Integer.MAX_VALUE));
                case ENUM -> {
                    if (token == JsonToken.VALUE_STRING)
                        throw malformed(
                                field.name() + " must be a number: OTLP does not write enum names");
                    buffer.varint(whole(field, token, Integer.MIN_VALUE, Integer.MAX_VALUE));
                }
                case SINT32 -> {
                    int value = (int) whole(field, token, Integer.MIN_VALUE, Integer.MAX_VALUE);
                    buffer.varint(((value << 1) ^ (value >> 31)) & 0xFFFF_FFFFL);
                }
                default -> throw new IllegalStateException(field.kind() + " is no number");
            }
        }

        private double real(Schema.Field field, JsonToken token)
                throws IOException, ConversionException {
            double value;
            if (token.isNumeric()) {
                value = parser.getDoubleValue();
            } else if (token == JsonToken.VALUE_STRING) {
                String text = parser.getText();
                switch (text) {
                    case "NaN" -> {
                        return Double.NaN;
                    }
                    case "Infinity" -> {
                        return Double.POSITIVE_INFINITY;
                    }
                    case "-Infinity" -> {
                        return Double.NEGATIVE_INFINITY;
                    }
                    default -> value = parsed(field, text);
                }
            } else {
                throw expected(field, "a number");
            }
            if (Double.isInfinite(value)) throw expected(field, "a number in range");
            return value;
        }

        private double parsed(Schema.Field field, String text) throws ConversionException {
            if (text.isEmpty()
                    || text.length() > 1_000
                    || !text.chars()
                            .allMatch(c -> (c >= '0' && c <= '9') || "+-.eE".indexOf(c) >= 0))
                throw expected(field, "a number");
            try {
                return Double.parseDouble(text);
            } catch (NumberFormatException e) {
                throw expected(field, "a number");
            }
        }

        /**
         * A whole number.
         *
         * @param max −1 for the largest unsigned number
         */
        private long whole(Schema.Field field, JsonToken token, long min, long max)
                throws IOException, ConversionException {
            if (token == JsonToken.VALUE_NUMBER_FLOAT) {
                double real = parser.getDoubleValue();
                long value = (long) real;
                if (value != real || Math.abs(real) > 1L << 53) throw expected(field, "an integer");
                return inRange(field, value, min, max);
            }
            if (token != JsonToken.VALUE_NUMBER_INT && token != JsonToken.VALUE_STRING)
                throw expected(field, "an integer");
            int length = parser.getTextLength();
            if (length == 0 || length > MAX_NUMBER_CHARS) throw expected(field, "an integer");
            char[] text = parser.getTextCharacters();
            int from = parser.getTextOffset();
            boolean negative = text[from] == '-';
            if (negative && length == 1) throw expected(field, "an integer");
            long value = 0;
            for (int i = negative ? 1 : 0; i < length; i++) {
                int digit = text[from + i] - '0';
                if (digit < 0 || digit > 9) throw expected(field, "an integer");
                if (Long.compareUnsigned(value, 1844674407370955161L) > 0
                        || (value == 1844674407370955161L && digit > 5))
                    throw expected(field, "an integer in range");
                value = value * 10 + digit;
            }
            if (negative) {
                if (Long.compareUnsigned(value, Long.MIN_VALUE) > 0 || (min == 0 && value != 0))
                    throw expected(field, "an integer in range");
                return inRange(field, -value, min, max);
            }
            if (max == -1) return value;
            if (value < 0) throw expected(field, "an integer in range");
            return inRange(field, value, min, max);
        }

        private long inRange(Schema.Field field, long value, long min, long max)
                throws ConversionException {
            if (value < min || (max != -1 && value > max))
                throw expected(field, "an integer in range");
            return value;
        }

        private ConversionException expected(Schema.Field field, String what) {
            return malformed(field.name() + " must be " + what);
        }

        private ConversionException malformed(String reason) {
            return ConversionException.malformed(reason);
        }
    }

    /** The protobuf tag; of numbers in an array that of their packed bytes. */
    private static int tag(Schema.Field field) {
        int wireType = field.repeated() ? WireType.LENGTH : field.kind().wireType();
        return field.number() << 3 | wireType;
    }

    private static int digit(char c) {
        if (c >= '0' && c <= '9') return c - '0';
        if (c >= 'a' && c <= 'f') return c - 'a' + 10;
        return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
    }

    /** What goes into an answer and a log line: short, without control characters. */
    private static String shown(String text) {
        var shown = new StringBuilder();
        text.codePoints()
                .limit(200)
                .forEach(c -> shown.appendCodePoint(Character.isISOControl(c) ? '?' : c));
        return shown.toString();
    }
}
