package io.edged.wal;

/** The end of the log that takes records in. Any thread may call. */
public interface Appender {

    /**
     * Queues one record. Returns at once; only after {@link Offer#QUEUED} does the append own its
     * buffers, and only then is one of its two methods called.
     */
    Offer offer(Append append);

    /**
     * Whether a lane is decided by {@link Append#highestSeverity}; where it is not, nobody need
     * find that out.
     */
    boolean asksForSeverity();

    /**
     * What became of an offer. Everything but {@link #QUEUED} means: nothing was taken, nothing
     * will be called.
     */
    enum Offer {
        /** Taken; {@link Append#durable} or {@link Append#failed} follows. */
        QUEUED,
        /** The bytes that wait for the disk have reached their bound: come back in a moment. */
        BUSY,
        /**
         * The log may not grow: its ceiling or the disk's reserve is reached. Space returns when
         * the drain delivers.
         */
        FULL,
        /** The log is being opened or closed. */
        STOPPED,
        /**
         * A write or force failed; the log takes nothing any more and the process is about to
         * leave.
         */
        FAILED
    }
}
