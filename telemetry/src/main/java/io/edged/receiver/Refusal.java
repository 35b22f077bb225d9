package io.edged.receiver;

import io.edged.otlp.RpcStatus;
import io.edged.wal.Appender;
import io.edged.wal.WalException;

/**
 * Every reason not to take a request, with the HTTP status and the {@code google.rpc.Status} code
 * that tell it. The labels are values of a metric's label and never change their meaning.
 */
enum Refusal {
    MALFORMED_HTTP("malformed_http", "400 Bad Request", RpcStatus.INVALID_ARGUMENT, 0),
    LONG_REQUEST_LINE("long_request_line", "414 URI Too Long", RpcStatus.INVALID_ARGUMENT, 0),
    LONG_HEADER(
            "long_header", "431 Request Header Fields Too Large", RpcStatus.INVALID_ARGUMENT, 0),
    PATH("path", "404 Not Found", RpcStatus.UNIMPLEMENTED, 0),
    METHOD("method", "405 Method Not Allowed", RpcStatus.UNIMPLEMENTED, 0),
    CONTENT_TYPE("content_type", "415 Unsupported Media Type", RpcStatus.INVALID_ARGUMENT, 0),
    CONTENT_ENCODING("content_encoding", "415 Unsupported Media Type", RpcStatus.UNIMPLEMENTED, 0),
    EXPECTATION("expectation", "417 Expectation Failed", RpcStatus.INVALID_ARGUMENT, 0),
    TOO_LARGE("too_large", "413 Content Too Large", RpcStatus.RESOURCE_EXHAUSTED, 0),
    TOO_DENSE("too_dense", "413 Content Too Large", RpcStatus.RESOURCE_EXHAUSTED, 0),
    RECORD_TOO_LARGE("record_too_large", "413 Content Too Large", RpcStatus.RESOURCE_EXHAUSTED, 0),
    MALFORMED_BODY("malformed_body", "400 Bad Request", RpcStatus.INVALID_ARGUMENT, 0),
    /** The bytes around a gRPC message are not as they must be. */
    FRAMING("framing", "400 Bad Request", RpcStatus.INTERNAL, 0),
    UNAUTHENTICATED("unauthenticated", "401 Unauthorized", RpcStatus.UNAUTHENTICATED, 0),
    /** The sender's own deadline passed before the request had come in. */
    DEADLINE("deadline", "408 Request Timeout", RpcStatus.DEADLINE_EXCEEDED, 0),
    /** Frames or resets without sense, more than any client has reason for. */
    FLOOD("flood", "429 Too Many Requests", RpcStatus.UNAVAILABLE, 0),
    SLOW("slow", "408 Request Timeout", RpcStatus.DEADLINE_EXCEEDED, 0),
    /** The client went away in the middle of a request; nobody is left to answer. */
    DISCONNECTED("disconnected", "400 Bad Request", RpcStatus.INVALID_ARGUMENT, 0),
    CONNECTIONS("connections", "503 Service Unavailable", RpcStatus.UNAVAILABLE, 5),
    /** One address has more connections open than it may. */
    CLIENT_CONNECTIONS("client_connections", "503 Service Unavailable", RpcStatus.UNAVAILABLE, 5),
    MEMORY("memory", "429 Too Many Requests", RpcStatus.UNAVAILABLE, 1),
    /** The client has sent more than its quota; the hint is computed. */
    QUOTA("quota", "429 Too Many Requests", RpcStatus.UNAVAILABLE, 1),
    BUSY("busy", "429 Too Many Requests", RpcStatus.UNAVAILABLE, 1),
    FULL("full", "429 Too Many Requests", RpcStatus.UNAVAILABLE, 30),
    STOPPING("stopping", "503 Service Unavailable", RpcStatus.UNAVAILABLE, 5),
    STORAGE_FAILED("storage_failed", "503 Service Unavailable", RpcStatus.UNAVAILABLE, 10);

    private final String label;
    private final String statusLine;
    private final int code;
    private final int retryAfterSeconds;

    Refusal(String label, String statusLine, int code, int retryAfterSeconds) {
        this.label = label;
        this.statusLine = statusLine;
        this.code = code;
        this.retryAfterSeconds = retryAfterSeconds;
    }

    /** The reason why the log did not take an append. */
    static Refusal of(Appender.Offer offer) {
        return switch (offer) {
            case BUSY -> BUSY;
            case FULL -> FULL;
            case STOPPED -> STOPPING;
            case FAILED -> STORAGE_FAILED;
            case QUEUED -> throw new IllegalStateException("a queued append is not refused");
        };
    }

    /** The reason why the log could not make an append durable. */
    static Refusal of(WalException why) {
        // A full log takes more when there is room and a closed one is coming back; one that
        // failed needs a restart.
        return switch (why.code()) {
            case FULL -> FULL;
            case CLOSED -> STOPPING;
            case CORRUPT, STORAGE_FAILED, UNUSABLE -> STORAGE_FAILED;
        };
    }

    String label() {
        return label;
    }

    /** Status and phrase, as in the first line of an answer. */
    String statusLine() {
        return statusLine;
    }

    /** A gRPC code. */
    int code() {
        return code;
    }

    /**
     * Seconds that the cause usually needs to pass: a group commit, a delivery, a restart; 0 if the
     * same request will never do. What a client is told is {@link RetryHints}' business.
     */
    int retryAfterSeconds() {
        return retryAfterSeconds;
    }

    /** Whether the request was complete and well formed, so that its items are known. */
    boolean knowsItems() {
        return switch (this) {
            case RECORD_TOO_LARGE, QUOTA, BUSY, FULL, STOPPING, STORAGE_FAILED -> true;
            default -> false;
        };
    }

    /**
     * Whether it says something about telemetry, and not only about who sends, or how. Requests
     * that are refused for any other reason are counted without their signal, which the line of the
     * log has: a scrape has to fit a slow link.
     */
    boolean countsBySignal() {
        return switch (this) {
            case CONTENT_TYPE,
                    CONTENT_ENCODING,
                    TOO_LARGE,
                    TOO_DENSE,
                    RECORD_TOO_LARGE,
                    MALFORMED_BODY,
                    MEMORY,
                    QUOTA,
                    BUSY,
                    FULL,
                    STOPPING,
                    STORAGE_FAILED ->
                    true;
            default -> false;
        };
    }

    /** Whether it may be found out before the path has named a signal. */
    boolean mayLackSignal() {
        return !countsBySignal() || this == STOPPING;
    }

    /** Whether a part of the body may have come in before it is found out. */
    boolean mayHaveBody() {
        return switch (this) {
            case TOO_LARGE,
                    TOO_DENSE,
                    RECORD_TOO_LARGE,
                    MALFORMED_BODY,
                    FRAMING,
                    DEADLINE,
                    FLOOD,
                    SLOW,
                    DISCONNECTED,
                    MALFORMED_HTTP,
                    MEMORY,
                    QUOTA,
                    BUSY,
                    FULL,
                    STOPPING,
                    STORAGE_FAILED ->
                    true;
            default -> false;
        };
    }
}
