package io.edged.drain;

import io.opentelemetry.sdk.common.export.HttpResponse;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * An answer with its headers, which the OpenTelemetry interface leaves out and {@code Retry-After}
 * needs.
 */
final class HttpAnswer implements HttpResponse {

    private final int status;
    private final String reason;
    private final Map<String, List<String>> headers;
    private final byte[] body;
    private final Optional<String> unreadable;
    private final Map<String, List<String>> trailers;

    /** Without trailers, which HTTP/1.1 has no use for here. */
    HttpAnswer(
            int status,
            String reason,
            Map<String, List<String>> headers,
            byte[] body,
            Optional<String> unreadable) {
        this(status, reason, headers, body, unreadable, Map.of());
    }

    /**
     * @param headers by lower-case name
     * @param body decompressed; empty if unreadable
     * @param unreadable why the body could not be read, if so
     * @param trailers by lower-case name; those of an answer that has nothing but headers are these
     */
    HttpAnswer(
            int status,
            String reason,
            Map<String, List<String>> headers,
            byte[] body,
            Optional<String> unreadable,
            Map<String, List<String>> trailers) {
        this.status = status;
        this.reason = reason;
        this.headers = headers;
        this.body = body;
        this.unreadable = unreadable;
        this.trailers = trailers;
    }

    @Override
    public int getStatusCode() {
        return status;
    }

    @Override
    public String getStatusMessage() {
        return reason;
    }

    @Override
    public byte[] getResponseBody() {
        return body;
    }

    /** The first value of a header. */
    Optional<String> header(String name) {
        return headers.getOrDefault(name.toLowerCase(Locale.ROOT), List.of()).stream().findFirst();
    }

    /** The first value of a trailer. */
    Optional<String> trailer(String name) {
        return trailers.getOrDefault(name.toLowerCase(Locale.ROOT), List.of()).stream().findFirst();
    }

    Optional<String> unreadable() {
        return unreadable;
    }
}
