package io.edged.receiver;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;

import org.jspecify.annotations.Nullable;

import java.util.List;
import java.util.Set;

/**
 * Which web pages may send from a browser, and read the answers (the Fetch standard's protocol,
 * known as CORS). Nobody is let in or kept out by it but pages: a request of an origin that is not
 * listed is served like any other, without the fields that let a page read the answer, and its
 * preflight is none. Immutable; any thread.
 */
final class Cors {

    private static final String ANY = "*";
    private static final int MAX_AGE_SECONDS = 600;

    private final Set<String> origins;
    private final boolean credentials;
    private final String preflightFields;

    Cors(ReceiverOptions.Cors options, ReceiverOptions.Forwarding forwarding) {
        origins = Set.copyOf(options.origins());
        credentials = options.credentials();
        var allowed = new StringBuilder("content-type, content-encoding, authorization");
        for (String name : forwarding.allHeaders()) allowed.append(", ").append(name);
        preflightFields =
                "access-control-allow-methods: POST\r\naccess-control-allow-headers: "
                        + allowed
                        + "\r\naccess-control-max-age: "
                        + MAX_AGE_SECONDS
                        + "\r\n";
    }

    /** The fields of an answer that let the page which sent this read it; may be empty. */
    String fields(HttpHeaders request) {
        if (origins.isEmpty()) return "";
        String origin = allowed(request);
        // An answer differs by origin also when it has no such fields, and caches must know.
        if (origin == null) return origins.contains(ANY) ? "" : "vary: origin\r\n";
        return "access-control-allow-origin: "
                + (origins.contains(ANY) && !credentials ? ANY : origin)
                + "\r\n"
                + (credentials ? "access-control-allow-credentials: true\r\n" : "")
                + "access-control-expose-headers: retry-after\r\n"
                + (origins.contains(ANY) && !credentials ? "" : "vary: origin\r\n");
    }

    /** Whether a browser asks on behalf of a page of a listed origin whether it may send. */
    boolean isPreflight(HttpRequest request) {
        return !origins.isEmpty()
                && HttpMethod.OPTIONS.equals(request.method())
                && request.headers().contains(HttpHeaderNames.ACCESS_CONTROL_REQUEST_METHOD)
                && allowed(request.headers()) != null;
    }

    /** What a preflight is told beside {@link #fields}. */
    String preflightFields() {
        return preflightFields;
    }

    /** The origin of a request, if there is one and it is listed. */
    private @Nullable String allowed(HttpHeaders headers) {
        List<String> named = headers.getAll(HttpHeaderNames.ORIGIN);
        if (named.size() != 1) return null;
        String origin = named.get(0);
        if (origins.contains(origin)) return origin;
        return origins.contains(ANY) && !credentials ? origin : null;
    }
}
