package io.edged.wal;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * What the processes of one log said before they were gone: what they offered, what they were told
 * is durable, what they saw and settled. A number that was acknowledged or shown never means
 * anything else.
 */
final class CrashClaims {

    final Set<Integer> offered = new HashSet<>();
    final TreeMap<Long, Integer> known = new TreeMap<>();
    final Map<String, Set<Long>> settled = new HashMap<>();
    final List<String> problems = new ArrayList<>();
    int acknowledged;

    /** One line of {@link CrashChild}; those that are no claim are passed over. */
    void hear(String line) {
        String[] words = line.split(" ", -1);
        switch (words[0]) {
            case "offered" -> offered.add(Integer.parseInt(words[1]));
            case "acknowledged" -> {
                acknowledged++;
                know(Long.parseLong(words[1]), Integer.parseInt(words[2]));
            }
            case "shown" -> know(Long.parseLong(words[1]), Integer.parseInt(words[2]));
            case "settled" ->
                    settled.computeIfAbsent(words[2], name -> new HashSet<>())
                            .add(Long.parseLong(words[1]));
            default -> {
                // How far the process got is for the harness.
            }
        }
    }

    private void know(long seq, int index) {
        Integer before = known.putIfAbsent(seq, index);
        if (before != null && before != index)
            problems.add("seq " + seq + " was record " + before + " and is record " + index);
    }

    /** The highest number that somebody was told; 0 if nobody was told any. */
    long highest() {
        return known.isEmpty() ? 0 : known.lastKey();
    }
}
