package io.edged.config;

import java.nio.file.Path;

/**
 * One thing that is wrong with a configuration, ready to be shown to the operator as one line.
 *
 * @param file as the operator named it
 * @param line from 1; 0 when the problem belongs to no line, such as a file that is not there
 * @param column from 1, in code points; 0 with line 0
 * @param key the full name of the key, for example {@code drain.destination[0].endpoint}; empty
 *     when the problem belongs to no key
 * @param value what was found, as TOML, shortened; empty when there is nothing to show or when it
 *     might be a secret
 * @param rule what does not hold
 * @param advice what to do about it
 */
public record Problem(
        Path file,
        int line,
        int column,
        Kind kind,
        String key,
        String value,
        String rule,
        String advice) {

    /** The classes of problems. */
    public enum Kind {
        /** The file is missing, cannot be read or is no file. */
        FILE,
        /** Bytes that are not UTF-8, or a byte order mark. */
        ENCODING,
        /** Not TOML, a key or table that is there twice included. */
        SYNTAX,
        /** A key or table that nothing reads. */
        UNKNOWN,
        /** A required key or table that is not there. */
        MISSING,
        /** A wrong type, or a value outside its range. */
        VALUE,
        /** Values that are fine alone but not together. */
        CONFLICT
    }

    /** One line without control characters, for example {@code edge.toml:7:1: node.idd: …}. */
    @Override
    public String toString() {
        var text = new StringBuilder(file.toString());
        if (line > 0) text.append(':').append(line).append(':').append(column);
        text.append(": ");
        if (!key.isEmpty()) text.append(key).append(": ");
        text.append(rule);
        if (!value.isEmpty()) text.append(", was ").append(value);
        if (!advice.isEmpty()) text.append("; ").append(advice);
        return Rendering.oneLine(text.toString());
    }
}
