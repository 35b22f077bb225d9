package io.edged.sink;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** A set of numbers as runs: memory grows with its holes, not with its size. */
final class Ranges {

    /** The numbers {@code from} to {@code to}, both included. */
    record Range(long from, long to) {
        Range {
            if (from > to) throw new IllegalArgumentException(from + "-" + to + " is no range");
        }

        long size() {
            return to - from + 1;
        }
    }

    private final int maxRuns;
    private final TreeMap<Long, Long> runs = new TreeMap<>();

    Ranges(int maxRuns) {
        this.maxRuns = maxRuns;
    }

    /** How many numbers of the range are in the set. */
    long count(Range range) {
        long count = 0;
        Map.Entry<Long, Long> first = runs.floorEntry(range.from());
        if (first != null && first.getValue() >= range.from())
            count += Math.min(first.getValue(), range.to()) - range.from() + 1;
        for (var run : runs.subMap(range.from(), false, range.to(), true).entrySet())
            count += Math.min(run.getValue(), range.to()) - run.getKey() + 1;
        return count;
    }

    /** Adds the range; false if the set has too many holes to remember another. */
    boolean add(Range range) {
        long from = range.from();
        long to = range.to();
        List<Long> merged = new ArrayList<>();
        Map.Entry<Long, Long> before = runs.floorEntry(from);
        if (before != null && before.getValue() >= from - 1) {
            merged.add(before.getKey());
            from = before.getKey();
            to = Math.max(to, before.getValue());
        }
        long reach = to == Long.MAX_VALUE ? to : to + 1;
        for (var run : runs.subMap(from, false, reach, true).entrySet()) {
            merged.add(run.getKey());
            to = Math.max(to, run.getValue());
        }
        if (merged.isEmpty() && runs.size() >= maxRuns) return false;
        merged.forEach(runs::remove);
        runs.put(from, to);
        return true;
    }
}
