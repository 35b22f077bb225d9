package io.edged.config;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * The configuration in effect as a tree of plain values: every key of the code with its value,
 * whether it stands in the file or is a default. What it describes behaves alike wherever it is
 * used, so {@code node.id} is left out; and it holds no secret: of a file with a secret there is
 * the path, of headers there are the names.
 *
 * <p>Sizes and counts are numbers, durations are texts in their largest whole unit, paths stand as
 * they are written, an optional key without a value is an empty text.
 */
public sealed interface EffectiveValue {

    record Text(String text) implements EffectiveValue {}

    record Whole(long number) implements EffectiveValue {}

    record Flag(boolean flag) implements EffectiveValue {}

    record Items(List<EffectiveValue> items) implements EffectiveValue {
        public Items {
            items = List.copyOf(items);
        }
    }

    /** Keys and tables by their names. */
    record Members(SortedMap<String, EffectiveValue> members) implements EffectiveValue {
        public Members {
            members = Collections.unmodifiableSortedMap(new TreeMap<>(members));
        }
    }

    /** Every value of a section in which nothing is wrong. */
    static Members of(Table table, Section section) {
        var members = new TreeMap<String, EffectiveValue>();
        for (Key<?> key : table.keys())
            if (!key.equals(EdgeConfig.Node.ID)) members.put(key.name(), value(key, section));
        for (Table inner : table.tables())
            members.put(
                    inner.name(),
                    inner.repeated()
                            ? new Items(
                                    section.tables(inner, Integer.MAX_VALUE).stream()
                                            .<EffectiveValue>map(each -> of(inner, each))
                                            .toList())
                            : of(inner, section.table(inner)));
        return new Members(members);
    }

    private static <T> EffectiveValue value(Key<T> key, Section section) {
        T value = section.get(key);
        return value instanceof Map<?, ?>
                ? names(section.entries(key).keySet())
                : plain(key, value);
    }

    /** Of entries that may hold secrets: that they are there. */
    private static Items names(Iterable<String> entries) {
        var names = new ArrayList<String>();
        entries.forEach(name -> names.add(name.toLowerCase(Locale.ROOT)));
        Collections.sort(names);
        return new Items(names.stream().<EffectiveValue>map(Text::new).toList());
    }

    private static <T> EffectiveValue plain(Key<T> key, Object value) {
        return switch (value) {
            case String text -> new Text(text);
            case Long number -> new Whole(number);
            case Integer number -> new Whole(number);
            case Boolean flag -> new Flag(flag);
            case Duration duration -> new Text(Units.format(duration));
            case Enum<?> choice -> new Text(choice.name().toLowerCase(Locale.ROOT));
            case Path path -> new Text(path.toString());
            case Optional<?> optional ->
                    optional.isPresent() ? plain(key, optional.get()) : new Text("");
            case List<?> list -> new Items(list.stream().map(item -> plain(key, item)).toList());
            // Addresses and URLs; a Secret says "(hidden)".
            default -> new Text(value.toString());
        };
    }
}
