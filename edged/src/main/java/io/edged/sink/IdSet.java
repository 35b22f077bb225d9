package io.edged.sink;

import java.util.Arrays;

/** Numbers from 1 without large holes, one bit each, up to a limit. */
final class IdSet {
    private final long maxId;
    private long[] words = new long[16];
    private long distinct;
    private long repeats;
    private long highest;
    private long notRemembered;

    IdSet(long maxId) {
        this.maxId = maxId;
    }

    void add(long id) {
        if (id < 1 || id > maxId) {
            notRemembered++;
            return;
        }
        int word = (int) (id >>> 6);
        if (word >= words.length)
            words = Arrays.copyOf(words, Math.max(word + 1, words.length * 2));
        long bit = 1L << id;
        if ((words[word] & bit) != 0) {
            repeats++;
            return;
        }
        words[word] |= bit;
        distinct++;
        highest = Math.max(highest, id);
    }

    long distinct() {
        return distinct;
    }

    long repeats() {
        return repeats;
    }

    long highest() {
        return highest;
    }

    long notRemembered() {
        return notRemembered;
    }
}
