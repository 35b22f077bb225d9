package io.edged.events;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonFactoryBuilder;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * Checks one event: a JSON object (RFC 8259) in UTF-8 whose {@code kind} is there and whose other
 * known members are what they must be. Members of other names may hold anything. Its tokens are
 * stored as they came; white space between them is not.
 */
final class Event {

    /** Objects and arrays inside each other. */
    static final int MAX_DEPTH = 64;

    private static final int MAX_NAME_CHARS = 1_000;
    private static final int MAX_SEVERITY = 24;

    private static final Pattern KIND = Pattern.compile("[a-z0-9][a-z0-9._-]{0,63}");
    private static final Pattern TRACE_ID = Pattern.compile("(?!0{32})[0-9a-fA-F]{32}");
    private static final Pattern SPAN_ID = Pattern.compile("(?!0{16})[0-9a-fA-F]{16}");

    private static final JsonFactory JSON =
            new JsonFactoryBuilder()
                    .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
                    .disable(JsonFactory.Feature.CHARSET_DETECTION)
                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                    .streamReadConstraints(
                            StreamReadConstraints.builder()
                                    .maxNestingDepth(MAX_DEPTH)
                                    .maxNameLength(MAX_NAME_CHARS)
                                    .build())
                    .build();

    private Event() {}

    /** What a check found. */
    sealed interface Checked {

        /** An event, without white space between its tokens. */
        record Good(ByteBuffer event) implements Checked {}

        /** What is wrong and what would be right, in one sentence. */
        record Bad(String reason) implements Checked {}
    }

    /** A member is not what it must be. */
    private static final class BadMember extends Exception {
        private static final long serialVersionUID = 1;

        BadMember(String reason) {
            super(reason, null, false, false);
        }
    }

    static Checked check(byte[] bytes) {
        if (bytes.length >= 3
                && bytes[0] == (byte) 0xEF
                && bytes[1] == (byte) 0xBB
                && bytes[2] == (byte) 0xBF)
            return new Checked.Bad("an event begins with {, not with a byte order mark");
        try {
            StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes));
        } catch (CharacterCodingException e) {
            return new Checked.Bad("the event is not UTF-8");
        }
        try (JsonParser parser = JSON.createParser(bytes)) {
            read(parser);
        } catch (BadMember e) {
            return new Checked.Bad(String.valueOf(e.getMessage()));
        } catch (JsonProcessingException e) {
            // Where a bound was passed, nobody says where.
            var location = Optional.ofNullable(e.getLocation());
            return new Checked.Bad(
                    "not JSON"
                            + location.map(at -> " at byte " + at.getByteOffset()).orElse("")
                            + ": "
                            + shown(e.getOriginalMessage()));
        } catch (IOException e) {
            throw new IllegalStateException("bytes in memory cannot fail", e);
        }
        return new Checked.Good(withoutSpace(bytes));
    }

    private static void read(JsonParser parser) throws IOException, BadMember {
        if (parser.nextToken() != JsonToken.START_OBJECT)
            throw new BadMember("an event is a JSON object");
        boolean kind = false;
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
            String name = parser.currentName();
            paired(name);
            JsonToken token = parser.nextToken();
            kind |= name.equals("kind");
            member(name, token, parser);
            value(token, parser);
        }
        if (parser.nextToken() != null) throw new BadMember("something follows the event");
        if (!kind)
            throw new BadMember(
                    "an event needs the member kind: error, decision, action, lifecycle, or"
                            + " another name");
    }

    private static void member(String name, JsonToken token, JsonParser parser)
            throws IOException, BadMember {
        switch (name) {
            case "kind" -> text(name, token, parser, KIND, "1 to 64 of a-z, 0-9, ., _ and -");
            case "name" -> {
                if (token != JsonToken.VALUE_STRING) throw bad(name, "a string");
            }
            case "severity" -> severity(token, parser);
            case "attributes" -> {
                if (token != JsonToken.START_OBJECT) throw bad(name, "an object");
            }
            case "time" -> time(token, parser);
            case "trace_id" ->
                    text(name, token, parser, TRACE_ID, "32 hex digits that are not all 0");
            case "span_id" ->
                    text(name, token, parser, SPAN_ID, "16 hex digits that are not all 0");
            default -> {}
        }
    }

    private static void text(
            String name, JsonToken token, JsonParser parser, Pattern form, String described)
            throws IOException, BadMember {
        if (token != JsonToken.VALUE_STRING || !form.matcher(parser.getText()).matches())
            throw bad(name, described);
    }

    private static void severity(JsonToken token, JsonParser parser) throws IOException, BadMember {
        boolean good = token == JsonToken.VALUE_STRING;
        if (token == JsonToken.VALUE_NUMBER_INT
                && parser.getNumberType() == JsonParser.NumberType.INT)
            good = parser.getIntValue() >= 1 && parser.getIntValue() <= MAX_SEVERITY;
        if (!good) throw bad("severity", "a string or 1 to " + MAX_SEVERITY);
    }

    private static void time(JsonToken token, JsonParser parser) throws IOException, BadMember {
        boolean good = false;
        if (token == JsonToken.VALUE_NUMBER_INT)
            good =
                    parser.getNumberType() != JsonParser.NumberType.BIG_INTEGER
                            && parser.getLongValue() > 0;
        if (token == JsonToken.VALUE_STRING) {
            try {
                good = Instant.parse(parser.getText()).getEpochSecond() > 0;
            } catch (DateTimeParseException e) {
                good = false;
            }
        }
        if (!good)
            throw bad(
                    "time",
                    "RFC 3339 in UTC, such as 2026-11-21T12:00:00Z, or nanoseconds since the"
                            + " epoch");
    }

    /** Goes to the end of a value and looks at every text in it. */
    private static void value(JsonToken first, JsonParser parser) throws IOException, BadMember {
        int depth = 0;
        for (JsonToken token = first; ; token = parser.nextToken()) {
            if (token.isStructStart()) depth++;
            else if (token.isStructEnd()) depth--;
            else if (token == JsonToken.FIELD_NAME) paired(parser.currentName());
            else if (token == JsonToken.VALUE_STRING) paired(parser.getText());
            if (depth == 0) return;
        }
    }

    /** Half of a surrogate pair cannot be said in UTF-8, which is how events travel on. */
    private static void paired(String text) throws BadMember {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (!Character.isSurrogate(c)) continue;
            if (Character.isHighSurrogate(c)
                    && i + 1 < text.length()
                    && Character.isLowSurrogate(text.charAt(i + 1))) i++;
            else throw new BadMember("a string holds half of a surrogate pair");
        }
    }

    private static BadMember bad(String name, String expected) {
        return new BadMember(name + " must be " + expected);
    }

    /** The same tokens; what is not in a string and is white space is left out. */
    private static ByteBuffer withoutSpace(byte[] bytes) {
        byte[] kept = new byte[bytes.length];
        int length = 0;
        boolean inText = false;
        boolean escaped = false;
        for (byte octet : bytes) {
            if (inText) {
                if (escaped) escaped = false;
                else if (octet == '\\') escaped = true;
                else if (octet == '"') inText = false;
            } else if (octet == '"') {
                inText = true;
            } else if (octet == ' ' || octet == '\t' || octet == '\r' || octet == '\n') {
                continue;
            }
            kept[length++] = octet;
        }
        return ByteBuffer.wrap(kept, 0, length);
    }

    /** One line, short. */
    private static String shown(String text) {
        var shown = new StringBuilder();
        text.codePoints()
                .limit(200)
                .forEach(c -> shown.appendCodePoint(Character.isISOControl(c) ? ' ' : c));
        return shown.toString();
    }
}
