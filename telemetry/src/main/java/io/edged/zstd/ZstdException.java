package io.edged.zstd;

/** The bytes are not a Zstandard frame that this decoder takes; the message says why. */
public final class ZstdException extends Exception {

    private static final long serialVersionUID = 1;

    ZstdException(String message) {
        // Hostile input must not cost a stack trace each time.
        super(message, null, false, false);
    }
}
