package io.edged.wal;

import java.nio.ByteBuffer;

/**
 * Reads committed frames in order, from one thread. Any number of readers may be open; each holds a
 * fixed amount of memory, however far behind it is, and keeps the segment that it stands in from
 * being recycled.
 */
public interface LogReader extends AutoCloseable {

    /** What stands next in the log. */
    sealed interface Next {
        /** A committed frame; the reader now stands behind it. */
        record Read(Frame frame) implements Next {}

        /**
         * A range that is gone, {@code from} to {@code to} inclusive, and already accounted for;
         * skip it.
         */
        record Missing(long from, long to, String reason) implements Next {}

        /** Nothing more is committed yet; {@link DeliveryLog#onCommit} tells when. */
        record AtEnd() implements Next {}
    }

    /**
     * Reads the next header.
     *
     * @throws WalException {@code CORRUPT} if durable data is damaged and the policy is to stop
     */
    Next next() throws WalException;

    /**
     * Reads a body into {@code into}, which must have {@link Frame#bodyBytes} remaining, and checks
     * it. The frame must not have been settled in all cursors.
     *
     * @return false if the body is damaged; the range has then been set aside and accounted for,
     *     and the frame must not be settled by the caller
     * @throws WalException {@code CORRUPT} if the policy is to stop
     */
    boolean readBody(Frame frame, ByteBuffer into) throws WalException;

    /** Stands behind {@code seq}: the next frame has a larger number. */
    void seek(long seq);

    @Override
    void close();
}
