package io.edged.wal;

/**
 * How far one lane of one destination has come. Settling is remembered durably at most a second
 * later; what was settled after the last checkpoint is read again after a crash, so a destination
 * sees repeats, never gaps.
 *
 * <p>One thread settles; any thread may read.
 */
public interface Cursor {

    /** {@code destination/lane}. */
    String name();

    /** Every frame of the lane up to this number is settled. */
    long settledTo();

    /** Whether this frame is settled, also above {@link #settledTo}. */
    boolean isSettled(long seq);

    /**
     * Settles one frame, in any order. Its items must add up to {@link Frame#items}.
     *
     * @throws IllegalStateException if it is settled already or the sum is wrong
     */
    void settle(Frame frame, Settlement settlement);

    /**
     * Says that the lane holds no unsettled frame up to {@code seq}, so that frames of other lanes
     * do not hold the cursor back.
     */
    void passTo(long seq);
}
