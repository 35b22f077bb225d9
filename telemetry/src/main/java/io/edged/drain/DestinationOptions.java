package io.edged.drain;

import io.edged.otlp.ContentEncoding;

import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;

import javax.net.ssl.SSLContext;

/**
 * One upstream and how it is spoken to.
 *
 * @param name lower-case letters, digits, {@code -} and {@code _}; names the cursors, so a renamed
 *     destination is a new one
 * @param inFlight requests under way at once, 1 to {@link #MAX_IN_FLIGHT}; order within a lane
 *     holds with 1 only
 * @param bytesPerSecond sent at most, headers included, on average; 0 for no limit
 */
public record DestinationOptions(
        String name,
        Route route,
        Batching batching,
        int inFlight,
        Retry retry,
        long bytesPerSecond) {

    public static final int MAX_IN_FLIGHT = 64;

    /** Where to. */
    public sealed interface Route permits Target, Directory {}

    /** What is spoken over the network. */
    public enum Protocol {
        /** OTLP over HTTP/1.1, protobuf. */
        HTTP,
        /** OTLP over gRPC. */
        GRPC
    }

    /**
     * A receiver of OTLP.
     *
     * @param endpoint http or https; with HTTP, {@code /v1/logs} and its like are appended to its
     *     path; with gRPC it has none
     * @param headers of every request; their values never appear in a log or a status
     * @param timeout without any progress until a request is given up
     * @param connectTimeout for all attempts at a connection, and again for the TLS handshake
     * @param tls asked at each connection; empty for the trust that the JDK comes with
     * @param bearer writes the header authorization
     * @param proxy in front of it
     */
    public record Target(
            Protocol protocol,
            URI endpoint,
            Map<String, String> headers,
            Duration timeout,
            Duration connectTimeout,
            Optional<Supplier<SSLContext>> tls,
            Optional<CredentialFile> bearer,
            Optional<ProxyServer> proxy)
            implements Route {
        public Target {
            headers = Map.copyOf(headers);
            String path = Endpoint.of(endpoint).path();
            if (endpoint.getRawQuery() != null)
                throw new IllegalArgumentException("endpoint must not have a query");
            if (protocol == Protocol.GRPC && !path.equals("/"))
                throw new IllegalArgumentException(
                        "endpoint must not have a path for gRPC, had " + path);
            positive("timeout", timeout);
            positive("connectTimeout", connectTimeout);
            headers.forEach(Target::checkHeader);
        }

        /** OTLP over HTTP, without what may change while it runs. */
        public Target(
                URI endpoint,
                Map<String, String> headers,
                Duration timeout,
                Duration connectTimeout,
                Optional<SSLContext> tls) {
            this(
                    Protocol.HTTP,
                    endpoint,
                    headers,
                    timeout,
                    connectTimeout,
                    tls.map(context -> () -> context),
                    Optional.empty(),
                    Optional.empty());
        }

        /** The same over gRPC. */
        public Target overGrpc() {
            return new Target(
                    Protocol.GRPC, endpoint, headers, timeout, connectTimeout, tls, bearer, proxy);
        }

        private static void checkHeader(String name, String value) {
            if (!isHeaderName(name))
                throw new IllegalArgumentException(
                        "header name must be a token of HTTP, was \"" + name + "\"");
            if (!isHeaderValue(value))
                throw new IllegalArgumentException(
                        "header " + name + " must not have control characters in its value");
        }

        /** Without the values of the headers, which may be credentials. */
        @Override
        public String toString() {
            return "Target["
                    + protocol
                    + ", endpoint="
                    + endpoint
                    + ", headers="
                    + headers.keySet()
                    + ", timeout="
                    + timeout
                    + ", connectTimeout="
                    + connectTimeout
                    + "]";
        }
    }

    /**
     * Files of OTLP/JSON, one export request a line.
     *
     * @param path of the directory, which is made if it is not there
     * @param fileBytes at which a file is finished
     * @param fileAge at which a file is finished even if it is not full
     * @param files finished ones of each signal that are kept; when there are more, the oldest go
     * @param maxAge of a finished file, counted from its beginning; zero keeps it
     */
    public record Directory(Path path, long fileBytes, Duration fileAge, int files, Duration maxAge)
            implements Route {
        public Directory {
            if (fileBytes < 1)
                throw new IllegalArgumentException("fileBytes must be positive, was " + fileBytes);
            positive("fileAge", fileAge);
            if (files < 1) throw new IllegalArgumentException("files must be at least 1");
            if (maxAge.isNegative())
                throw new IllegalArgumentException("maxAge must not be negative");
        }
    }

    /**
     * How frames become requests.
     *
     * @param compression of what is merged here: identity or gzip
     * @param accepts encodings in which the destination takes bodies as they were received
     * @param bytes of the uncompressed body at which a batch closes; a larger frame travels alone
     * @param items at which a batch closes
     * @param readAheadBytes held in memory at once, between the log and the answer; one frame is
     *     always allowed
     */
    public record Batching(
            ContentEncoding compression,
            Set<ContentEncoding> accepts,
            int bytes,
            int items,
            long readAheadBytes) {
        public Batching {
            accepts = Set.copyOf(accepts);
            if (compression == ContentEncoding.ZSTD)
                throw new IllegalArgumentException("compression must be identity or gzip");
            if (!accepts.contains(ContentEncoding.IDENTITY) || !accepts.contains(compression))
                throw new IllegalArgumentException(
                        "accepts must hold identity and the compression, was " + accepts);
            if (bytes < 1 || bytes > 64 << 20)
                throw new IllegalArgumentException("bytes must be 1 to 64 MiB, was " + bytes);
            if (items < 1) throw new IllegalArgumentException("items must be at least 1");
            if (readAheadBytes < bytes)
                throw new IllegalArgumentException(
                        "readAheadBytes must hold one batch of "
                                + bytes
                                + ", was "
                                + readAheadBytes);
        }

        /** How a batch that stands uncompressed goes out: what came compressed stays it. */
        ContentEncoding compression(Batch batch) {
            return accepts.contains(ContentEncoding.GZIP) && batch.cameCompressed()
                    ? ContentEncoding.GZIP
                    : compression;
        }
    }

    /**
     * How often.
     *
     * @param initial the longest first wait; doubles with each failure
     * @param max the longest wait
     * @param refusedFrames frames that the destination does not take and that are stepped over;
     *     when there are more, nothing further is read
     */
    public record Retry(Duration initial, Duration max, int refusedFrames) {
        public Retry {
            positive("initial", initial);
            if (max.compareTo(initial) < 0)
                throw new IllegalArgumentException(
                        "max must be at least initial, was " + max + " and " + initial);
            if (refusedFrames < 1)
                throw new IllegalArgumentException("refusedFrames must be at least 1");
        }
    }

    public DestinationOptions {
        name = new Lane(name).name();
        if (inFlight < 1 || inFlight > MAX_IN_FLIGHT)
            throw new IllegalArgumentException(
                    "inFlight must be 1 to " + MAX_IN_FLIGHT + ", was " + inFlight);
        if (bytesPerSecond < 0)
            throw new IllegalArgumentException(
                    "bytesPerSecond must not be negative, was " + bytesPerSecond);
    }

    /** Without a limit on what is sent. */
    public DestinationOptions(
            String name, Route route, Batching batching, int inFlight, Retry retry) {
        this(name, route, batching, inFlight, retry, 0);
    }

    /** Everything else by default: gzip, 1 MiB or 8,192 items a batch, 4 requests in flight. */
    public static DestinationOptions of(String name, URI endpoint) {
        int batchBytes = 1 << 20;
        int inFlight = 4;
        return new DestinationOptions(
                name,
                new Target(
                        endpoint,
                        Map.of(),
                        Duration.ofSeconds(30),
                        Duration.ofSeconds(10),
                        Optional.empty()),
                new Batching(
                        ContentEncoding.GZIP,
                        Set.of(ContentEncoding.values()),
                        batchBytes,
                        8192,
                        (long) batchBytes * (inFlight + 2)),
                inFlight,
                new Retry(Duration.ofSeconds(1), Duration.ofMinutes(5), 1000));
    }

    static boolean isHeaderName(String name) {
        return name.matches("[A-Za-z0-9!#$%&'*+.^_`|~-]+");
    }

    static boolean isHeaderValue(String value) {
        return value.chars().allMatch(c -> c == '\t' || (c >= ' ' && c != 0x7f));
    }

    private static void positive(String name, Duration value) {
        if (value.isZero() || value.isNegative())
            throw new IllegalArgumentException(name + " must be above 0, was " + value);
    }
}
