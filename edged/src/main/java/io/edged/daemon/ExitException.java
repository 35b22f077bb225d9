package io.edged.daemon;

/** Ends the program with a code and one line for the user: what, where, what to do. */
public final class ExitException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final ExitCode code;

    public ExitException(ExitCode code, String message) {
        super(message);
        this.code = code;
    }

    public ExitException(ExitCode code, String message, Throwable cause) {
        super(message, cause);
        this.code = code;
    }

    public ExitCode code() {
        return code;
    }
}
