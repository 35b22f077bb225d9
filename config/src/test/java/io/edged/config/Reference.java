package io.edged.config;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The reference file and the tables of the documentation, as the code has them. */
final class Reference {

    private static final int WIDTH = 100;

    private Reference() {}

    /** {@code edge.toml} with every key at its default, or at its example if it has none. */
    static String toml() {
        var lines = new ArrayList<String>();
        lines.addAll(
                wrapped(
                        "Every key of edged at its default; where there is none, an example."
                                + " Required: node.id, storage.dir, one listener, and one"
                                + " destination with name and endpoint."));
        lines.addAll(
                wrapped(
                        "Sizes are bytes, or strings with B, KiB, MiB, GiB or TiB. Durations are"
                                + " strings with ms, s, m or h. Generated from EdgeConfig."));
        toml(EdgeConfig.TABLE, "", lines);
        return String.join("\n", lines) + "\n";
    }

    private static void toml(Table table, String path, List<String> lines) {
        if (!path.isEmpty()) {
            lines.add("");
            lines.addAll(wrapped(table.comment()));
            lines.add(written(table) + header(table, path));
        }
        for (Key<?> key : table.keys()) {
            lines.add("");
            lines.addAll(wrapped(key.comment()));
            lines.addAll(wrapped(key.type().form() + "; " + standing(key)));
            lines.add(written(table) + key.exampleLine());
        }
        for (Table inner : table.tables()) toml(inner, path(inner, path), lines);
    }

    /** A table that may be left out stands there as a comment. */
    private static String written(Table table) {
        return table.optional() ? "#" : "";
    }

    /** One Markdown table for each table of the file. */
    static String markdown() {
        var lines = new ArrayList<String>();
        markdown(EdgeConfig.TABLE, "", lines);
        return String.join("\n", lines) + "\n";
    }

    private static void markdown(Table table, String path, List<String> lines) {
        if (!table.keys().isEmpty()) {
            lines.add("");
            lines.add("## `" + header(table, path) + "`");
            lines.add("");
            lines.add(table.comment());
            lines.add("");
            lines.add("| key | value | default | meaning |");
            lines.add("| --- | --- | --- | --- |");
            for (Key<?> key : table.keys())
                lines.add(
                        "| `%s` | %s | %s | %s |"
                                .formatted(
                                        key.name(),
                                        key.type().form(),
                                        literal(key)
                                                .map(text -> "`" + text + "`")
                                                .orElse(none(key)),
                                        key.comment()));
        }
        for (Table inner : table.tables()) markdown(inner, path(inner, path), lines);
    }

    private static String standing(Key<?> key) {
        return literal(key).map(text -> "default " + text).orElse(none(key));
    }

    private static String none(Key<?> key) {
        return key.required() ? "required" : "optional, no default";
    }

    /** The default; a key that shows something else as its example has none. */
    private static <T> Optional<String> literal(Key<T> key) {
        return !key.required() && key.example().equals(key.fallback())
                ? Optional.of(key.type().literal().apply(key.fallback()))
                : Optional.empty();
    }

    private static String header(Table table, String path) {
        return table.repeated() ? "[[" + path + "]]" : "[" + path + "]";
    }

    static String path(Table inner, String outer) {
        return outer.isEmpty() ? inner.name() : outer + "." + inner.name();
    }

    private static List<String> wrapped(String text) {
        var lines = new ArrayList<String>();
        var line = new StringBuilder("#");
        for (String word : text.split(" ", -1)) {
            if (line.length() + 1 + word.length() > WIDTH) {
                lines.add(line.toString());
                line = new StringBuilder("#");
            }
            line.append(' ').append(word);
        }
        lines.add(line.toString());
        return lines;
    }
}
