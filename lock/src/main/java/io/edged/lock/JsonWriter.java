package io.edged.lock;

import io.edged.lock.JsonValue.JsonArray;
import io.edged.lock.JsonValue.JsonBoolean;
import io.edged.lock.JsonValue.JsonNull;
import io.edged.lock.JsonValue.JsonNumber;
import io.edged.lock.JsonValue.JsonObject;
import io.edged.lock.JsonValue.JsonString;

import java.util.Collection;
import java.util.HexFormat;
import java.util.function.Consumer;

/** Writes a tree as text: the same tokens in the same order, with or without line breaks. */
final class JsonWriter {

    private final StringBuilder text = new StringBuilder();
    private final boolean lines;

    private JsonWriter(boolean lines) {
        this.lines = lines;
    }

    /** RFC 8785. */
    static String canonical(JsonValue value) {
        var writer = new JsonWriter(false);
        writer.value(value, 1);
        return writer.text.toString();
    }

    /** The canonical tokens, one member or value on a line, indented by two spaces. */
    static String pretty(JsonValue value) {
        var writer = new JsonWriter(true);
        writer.value(value, 1);
        return writer.text.append('\n').toString();
    }

    private void value(JsonValue value, int depth) {
        switch (value) {
            case JsonObject object ->
                    list(
                            '{',
                            object.members().entrySet(),
                            member -> {
                                string(member.getKey());
                                text.append(lines ? ": " : ":");
                                value(member.getValue(), depth + 1);
                            },
                            '}',
                            depth);
            case JsonArray array ->
                    list('[', array.values(), item -> value(item, depth + 1), ']', depth);
            case JsonString string -> string(string.text());
            case JsonNumber number -> text.append(EcmaScriptNumber.text(number.value()));
            case JsonBoolean literal -> text.append(literal.value());
            case JsonNull() -> text.append("null");
        }
    }

    private <T> void list(
            char open, Collection<T> items, Consumer<T> write, char close, int depth) {
        if (depth > CanonicalJson.MAX_DEPTH)
            throw new IllegalArgumentException(
                    "nested deeper than " + CanonicalJson.MAX_DEPTH + " levels");
        text.append(open);
        boolean first = true;
        for (T item : items) {
            if (!first) text.append(',');
            first = false;
            lineBreak(depth);
            write.accept(item);
        }
        if (!items.isEmpty()) lineBreak(depth - 1);
        text.append(close);
    }

    private void lineBreak(int depth) {
        if (lines) text.append('\n').repeat("  ", depth);
    }

    /** RFC 8785 section 3.2.2.2: escapes only what must be escaped, the short form first. */
    private void string(String value) {
        text.append('"');
        for (int i = 0; i < value.length(); i++) {
            char c = value.charAt(i);
            switch (c) {
                case '"' -> text.append("\\\"");
                case '\\' -> text.append("\\\\");
                case '\b' -> text.append("\\b");
                case '\t' -> text.append("\\t");
                case '\n' -> text.append("\\n");
                case '\f' -> text.append("\\f");
                case '\r' -> text.append("\\r");
                default -> {
                    if (c < ' ') text.append("\\u").append(HexFormat.of().toHexDigits(c));
                    else text.append(c);
                }
            }
        }
        text.append('"');
    }
}
