package io.edged.lock;

import java.util.Comparator;
import java.util.List;

/** The known name that is the fewest edits away from a mistyped one. */
final class NearestName {

    /** Longer names are compared by their beginning: the work stays small whatever comes in. */
    private static final int MAX_CHARACTERS = 64;

    private NearestName() {}

    static String of(String name, List<String> known) {
        String start = name.substring(0, Math.min(name.length(), MAX_CHARACTERS));
        return known.stream()
                .min(Comparator.comparingInt(each -> edits(start, each)))
                .orElseThrow();
    }

    /** Levenshtein's distance, one row at a time. */
    private static int edits(String from, String to) {
        int[] row = new int[to.length() + 1];
        for (int j = 0; j <= to.length(); j++) row[j] = j;
        for (int i = 1; i <= from.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= to.length(); j++) {
                int replaced = diagonal + (from.charAt(i - 1) == to.charAt(j - 1) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.min(replaced, 1 + Math.min(row[j], row[j - 1]));
            }
        }
        return row[to.length()];
    }
}
