package io.edged.wal;

import java.util.List;

/** The end of the log that gives records out: what a drain may do with it. */
public interface DeliveryLog {

    /** 16 lower-case hex digits that name this log; a new log has a new one. */
    String logId();

    /** The newest committed frame; 0 if there is none. Any thread. */
    long committedSeq();

    /** A reader that stands behind {@code seq}. Close it to let go of its segment. */
    LogReader reader(long seq);

    /** The rule that says in which lane a frame travels. */
    Lanes lanes();

    /** The cursor {@code destination/lane}; a new one starts before the oldest frame. */
    Cursor cursor(String destination, String lane);

    /** The cursors of all lanes of a destination, in the order of {@link #lanes}. */
    List<? extends Cursor> cursors(String destination);

    /**
     * Tells upstream, by one event for each reason, what the cursors of a destination have given up
     * since they were asked last. A crash before the event is durable leaves it to the next start.
     */
    void tellGivenUp(String destination);

    /**
     * Runs {@code wake} after each commit, on the writer thread, and after each checkpoint that a
     * cursor has asked for, on the keeper's: it must return at once, for example by unparking a
     * thread. The subscription ends when the result is closed.
     */
    Subscription onCommit(Runnable wake);

    /** Ends when closed. */
    interface Subscription extends AutoCloseable {
        @Override
        void close();
    }
}
