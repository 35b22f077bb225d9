package io.edged.config;

import java.util.List;
import java.util.stream.Stream;

/**
 * One table of {@code edge.toml}: its keys and the tables in it.
 *
 * @param name without the names of the tables around it; empty for the file itself
 * @param repeated whether it is an array of tables, written with double brackets
 * @param optional of a repeated one: whether there may be none, which means defaults of its own
 * @param comment what it is about, in sentences
 */
record Table(
        String name,
        boolean repeated,
        boolean optional,
        String comment,
        List<Key<?>> keys,
        List<Table> tables) {

    static Table of(String name, String comment, Key<?>... keys) {
        return new Table(name, false, false, comment, List.of(keys), List.of());
    }

    static Table repeated(String name, String comment, Key<?>... keys) {
        return new Table(name, true, false, comment, List.of(keys), List.of());
    }

    static Table optional(String name, String comment, Key<?>... keys) {
        return new Table(name, true, true, comment, List.of(keys), List.of());
    }

    Table with(Table... inner) {
        return new Table(name, repeated, optional, comment, keys, List.of(inner));
    }

    List<String> names() {
        return Stream.concat(keys.stream().map(Key::name), tables.stream().map(Table::name))
                .toList();
    }
}
