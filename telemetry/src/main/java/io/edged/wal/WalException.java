package io.edged.wal;

import java.io.IOException;

/** The log could not do what was asked. The {@link Code} says what still holds. */
public final class WalException extends IOException {
    private static final long serialVersionUID = 1;

    /** Why; stable names that appear in log lines and metrics. */
    public enum Code {
        /** Durable data is damaged and {@code wal.on_corruption = "fail"}: nothing was changed. */
        CORRUPT,
        /**
         * No room for a new segment; nothing of the record is in the log. Comes right when space
         * returns.
         */
        FULL,
        /**
         * A write or force failed. What was not acknowledged may or may not be on the disk; the log
         * must be reopened.
         */
        STORAGE_FAILED,
        /** The log was closed before the record was forced; it is not in the log. */
        CLOSED,
        /** The state directory cannot be used: locked, unwritable, or not a log. */
        UNUSABLE
    }

    private final Code code;

    public WalException(Code code, String message) {
        super(message);
        this.code = code;
    }

    public WalException(Code code, String message, Throwable cause) {
        super(message, cause);
        this.code = code;
    }

    public Code code() {
        return code;
    }
}
