package io.edged.config;

import static java.util.stream.Collectors.joining;

import java.util.Comparator;
import java.util.List;

/**
 * Everything that is wrong with a configuration: never empty, in the order of the file, problems
 * without a line first.
 */
public record Problems(List<Problem> list) {

    /** More lines than this help nobody: such a file is no configuration. */
    private static final int MAX_SHOWN = 100;

    public Problems {
        if (list.isEmpty()) throw new IllegalArgumentException("a refusal names its problems");
        list =
                list.stream()
                        .distinct()
                        .sorted(
                                Comparator.comparingInt(Problem::line)
                                        .thenComparingInt(Problem::column))
                        .toList();
    }

    /** One line for each of the first hundred problems, and one that counts the others. */
    @Override
    public String toString() {
        String more =
                list.size() > MAX_SHOWN
                        ? "\n"
                                + list.getFirst().file()
                                + ": and "
                                + (list.size() - MAX_SHOWN)
                                + " more"
                        : "";
        return list.stream().limit(MAX_SHOWN).map(Problem::toString).collect(joining("\n")) + more;
    }
}
