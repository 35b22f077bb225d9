package io.edged.receiver;

import io.edged.wal.Append;

import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;

/**
 * How to receive.
 *
 * @param listen 1 to 8 addresses with ports; port 0 takes any free one. All of them take the same
 *     protocols
 * @param eventLoopThreads 1 to 64
 */
public record ReceiverOptions(
        List<InetSocketAddress> listen,
        int eventLoopThreads,
        Limits limits,
        Timeouts timeouts,
        Security security,
        Cors cors,
        Forwarding forwarding) {

    private static final int MAX_LISTENERS = 8;

    public ReceiverOptions {
        if (eventLoopThreads < 1 || eventLoopThreads > 64)
            throw new IllegalArgumentException(
                    "eventLoopThreads must be 1 to 64, was " + eventLoopThreads);
        if (listen.isEmpty() || listen.size() > MAX_LISTENERS)
            throw new IllegalArgumentException(
                    "listen must be 1 to " + MAX_LISTENERS + " addresses, was " + listen.size());
        for (InetSocketAddress address : listen)
            if (address.isUnresolved())
                throw new IllegalArgumentException("listen must be resolved, was " + address);
        listen = List.copyOf(listen);
    }

    /** Without web pages and without forwarded headers. */
    public ReceiverOptions(
            List<InetSocketAddress> listen,
            int eventLoopThreads,
            Limits limits,
            Timeouts timeouts,
            Security security) {
        this(listen, eventLoopThreads, limits, timeouts, security, Cors.NONE, Forwarding.NONE);
    }

    /** The defaults at an address. */
    public static ReceiverOptions at(InetSocketAddress listen) {
        int processors = Runtime.getRuntime().availableProcessors();
        return new ReceiverOptions(
                List.of(listen),
                Math.clamp(processors / 2, 1, 4),
                Limits.DEFAULTS,
                Timeouts.DEFAULTS,
                Security.NONE);
    }

    public ReceiverOptions withLimits(Limits changed) {
        return new ReceiverOptions(
                listen, eventLoopThreads, changed, timeouts, security, cors, forwarding);
    }

    public ReceiverOptions withTimeouts(Timeouts changed) {
        return new ReceiverOptions(
                listen, eventLoopThreads, limits, changed, security, cors, forwarding);
    }

    public ReceiverOptions withSecurity(Security changed) {
        return new ReceiverOptions(
                listen, eventLoopThreads, limits, timeouts, changed, cors, forwarding);
    }

    public ReceiverOptions withCors(Cors changed) {
        return new ReceiverOptions(
                listen, eventLoopThreads, limits, timeouts, security, changed, forwarding);
    }

    public ReceiverOptions withForwarding(Forwarding changed) {
        return new ReceiverOptions(
                listen, eventLoopThreads, limits, timeouts, security, cors, changed);
    }

    /**
     * Which web pages may send from a browser.
     *
     * @param origins as browsers write them, such as {@code https://app.example}, or {@code *} for
     *     every page; empty for none
     * @param credentials whether pages may send cookies and client certificates; not with {@code *}
     */
    public record Cors(List<String> origins, boolean credentials) {

        public static final Cors NONE = new Cors(List.of(), false);

        public Cors {
            origins = List.copyOf(origins);
            if (credentials && origins.contains("*"))
                throw new IllegalArgumentException("credentials must not come from every origin");
        }
    }

    /**
     * What of a request's header travels with its body and is sent upstream.
     *
     * @param headers names in lower case
     * @param tenantHeader the one that names the tenant
     * @param tenantFromToken whether a client with a named token is its tenant, whatever it says
     */
    public record Forwarding(
            List<String> headers, Optional<String> tenantHeader, boolean tenantFromToken) {

        public static final Forwarding NONE = new Forwarding(List.of(), Optional.empty(), false);

        public Forwarding {
            headers = List.copyOf(headers);
        }

        /** The header of the tenant first. */
        List<String> allHeaders() {
            var all = new LinkedHashSet<String>();
            tenantHeader.ifPresent(all::add);
            all.addAll(headers);
            return List.copyOf(all);
        }
    }

    /**
     * Who may send, and what of it others may see.
     *
     * @param tokens one of them must come with each request; empty if nobody is asked
     * @param tls empty for clear text
     */
    public record Security(List<Token> tokens, Optional<Tls> tls) {

        public static final Security NONE = new Security(List.of(), Optional.empty());

        public Security {
            tokens = List.copyOf(tokens);
        }
    }

    /**
     * A bearer token.
     *
     * @param client who has it; a name of the operator's choice, may be empty
     */
    public record Token(String client, String secret) {

        public Token {
            if (secret.isEmpty()) throw new IllegalArgumentException("a token must not be empty");
        }

        /** Without the token. */
        @Override
        public String toString() {
            return "Token[" + client + "]";
        }
    }

    /**
     * The files of TLS, in PEM. They are read again when they change; see {@code TlsFiles}.
     *
     * @param certificates the server's, followed by those that lead to an authority
     * @param clientAuthorities if there, clients must show a certificate that one of them signed
     */
    public record Tls(Path certificates, Path key, Optional<Path> clientAuthorities) {}

    /**
     * What may come in at once.
     *
     * @param bodyBytes of one request, as received and after decompression; at most 64 MiB
     * @param recordBytes of one log record, span or data point in protobuf; larger ones are left
     *     out of a request, or make a compressed one refused
     * @param inflationRatio how many bytes may come out of one compressed byte, above 1 MiB
     * @param memoryBytes of all bodies in flight, at least twice {@code bodyBytes} so that a body
     *     fits even if it comes in odd parts; what is really held is at most twice this
     * @param connections more are answered 503 and closed
     * @param connectionsPerPeer of one other machine, by its address; 0 for no limit but the one
     *     above
     * @param pipelinedRequests of one connection that wait for the log; above it is not read from
     * @param requestLineBytes method, path and version
     * @param headerBytes all header fields together
     * @param clientItemsPerSecond what one client may send on average; 0 for no quota
     * @param clientBytesPerSecond the same for the bytes of bodies, as received
     */
    public record Limits(
            int bodyBytes,
            int recordBytes,
            int inflationRatio,
            long memoryBytes,
            int connections,
            int connectionsPerPeer,
            int pipelinedRequests,
            int requestLineBytes,
            int headerBytes,
            long clientItemsPerSecond,
            long clientBytesPerSecond) {

        public static final Limits DEFAULTS =
                new Limits(
                        64 << 20, 4 << 20, 256, 128L << 20, 1024, 64, 32, 4 << 10, 8 << 10, 0, 0);

        public Limits {
            if (bodyBytes < 1 || bodyBytes > Append.MAX_BODY_BYTES)
                throw new IllegalArgumentException(
                        "bodyBytes must be 1 to " + Append.MAX_BODY_BYTES + ", was " + bodyBytes);
            if (memoryBytes < 2L * bodyBytes)
                throw new IllegalArgumentException(
                        "memoryBytes must be at least twice bodyBytes, which is "
                                + bodyBytes
                                + ", was "
                                + memoryBytes);
            atLeastOne("recordBytes", recordBytes);
            atLeastOne("inflationRatio", inflationRatio);
            atLeastOne("connections", connections);
            atLeastOne("pipelinedRequests", pipelinedRequests);
            atLeastOne("requestLineBytes", requestLineBytes);
            atLeastOne("headerBytes", headerBytes);
            if (connectionsPerPeer < 0)
                throw new IllegalArgumentException(
                        "connectionsPerPeer must not be negative, was " + connectionsPerPeer);
            if (clientItemsPerSecond < 0 || clientBytesPerSecond < 0)
                throw new IllegalArgumentException("a quota must not be negative");
        }

        private static void atLeastOne(String name, int value) {
            if (value < 1)
                throw new IllegalArgumentException(name + " must be at least 1, was " + value);
        }
    }

    /**
     * How long a client may take. A connection that waits for the log has no deadline: the log
     * answers or fails.
     *
     * @param header from the first byte of a request to the end of its header
     * @param body from there to the end of its body
     * @param idle between two requests, and before the first
     * @param close how long closing the receiver waits for what is in flight
     */
    public record Timeouts(Duration header, Duration body, Duration idle, Duration close) {

        public static final Timeouts DEFAULTS =
                new Timeouts(
                        Duration.ofSeconds(10),
                        Duration.ofSeconds(30),
                        Duration.ofSeconds(60),
                        Duration.ofSeconds(5));

        public Timeouts {
            positive("header", header);
            positive("body", body);
            positive("idle", idle);
            positive("close", close);
        }

        private static void positive(String name, Duration value) {
            if (!value.isPositive())
                throw new IllegalArgumentException(name + " must be above zero, was " + value);
        }
    }
}
