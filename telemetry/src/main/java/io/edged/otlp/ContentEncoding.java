package io.edged.otlp;

import java.util.Optional;

/**
 * How a request body is compressed, with the code that the log writes and the token that HTTP uses.
 */
public enum ContentEncoding {
    IDENTITY(0, "identity"),
    GZIP(1, "gzip"),
    ZSTD(2, "zstd");

    private final int code;
    private final String token;

    ContentEncoding(int code, String token) {
        this.code = code;
        this.token = token;
    }

    /** The byte that stands for this encoding in a frame; never changes. */
    public int code() {
        return code;
    }

    /** The value of {@code Content-Encoding} and {@code grpc-encoding}. */
    public String token() {
        return token;
    }

    /** The encoding of a frame's byte, or empty if no version of the format has it. */
    public static Optional<ContentEncoding> ofCode(int code) {
        return switch (code) {
            case 0 -> Optional.of(IDENTITY);
            case 1 -> Optional.of(GZIP);
            case 2 -> Optional.of(ZSTD);
            default -> Optional.empty();
        };
    }
}
