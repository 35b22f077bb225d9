package io.edged.config;

import static java.util.stream.Collectors.joining;

import java.util.Comparator;
import java.util.List;

/**
 * Everything that is wrong with a configuration: never empty, in the order of the file, problems
 * without a line first.
 */
public record Problems(List<Problem> list) {

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

    /** One line for each problem. */
    @Override
    public String toString() {
        return list.stream().map(Problem::toString).collect(joining("\n"));
    }
}
