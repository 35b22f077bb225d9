package io.edged.drain;

import java.util.Arrays;
import java.util.List;

/**
 * Which lane sends next: the first in order that has data, unless one behind it has fallen short of
 * its share by as much as it would send now. Deficit round robin over the bytes that were sent, so
 * a slow link and a fast one are divided alike.
 *
 * <p>A lane with a share of p percent that always has data gets p percent of all bytes in the long
 * run, and is never further behind than one request of each lane. A lane without data saves nothing
 * up. One thread.
 */
final class Shares {

    private final int[] percent;

    /** Bytes that a lane has fallen short of its share, by its place in the order. */
    private final double[] owed;

    /**
     * @param percent by place in the order; together at most 100
     */
    Shares(List<Integer> percent) {
        this.percent = percent.stream().mapToInt(Integer::intValue).toArray();
        this.owed = new double[this.percent.length];
        int sum = Arrays.stream(this.percent).sum();
        if (sum > 100)
            throw new IllegalArgumentException(
                    "the shares of all lanes must add up to at most 100 percent, were " + sum);
    }

    /**
     * The lane to send from.
     *
     * @param nextBytes by place in the order: what a lane would send next; 0 if it has nothing
     * @return its place, or -1 if none has anything
     */
    int pick(long[] nextBytes) {
        int first = -1;
        int neediest = -1;
        for (int i = 0; i < owed.length; i++) {
            if (nextBytes[i] == 0) continue;
            if (first < 0) first = i;
            if (owed[i] >= (double) nextBytes[i] && (neediest < 0 || owed[i] > owed[neediest]))
                neediest = i;
        }
        return neediest < 0 ? first : neediest;
    }

    /**
     * A lane has sent.
     *
     * @param hasData by place in the order, whether a lane had something to send meanwhile
     */
    void sent(int lane, long bytes, boolean[] hasData) {
        for (int i = 0; i < owed.length; i++) {
            double more = (double) bytes * percent[i] / 100;
            if (i == lane) owed[i] = Math.max(0, owed[i] + more - (double) bytes);
            else owed[i] = hasData[i] ? owed[i] + more : 0;
        }
    }
}
