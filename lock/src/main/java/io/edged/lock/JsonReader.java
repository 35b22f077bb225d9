package io.edged.lock;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;

import io.edged.lock.JsonValue.JsonArray;
import io.edged.lock.JsonValue.JsonBoolean;
import io.edged.lock.JsonValue.JsonNull;
import io.edged.lock.JsonValue.JsonNumber;
import io.edged.lock.JsonValue.JsonObject;
import io.edged.lock.JsonValue.JsonString;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.TreeMap;

/**
 * Reads strict JSON into a tree. The bytes are decoded here and not by the parser, which would skip
 * a byte order mark and guess UTF-16.
 */
final class JsonReader {

    private static final JsonFactory FACTORY =
            JsonFactory.builder()
                    .streamReadConstraints(
                            StreamReadConstraints.builder()
                                    .maxNestingDepth(CanonicalJson.MAX_DEPTH + 1)
                                    .maxStringLength(CanonicalJson.MAX_BYTES)
                                    .maxNumberLength(1_000)
                                    .build())
                    .build();

    private static final BigDecimal EXACT_INTEGERS = BigDecimal.valueOf(1L << 53);

    private final JsonParser parser;

    private JsonReader(JsonParser parser) {
        this.parser = parser;
    }

    static JsonValue read(byte[] utf8) throws JsonException {
        if (utf8.length > CanonicalJson.MAX_BYTES)
            throw new JsonException(
                    1, 1, utf8.length + " bytes; the limit is " + CanonicalJson.MAX_BYTES);
        CharBuffer text = decode(utf8);
        try (JsonParser parser =
                FACTORY.createParser(text.array(), text.arrayOffset(), text.remaining())) {
            return new JsonReader(parser).document();
        } catch (IOException e) {
            throw new UncheckedIOException("a parser over memory failed", e);
        }
    }

    private static CharBuffer decode(byte[] utf8) throws JsonException {
        if (utf8.length >= 3
                && utf8[0] == (byte) 0xEF
                && utf8[1] == (byte) 0xBB
                && utf8[2] == (byte) 0xBF)
            throw new JsonException(1, 1, "byte order mark; save the text as UTF-8 without one");
        var decoder =
                StandardCharsets.UTF_8
                        .newDecoder()
                        .onMalformedInput(CodingErrorAction.REPORT)
                        .onUnmappableCharacter(CodingErrorAction.REPORT);
        ByteBuffer bytes = ByteBuffer.wrap(utf8);
        CharBuffer text = CharBuffer.allocate(utf8.length);
        boolean malformed = decoder.decode(bytes, text, true).isError();
        text.flip();
        if (!malformed) return text;
        int line = 1;
        int column = 1;
        for (int i = 0; i < text.length(); i++) {
            boolean newLine = text.charAt(i) == '\n';
            line += newLine ? 1 : 0;
            column = newLine ? 1 : column + 1;
        }
        throw new JsonException(line, column, "invalid UTF-8 at byte " + bytes.position());
    }

    private JsonValue document() throws IOException, JsonException {
        try {
            if (parser.nextToken() == null)
                throw at(parser.currentLocation(), "no JSON value in this text");
            JsonValue value = value(1);
            if (parser.nextToken() != null) throw here("more text behind the JSON value");
            return value;
        } catch (JsonProcessingException e) {
            // The parser's advice to allow what is not JSON would not help an operator.
            String problem =
                    e.getOriginalMessage().replaceFirst("(: enable `| \\(not recognized).*", "");
            throw at(
                    e.getLocation() == null ? parser.currentLocation() : e.getLocation(),
                    Unicode.printable(problem));
        }
    }

    /** Reads the value whose first token is the current one. */
    private JsonValue value(int depth) throws IOException, JsonException {
        JsonToken token = parser.currentToken();
        return switch (token) {
            case START_OBJECT -> object(depth);
            case START_ARRAY -> array(depth);
            case VALUE_STRING -> new JsonString(unicode(parser.getText(), "string"));
            case VALUE_NUMBER_INT -> integer(parser.getText());
            case VALUE_NUMBER_FLOAT -> number(parser.getText());
            case VALUE_TRUE -> new JsonBoolean(true);
            case VALUE_FALSE -> new JsonBoolean(false);
            case VALUE_NULL -> new JsonNull();
            case END_OBJECT, END_ARRAY, FIELD_NAME, NOT_AVAILABLE, VALUE_EMBEDDED_OBJECT ->
                    throw new IllegalStateException(token + " where a value starts");
        };
    }

    private JsonObject object(int depth) throws IOException, JsonException {
        requireDepth(depth);
        var members = new TreeMap<String, JsonValue>();
        while (parser.nextToken() != JsonToken.END_OBJECT) {
            String name = unicode(parser.currentName(), "member name");
            if (members.containsKey(name))
                throw here("member \"" + Unicode.printable(name) + "\" is there twice");
            parser.nextToken();
            members.put(name, value(depth + 1));
        }
        return new JsonObject(members);
    }

    private JsonArray array(int depth) throws IOException, JsonException {
        requireDepth(depth);
        var values = new ArrayList<JsonValue>();
        while (parser.nextToken() != JsonToken.END_ARRAY) values.add(value(depth + 1));
        return new JsonArray(values);
    }

    private void requireDepth(int depth) throws JsonException {
        if (depth > CanonicalJson.MAX_DEPTH)
            throw here("nested deeper than " + CanonicalJson.MAX_DEPTH + " levels");
    }

    private String unicode(String text, String what) throws JsonException {
        if (Unicode.loneSurrogate(text) >= 0)
            throw here("lone surrogate in the " + what + " \"" + Unicode.printable(text) + '"');
        return text;
    }

    /**
     * Two programs must not see different integers in one text. One that a double holds exactly is
     * the same for all; so is one that is spelled as canonical JSON spells its double, without
     * which canonical text could not be read again.
     */
    private JsonNumber integer(String text) throws JsonException {
        JsonNumber number = number(text);
        var exact = new BigDecimal(text);
        if (exact.abs().compareTo(EXACT_INTEGERS) > 0
                && exact.compareTo(new BigDecimal(number.value())) != 0
                && !EcmaScriptNumber.text(number.value()).equals(text))
            throw here(
                    "the integer "
                            + Unicode.printable(text)
                            + " is not exact as a double; write it as a string");
        return number;
    }

    private JsonNumber number(String text) throws JsonException {
        double value = Double.parseDouble(text);
        if (!Double.isFinite(value))
            throw here("the number " + Unicode.printable(text) + " is too large for a double");
        return new JsonNumber(value);
    }

    private JsonException here(String problem) {
        return at(parser.currentTokenLocation(), problem);
    }

    private static JsonException at(JsonLocation place, String problem) {
        return new JsonException(place.getLineNr(), place.getColumnNr(), problem);
    }
}
