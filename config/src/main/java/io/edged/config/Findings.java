package io.edged.config;

import org.jspecify.annotations.Nullable;
import org.tomlj.TomlPosition;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** What was found wrong so far with one file, and which keys that concerns. One thread. */
final class Findings {

    private final Path file;
    private final List<Problem> problems = new ArrayList<>();
    private final Set<String> refused = new HashSet<>();

    Findings(Path file) {
        this.file = file;
    }

    /** {@code position} is null when the problem belongs to no line. */
    void add(
            Problem.Kind kind,
            @Nullable TomlPosition position,
            String key,
            String value,
            String rule,
            String advice) {
        int line = position == null ? 0 : position.line();
        int column = position == null ? 0 : position.column();
        problems.add(new Problem(file, line, column, kind, key, value, rule, advice));
        refused.add(key);
    }

    /** A problem of the file as such. */
    void add(Problem.Kind kind, String rule, String advice) {
        add(kind, null, "", "", rule, advice);
    }

    /** Whether this key was refused, so that what stands in for its value says nothing. */
    boolean refused(String key) {
        return refused.contains(key);
    }

    Path file() {
        return file;
    }

    List<Problem> problems() {
        return List.copyOf(problems);
    }
}
