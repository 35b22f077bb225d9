package io.edged.wal;

import java.util.List;

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
     * @throws IllegalStateException if it is settled already, belongs to another lane, or the sum
     *     is wrong
     */
    default void settle(Frame frame, Settlement settlement) {
        settle(frame, frame.seq() - 1, settlement);
    }

    /**
     * The same, where the lane is known to hold no frame between {@code behind} and this one:
     * frames of other lanes in between do not cut what is settled into runs.
     */
    void settle(Frame frame, long behind, Settlement settlement);

    /**
     * Settles one frame as dropped. What was lost is in the same write of the file as the
     * settlement, so that no crash comes in between; {@link DeliveryLog#tellGivenUp} makes an event
     * of it.
     *
     * @param reason as in the ledger
     */
    void giveUp(Frame frame, long behind, String reason);

    /**
     * Says that the lane holds no unsettled frame up to {@code seq}, so that frames of other lanes
     * do not hold the cursor back.
     */
    void passTo(long seq);

    /**
     * Frames of the lane above this one must not be sent yet: that they were not is durable, so
     * that after a crash it is known what may have been sent before.
     */
    long sendableTo();

    /**
     * Asks that frames up to {@code seq} may be sent. The next checkpoint makes it durable, and
     * {@link #sendableTo} then says so.
     *
     * @param soon whether somebody waits for it: the checkpoint is made at once, and {@link
     *     DeliveryLog#onCommit} tells of it
     */
    void allowTo(long seq, boolean soon);

    /**
     * Frames up to this one may have been sent before this log was opened, or before the cursor, or
     * before the cursor was asked for the last time.
     */
    long sentBefore();

    /**
     * How a frame that is not settled was cut, in order and without gaps; empty if it was not.
     * Known again after a crash.
     */
    List<FramePart> parts(long seq);

    /**
     * Keeps how a frame is cut.
     *
     * @param soon as for {@link #allowTo}; {@link #isDurable} says when it is kept
     */
    void keepParts(long seq, List<FramePart> parts, boolean soon);

    /** Whether a crash would leave the frame cut as it is now: only then may parts be sent. */
    boolean isDurable(long seq);

    /** Says that no frame above {@code seq} was sent after all; nothing is sent any more. */
    void sentOnlyTo(long seq);
}
