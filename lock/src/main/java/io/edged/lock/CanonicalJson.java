package io.edged.lock;

import java.nio.charset.StandardCharsets;

/**
 * JSON in the canonical form of RFC 8785 (JCS): no white space, members sorted by the UTF-16 code
 * units of their names, strings with the fewest escapes, numbers as ECMAScript writes them. Equal
 * values have equal bytes, whoever wrote them. Any thread may call.
 */
public final class CanonicalJson {

    /** The longest text that is read or written, in bytes of UTF-8. */
    public static final int MAX_BYTES = 16 << 20;

    /** The deepest nesting of objects and arrays; a lone object has depth 1. */
    public static final int MAX_DEPTH = 64;

    private CanonicalJson() {}

    /**
     * Reads one JSON value, in any order and with any white space.
     *
     * @param utf8 the whole text, at most {@link #MAX_BYTES}; not kept
     * @throws JsonException with the position: not JSON, duplicate member, byte order mark, invalid
     *     UTF-8, lone surrogate, a number that no double can hold, an integer beyond 2^53 that no
     *     double holds exactly, text behind the value, or nesting beyond {@link #MAX_DEPTH}
     */
    public static JsonValue parse(byte[] utf8) throws JsonException {
        return JsonReader.read(utf8);
    }

    /**
     * The canonical bytes.
     *
     * @throws IllegalArgumentException when they could not be read again: beyond {@link #MAX_DEPTH}
     *     or {@link #MAX_BYTES}
     */
    public static byte[] bytes(JsonValue value) {
        return bounded(JsonWriter.canonical(value));
    }

    /**
     * The same value for people: two spaces of indentation, a line for each member, a line feed at
     * the end. As deterministic as {@link #bytes}, with the same limits.
     */
    public static byte[] prettyBytes(JsonValue value) {
        return bounded(JsonWriter.pretty(value));
    }

    /** The canonical bytes of a text; see {@link #parse}. */
    public static byte[] canonicalize(byte[] utf8) throws JsonException {
        return bytes(parse(utf8));
    }

    private static byte[] bounded(String text) {
        byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
        if (utf8.length > MAX_BYTES)
            throw new IllegalArgumentException(
                    "the JSON text has " + utf8.length + " bytes; the limit is " + MAX_BYTES);
        return utf8;
    }
}
