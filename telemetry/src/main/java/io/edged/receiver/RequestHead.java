package io.edged.receiver;

import io.edged.otlp.BodyFormat;
import io.edged.otlp.ContentEncoding;
import io.netty.handler.codec.DecoderResult;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.TooLongHttpHeaderException;
import io.netty.handler.codec.http.TooLongHttpLineException;

import org.jspecify.annotations.Nullable;

import java.util.List;
import java.util.Locale;

/** What the header of a request says, decided before any byte of its body is kept. */
sealed interface RequestHead {

    /** Beside application/json what events may come as. */
    String JSON_LINES = "application/x-ndjson";

    /** Whether the connection ends with the answer. */
    boolean close();

    /** How the request is written, and so its answer. */
    BodyFormat format();

    /**
     * The request may come in, as far as its header can tell.
     *
     * @param awaitsContinue the body comes only after {@code 100 Continue}
     */
    record Welcome(Announced announced, boolean awaitsContinue, boolean close)
            implements RequestHead {
        Topic topic() {
            return announced.topic();
        }

        @Override
        public BodyFormat format() {
            return announced.format();
        }
    }

    /**
     * The request may not come in.
     *
     * @param topic null if the path named none
     * @param message for the sender: what is wrong and what to do
     */
    record Refused(
            @Nullable Topic topic,
            BodyFormat format,
            Refusal refusal,
            String message,
            boolean close)
            implements RequestHead {

        /** A request that did not come so far as to say how it is written. */
        Refused(@Nullable Topic topic, Refusal refusal, String message, boolean close) {
            this(topic, BodyFormat.PROTOBUF, refusal, message, close);
        }
    }

    /** A browser asks whether a page may send; there is nothing to take. */
    record Preflight(boolean close) implements RequestHead {
        @Override
        public BodyFormat format() {
            return BodyFormat.JSON;
        }
    }

    static RequestHead of(HttpRequest request, ReceiverOptions.Limits limits, Door door) {
        DecoderResult decoded = request.decoderResult();
        if (decoded.isFailure()) return malformed(decoded.cause(), limits);
        boolean http10 = HttpVersion.HTTP_1_0.equals(request.protocolVersion());
        if (!http10 && !HttpVersion.HTTP_1_1.equals(request.protocolVersion()))
            return malformed("the version must be HTTP/1.1, was " + request.protocolVersion());
        HttpHeaders headers = request.headers();
        List<String> hosts = headers.getAll(HttpHeaderNames.HOST);
        if (hosts.size() > 1 || (hosts.isEmpty() && !http10))
            return malformed("a request needs one Host, this one has " + hosts.size());
        List<String> transfer = headers.getAll(HttpHeaderNames.TRANSFER_ENCODING);
        boolean chunked = !transfer.isEmpty();
        if (chunked
                && (http10 || transfer.size() > 1 || !transfer.get(0).equalsIgnoreCase("chunked")))
            return malformed("the only Transfer-Encoding is chunked, and only in HTTP/1.1");

        boolean lastRequest =
                http10
                        || headers.containsValue(
                                HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE, true);
        String expect = headers.get(HttpHeaderNames.EXPECT);
        // Who is refused while waiting for 100 Continue may or may not send the body: there is no
        // telling where the next request would begin.
        boolean close = lastRequest || expect != null;
        if (door.cors().isPreflight(request)) return new Preflight(close);
        Client client = door.authenticator().check(headers.get(HttpHeaderNames.AUTHORIZATION));
        if (client == null)
            return new Refused(null, Refusal.UNAUTHENTICATED, Authenticator.ADVICE, close);
        String path = path(request.uri());
        Topic topic = Topic.ofPath(path);
        String type = mediaType(headers.get(HttpHeaderNames.CONTENT_TYPE));
        BodyFormat format =
                topic == Topic.EVENTS || type.equals(BodyFormat.JSON.mediaType())
                        ? BodyFormat.JSON
                        : BodyFormat.PROTOBUF;
        if (topic == null)
            return new Refused(
                    null,
                    format,
                    Refusal.PATH,
                    "nothing is here; post to /v1/logs, /v1/metrics, /v1/traces or /v1/events",
                    close);
        if (!HttpMethod.POST.equals(request.method()))
            return new Refused(topic, format, Refusal.METHOD, "use POST", close);
        boolean known =
                type.equals(format.mediaType())
                        || (topic == Topic.EVENTS && type.equals(JSON_LINES));
        if (!known)
            return new Refused(
                    topic,
                    format,
                    Refusal.CONTENT_TYPE,
                    topic == Topic.EVENTS
                            ? "the Content-Type must be application/json or " + JSON_LINES
                            : "the Content-Type must be application/x-protobuf or"
                                    + " application/json",
                    close);
        ContentEncoding encoding = encoding(headers.getAll(HttpHeaderNames.CONTENT_ENCODING));
        if (encoding == null)
            return new Refused(
                    topic,
                    format,
                    Refusal.CONTENT_ENCODING,
                    "the Content-Encoding must be gzip, zstd or identity",
                    close);
        long length = contentLength(headers, chunked);
        if (length > limits.bodyBytes())
            return new Refused(topic, format, Refusal.TOO_LARGE, tooLarge(limits), true);
        if (expect != null && !expect.equalsIgnoreCase("100-continue"))
            return new Refused(
                    topic,
                    format,
                    Refusal.EXPECTATION,
                    "the only expectation is 100-continue",
                    close);
        return switch (door.forwarding().read(headers::getAll, client)) {
            case Forwarding.Bad(String reason) ->
                    new Refused(topic, format, Refusal.MALFORMED_HTTP, reason, close);
            case Forwarding.Kept kept ->
                    new Welcome(
                            new Announced(topic, format, encoding, length, client, kept),
                            expect != null && !http10,
                            lastRequest);
        };
    }

    static String tooLarge(ReceiverOptions.Limits limits) {
        return "a body may have "
                + limits.bodyBytes()
                + " bytes, as sent and decompressed; send smaller batches";
    }

    private static Refused malformed(Throwable cause, ReceiverOptions.Limits limits) {
        return switch (cause) {
            case TooLongHttpLineException _ ->
                    new Refused(
                            null,
                            Refusal.LONG_REQUEST_LINE,
                            "a request line may have " + limits.requestLineBytes() + " bytes",
                            true);
            case TooLongHttpHeaderException _ ->
                    new Refused(
                            null,
                            Refusal.LONG_HEADER,
                            "all header fields together may have "
                                    + limits.headerBytes()
                                    + " bytes",
                            true);
            default -> malformed("not HTTP/1.1: " + cause.getMessage());
        };
    }

    private static Refused malformed(String message) {
        return new Refused(null, Refusal.MALFORMED_HTTP, message, true);
    }

    /** Without query, and without scheme and authority, which a server must take as well. */
    private static String path(String uri) {
        int start = 0;
        if (!uri.startsWith("/")) {
            int authority = uri.indexOf("://");
            start = authority < 0 ? 0 : uri.indexOf('/', authority + 3);
            if (start < 0) return "/";
        }
        int query = uri.indexOf('?', start);
        return start == 0 && query < 0
                ? uri
                : uri.substring(start, query < 0 ? uri.length() : query);
    }

    private static String mediaType(@Nullable String header) {
        if (header == null) return "";
        int parameters = header.indexOf(';');
        String type = parameters < 0 ? header : header.substring(0, parameters);
        return type.strip().toLowerCase(Locale.ROOT);
    }

    private static @Nullable ContentEncoding encoding(List<String> headers) {
        if (headers.isEmpty()) return ContentEncoding.IDENTITY;
        if (headers.size() > 1) return null;
        return switch (headers.get(0).strip().toLowerCase(Locale.ROOT)) {
            case "", "identity" -> ContentEncoding.IDENTITY;
            case "gzip", "x-gzip" -> ContentEncoding.GZIP;
            case "zstd" -> ContentEncoding.ZSTD;
            default -> null;
        };
    }

    /** The decoder has checked the number; without one and without chunks there is no body. */
    private static long contentLength(HttpHeaders headers, boolean chunked) {
        if (chunked) return -1;
        String length = headers.get(HttpHeaderNames.CONTENT_LENGTH);
        return length == null ? 0 : Long.parseLong(length);
    }
}
