package io.edged.daemon;

/** What the process says when it leaves. The numbers are a contract with service managers. */
public enum ExitCode {
    /** Done, or stopped by SIGTERM or SIGINT. */
    CLEAN(0),
    CONFIGURATION(1),
    /** The state directory is locked, read-only or otherwise not usable. */
    STATE_DIRECTORY(2),
    /** Durable data is damaged and the policy is to stop. */
    CORRUPTION(3),
    /** A write or force failed while running; a restart reopens the log. */
    STORAGE_FAILED(4),
    CERTIFICATES(5),
    /** The lock document or its signature does not fit. */
    LOCK(6),
    USAGE(64),
    INTERNAL(70),
    /** A command ran out of time; nothing is wrong. */
    NOT_YET(75);

    private final int code;

    ExitCode(int code) {
        this.code = code;
    }

    public int code() {
        return code;
    }
}
