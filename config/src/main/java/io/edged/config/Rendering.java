package io.edged.config;

import org.tomlj.TomlArray;
import org.tomlj.TomlTable;

import java.util.ArrayList;
import java.util.regex.Pattern;

/** How keys and values appear in problems: on one line, bounded, without control characters. */
final class Rendering {

    private static final int MAX_VALUE_CODE_POINTS = 80;

    private static final Pattern BARE_KEY = Pattern.compile("[A-Za-z0-9_-]+");

    private Rendering() {}

    /** A value as TOML; of a table only that it is one, for it may hold anything. */
    static String value(Object value) {
        return shortened(
                switch (value) {
                    case String text -> quoted(text);
                    case TomlTable _ -> "a table";
                    case TomlArray array when array.isEmpty() -> "[]";
                    case TomlArray array when array.get(0) instanceof TomlTable ->
                            "an array of tables";
                    case TomlArray array -> list(array);
                    default -> value.toString();
                });
    }

    /** A string of TOML. What cannot be seen is escaped by {@link #oneLine}. */
    static String quoted(String text) {
        return '"'
                + text.replace("\\", "\\\\")
                        .replace("\"", "\\\"")
                        .replace("\n", "\\n")
                        .replace("\r", "\\r")
                        .replace("\t", "\\t")
                + '"';
    }

    /** One part of a dotted key, quoted where TOML needs it. */
    static String keyPart(String name) {
        return shortened(BARE_KEY.matcher(name).matches() ? name : quoted(name));
    }

    /** Escapes what could break a line of output or change how a terminal shows it. */
    static String oneLine(String text) {
        var line = new StringBuilder(text.length());
        text.codePoints()
                .forEach(c -> {
                    switch (Character.getType(c)) {
                        case Character.CONTROL,
                                Character.FORMAT,
                                Character.SURROGATE,
                                Character.LINE_SEPARATOR,
                                Character.PARAGRAPH_SEPARATOR ->
                                line.append("\\u%04x".formatted(c));
                        default -> line.appendCodePoint(c);
                    }
                });
        return line.toString();
    }

    private static String list(TomlArray array) {
        var items = new ArrayList<String>();
        // More items than code points that are shown cannot be seen.
        for (int i = 0; i < Math.min(array.size(), MAX_VALUE_CODE_POINTS); i++)
            items.add(value(array.get(i)));
        return "[" + String.join(", ", items) + "]";
    }

    private static String shortened(String text) {
        if (text.codePointCount(0, text.length()) <= MAX_VALUE_CODE_POINTS) return text;
        return text.substring(0, text.offsetByCodePoints(0, MAX_VALUE_CODE_POINTS)) + "…";
    }
}
