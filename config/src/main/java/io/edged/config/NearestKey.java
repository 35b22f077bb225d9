package io.edged.config;

import java.util.Collection;
import java.util.Comparator;
import java.util.Locale;
import java.util.Optional;

/** Finds the known key that a mistyped one was meant to be. */
final class NearestKey {

    /** No known key is nearly as long, and the distance costs the product of both lengths. */
    private static final int MAX_LENGTH = 64;

    private NearestKey() {}

    /**
     * The candidate with the smallest distance, if at most a third of the typed letters (but always
     * one) differ. Capitals, {@code -} and {@code _} make no difference.
     */
    static Optional<String> of(String typed, Collection<String> candidates) {
        if (typed.length() > MAX_LENGTH) return Optional.empty();
        int allowed = Math.max(1, typed.length() / 3);
        return candidates.stream()
                .filter(candidate -> distance(plain(typed), plain(candidate)) <= allowed)
                .min(Comparator.comparingInt(known -> distance(plain(typed), plain(known))));
    }

    static String plain(String key) {
        return key.toLowerCase(Locale.ROOT).replace("-", "").replace("_", "");
    }

    /**
     * Letters to insert, delete, replace or swap with their neighbour: the optimal string alignment
     * distance (Damerau 1964), row by row.
     */
    static int distance(String a, String b) {
        int[] beforeLast = new int[b.length() + 1];
        int[] last = new int[b.length() + 1];
        int[] row = new int[b.length() + 1];
        for (int j = 0; j <= b.length(); j++) last[j] = j;
        for (int i = 1; i <= a.length(); i++) {
            row[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int replace = last[j - 1] + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                row[j] = Math.min(replace, 1 + Math.min(last[j], row[j - 1]));
                if (i > 1
                        && j > 1
                        && a.charAt(i - 1) == b.charAt(j - 2)
                        && a.charAt(i - 2) == b.charAt(j - 1))
                    row[j] = Math.min(row[j], beforeLast[j - 2] + 1);
            }
            int[] free = beforeLast;
            beforeLast = last;
            last = row;
            row = free;
        }
        return last[b.length()];
    }
}
