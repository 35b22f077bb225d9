package io.edged.lock;

import java.math.BigDecimal;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * One JSON value as I-JSON (RFC 7493) has it. Immutable; equal values have equal canonical bytes:
 * the members of an object have no order, and a number is a double without a negative zero.
 */
public sealed interface JsonValue {

    /** Members by name, kept in the order of their UTF-16 code units. */
    record JsonObject(Map<String, JsonValue> members) implements JsonValue {
        public JsonObject {
            members.keySet().forEach(JsonValue::requireUnicode);
            members = Collections.unmodifiableSortedMap(new TreeMap<>(Map.copyOf(members)));
        }

        /** This object without one of its members; itself when there is no such member. */
        public JsonObject without(String name) {
            if (!members.containsKey(name)) return this;
            var rest = new TreeMap<>(members);
            rest.remove(name);
            return new JsonObject(rest);
        }

        /** This object with one more member, or with another value for it. */
        public JsonObject with(String name, JsonValue value) {
            var more = new TreeMap<>(members);
            more.put(name, value);
            return new JsonObject(more);
        }
    }

    /** Values in their order. */
    record JsonArray(List<JsonValue> values) implements JsonValue {
        public JsonArray {
            values = List.copyOf(values);
        }
    }

    /** Text without lone surrogates, which UTF-8 cannot express. */
    record JsonString(String text) implements JsonValue {
        public JsonString {
            requireUnicode(text);
        }
    }

    /** A finite double; a negative zero becomes zero, as it does in canonical JSON. */
    record JsonNumber(double value) implements JsonValue {
        public JsonNumber {
            if (!Double.isFinite(value))
                throw new IllegalArgumentException("JSON has no number for " + value);
            if (value == 0) value = 0;
        }

        /**
         * The number of an integer.
         *
         * @throws IllegalArgumentException when no double has exactly this value: such numbers
         *     belong into a string
         */
        public static JsonNumber of(long value) {
            if (new BigDecimal((double) value).compareTo(BigDecimal.valueOf(value)) != 0)
                throw new IllegalArgumentException(
                        "the integer " + value + " is not exact as a double; write it as a string");
            return new JsonNumber(value);
        }
    }

    /** {@code true} or {@code false}. */
    record JsonBoolean(boolean value) implements JsonValue {}

    /** {@code null}. */
    record JsonNull() implements JsonValue {}

    private static void requireUnicode(String text) {
        int at = Unicode.loneSurrogate(text);
        if (at >= 0)
            throw new IllegalArgumentException(
                    "lone surrogate at character " + at + " of \"" + Unicode.printable(text) + '"');
    }
}
