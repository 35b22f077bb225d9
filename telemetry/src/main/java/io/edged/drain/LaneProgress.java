package io.edged.drain;

import io.edged.wal.Cursor;
import io.edged.wal.Frame;
import io.edged.wal.Settlement;

import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** One lane of one destination: its cursor, and the frames that were read and are not settled. */
final class LaneProgress {

    private final Lane lane;
    private final Cursor cursor;

    /** By sequence: when the log took it. */
    private final TreeMap<Long, Long> outstanding = new TreeMap<>();

    LaneProgress(Lane lane, Cursor cursor) {
        this.lane = lane;
        this.cursor = cursor;
    }

    Lane lane() {
        return lane;
    }

    long settledTo() {
        return cursor.settledTo();
    }

    boolean isSettled(long seq) {
        return cursor.isSettled(seq);
    }

    void read(Frame frame) {
        outstanding.put(frame.seq(), frame.writtenAtNanos());
    }

    /** The frame turned out to be damaged; the log has accounted for it. */
    void lost(Frame frame) {
        outstanding.remove(frame.seq());
    }

    /**
     * Settles a frame that was read.
     *
     * @return false if the log has settled the frame already, for example because it was dropped to
     *     make room while its request was under way
     */
    boolean settle(Frame frame, Settlement settlement) {
        outstanding.remove(frame.seq());
        if (cursor.isSettled(frame.seq())) return false;
        cursor.settle(frame, settlement);
        return true;
    }

    /** Everything up to {@code seq} was read: lets the cursor pass what is not of this lane. */
    void readTo(long seq) {
        long floor = outstanding.isEmpty() ? seq : Math.min(seq, outstanding.firstKey() - 1);
        if (floor > cursor.settledTo()) cursor.passTo(floor);
    }

    /** Sequence and time of the oldest frame that is not settled. */
    Optional<Map.Entry<Long, Long>> oldest() {
        return Optional.ofNullable(outstanding.firstEntry());
    }
}
