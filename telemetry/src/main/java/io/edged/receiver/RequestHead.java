package io.edged.receiver;

import io.edged.otlp.ContentEncoding;
import io.edged.otlp.Signal;
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

    /** Whether the connection ends with the answer. */
    boolean close();

    /**
     * The request may come in, as far as its header can tell.
     *
     * @param awaitsContinue the body comes only after {@code 100 Continue}
     */
    record Welcome(Announced announced, boolean awaitsContinue, boolean close)
            implements RequestHead {
        Signal signal() {
            return announced.signal();
        }
    }

    /**
     * The request may not come in.
     *
     * @param signal null if the path named none
     * @param message for the sender: what is wrong and what to do
     */
    record Refused(@Nullable Signal signal, Refusal refusal, String message, boolean close)
            implements RequestHead {}

    static RequestHead of(HttpRequest request, ReceiverOptions.Limits limits) {
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
        String path = path(request.uri());
        Signal signal = Signal.ofPath(path).orElse(null);
        if (signal == null)
            return new Refused(
                    null,
                    Refusal.PATH,
                    "nothing is here; post to /v1/logs, /v1/metrics or /v1/traces",
                    close);
        if (!HttpMethod.POST.equals(request.method()))
            return new Refused(signal, Refusal.METHOD, "use POST", close);
        String type = mediaType(headers.get(HttpHeaderNames.CONTENT_TYPE));
        if (!type.equals("application/x-protobuf"))
            return new Refused(
                    signal,
                    Refusal.CONTENT_TYPE,
                    type.equals("application/json")
                            ? "OTLP in JSON is not taken; set the exporter's protocol to"
                                    + " http/protobuf"
                            : "the Content-Type must be application/x-protobuf",
                    close);
        ContentEncoding encoding = encoding(headers.getAll(HttpHeaderNames.CONTENT_ENCODING));
        if (encoding == null)
            return new Refused(
                    signal,
                    Refusal.CONTENT_ENCODING,
                    "the Content-Encoding must be gzip or identity",
                    close);
        long length = contentLength(headers, chunked);
        if (length > limits.bodyBytes())
            return new Refused(signal, Refusal.TOO_LARGE, tooLarge(limits), true);
        if (expect != null && !expect.equalsIgnoreCase("100-continue"))
            return new Refused(
                    signal, Refusal.EXPECTATION, "the only expectation is 100-continue", close);
        return new Welcome(
                new Announced(signal, encoding, length, Client.ANONYMOUS),
                expect != null && !http10,
                lastRequest);
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
