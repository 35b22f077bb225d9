package io.edged.config;

import java.util.Optional;

/**
 * One key of {@code edge.toml}: everything that the reader, the reference file and the
 * documentation say about it.
 *
 * @param name without the name of its table
 * @param fallback what stands in when the key is not there: its default; for a required key its
 *     example, so that reading can go on to the next problem
 * @param example what the reference file shows: the default, if there is one
 * @param comment what it is for, in sentences
 */
record Key<T>(
        String name, ValueType<T> type, boolean required, T fallback, T example, String comment) {

    static <T> Key<T> required(String name, ValueType<T> type, T example, String comment) {
        return new Key<>(name, type, true, example, example, comment);
    }

    static <T> Key<T> of(String name, ValueType<T> type, T defaultValue, String comment) {
        return new Key<>(name, type, false, defaultValue, defaultValue, comment);
    }

    /** A key without a default; an empty string says the same as leaving it out. */
    static <T> Key<Optional<T>> optional(
            String name, ValueType<T> type, T example, String comment) {
        return new Key<>(
                name, type.orEmpty(), false, Optional.empty(), Optional.of(example), comment);
    }

    /** The example as a line of TOML. */
    String exampleLine() {
        return name + " = " + type.literal().apply(example);
    }

    /** Lets a record check itself against the same rule as the file. */
    T require(T value) {
        if (!type.fits().test(value))
            throw new IllegalArgumentException(name + " " + type.rule() + ", was " + value);
        return value;
    }
}
