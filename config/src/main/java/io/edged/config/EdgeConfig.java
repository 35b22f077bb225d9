package io.edged.config;

import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * The whole configuration. This file is the one place where a key has its name, type, default,
 * range, unit and meaning; {@code edge.toml} and {@code docs/configuration.md} are generated from
 * it. To add a key, add a {@link Key} and the record component that it fills.
 *
 * <p>Sizes are bytes. Records are immutable, refuse values outside the range of their key, and hide
 * secrets in {@code toString}. How values must agree with each other is checked when a file is
 * read.
 */
public record EdgeConfig(
        Node node,
        Storage storage,
        Wal wal,
        Receiver receiver,
        Limits limits,
        Drain drain,
        DeadLetter deadLetter,
        Admin admin,
        Log log,
        Shutdown shutdown,
        Lock lock,
        Precheck precheck) {

    private static final long KIB = 1L << 10;
    private static final long MIB = 1L << 20;
    private static final long GIB = 1L << 30;
    private static final long TIB = 1L << 40;

    private static final String NO_TLS =
            "there is no TLS here, so the traffic is unauthenticated and unencrypted: listen on"
                    + " 127.0.0.1, or accept that with allow_remote = true";

    private static final String UNPROTECTED =
            "neither TLS nor a token protects it: set tls_cert_file and tls_key_file, or"
                    + " bearer_token_file, listen on 127.0.0.1, or accept that with allow_remote ="
                    + " true";

    static final Table TABLE =
            Table.of("", "")
                    .with(
                            Node.TABLE,
                            Storage.TABLE,
                            Wal.TABLE,
                            Receiver.TABLE,
                            Limits.TABLE,
                            Drain.TABLE,
                            DeadLetter.TABLE,
                            Admin.TABLE,
                            Log.TABLE,
                            Shutdown.TABLE,
                            Lock.TABLE,
                            Precheck.TABLE);

    static EdgeConfig read(Section root) {
        Section storage = root.table(Storage.TABLE);
        Section wal = root.table(Wal.TABLE);
        Section receiver = root.table(Receiver.TABLE);
        Section limits = root.table(Limits.TABLE);
        Section admin = root.table(Admin.TABLE);
        var config =
                new EdgeConfig(
                        Node.read(root.table(Node.TABLE)),
                        Storage.read(storage),
                        Wal.read(wal),
                        Receiver.read(receiver),
                        Limits.read(limits),
                        Drain.read(root.table(Drain.TABLE)),
                        DeadLetter.read(root.table(DeadLetter.TABLE)),
                        Admin.read(admin),
                        Log.read(root.table(Log.TABLE)),
                        Shutdown.read(root.table(Shutdown.TABLE)),
                        Lock.read(root.table(Lock.TABLE)),
                        Precheck.read(root.table(Precheck.TABLE)));

        atLeast(
                wal,
                Wal.SEGMENT_BYTES,
                limits,
                Limits.BODY_BYTES,
                config.limits.largestFrameBytes(),
                "the largest frame (limits.body_bytes + 64 KiB + 52)");
        atLeast(
                wal,
                Wal.QUEUE_BYTES,
                limits,
                Limits.BODY_BYTES,
                config.limits.largestFrameBytes(),
                "the largest frame (limits.body_bytes + 64 KiB + 52)");
        atLeast(
                limits,
                Limits.MEMORY_BYTES,
                limits,
                Limits.BODY_BYTES,
                2 * config.limits.bodyBytes(),
                "two of the largest bodies (limits.body_bytes)");
        atLeast(
                storage,
                Storage.CEILING_BYTES,
                wal,
                Wal.SEGMENT_BYTES,
                Storage.MIN_SEGMENTS * config.wal.segmentBytes(),
                Storage.MIN_SEGMENTS + " segments (wal.segment_bytes)");
        if (admin.isSound(Admin.LISTEN)) {
            refuseSame(receiver, Receiver.HTTP, config.admin.listen(), "admin.listen");
            refuseSame(receiver, Receiver.GRPC, config.admin.listen(), "admin.listen");
        }
        for (String lane : config.storage.keepLanes())
            if (config.drain.lanes().stream().noneMatch(each -> each.name().equals(lane)))
                storage.conflict(
                        Storage.KEEP_LANES,
                        "must name lanes, and there is no lane " + Rendering.quoted(lane),
                        "the lanes are "
                                + config.drain.lanes().stream()
                                        .map(Lane::name)
                                        .collect(Collectors.joining(", ")));
        return config;
    }

    /** Compares two sizes, unless one of them was refused already. */
    private static void atLeast(
            Section section,
            Key<Long> key,
            Section otherSection,
            Key<Long> other,
            long leastBytes,
            String what) {
        boolean sound = section.isSound(key) && otherSection.isSound(other);
        if (!sound || section.get(key) >= leastBytes) return;
        section.conflict(
                key,
                otherSection,
                other,
                "must hold " + what + ", " + leastBytes + " bytes",
                "raise it or lower " + otherSection.name(other));
    }

    /** Refuses an address that something else listens on. */
    private static void refuseSame(
            Section section, Key<Optional<HostPort>> key, HostPort taken, String by) {
        if (section.isSound(key)
                && taken.port() != 0
                && section.get(key).filter(taken::equals).isPresent())
            section.conflict(key, "must differ from " + by, "give one of the two another port");
    }

    /** Refuses an address that other machines can reach, unless the operator asked for it. */
    private static void refuseRemote(
            Section section,
            Key<?> key,
            Optional<HostPort> listener,
            boolean allowed,
            String advice) {
        if (!allowed && listener.isPresent() && !listener.get().isLoopback())
            section.conflict(key, "other machines can reach this address", advice);
    }

    /** Who this device is. */
    public record Node(String id) {

        static final Key<String> ID =
                Key.required(
                        "id",
                        ValueType.text(
                                Pattern.compile("[A-Za-z0-9._-]{1,64}"),
                                "1 to 64 of A-Z, a-z, 0-9, ., _ and -"),
                        "edge-0001",
                        "Names this device in every request that it sends upstream. Different on"
                                + " each device.");

        static final Table TABLE = Table.of("node", "Who this device is.", ID);

        public Node {
            ID.require(id);
        }

        static Node read(Section section) {
            return new Node(section.get(ID));
        }
    }

    /**
     * Where the log is and how large it may grow.
     *
     * @param dir absolute unless the file itself was named with a relative path
     */
    public record Storage(
            Path dir, long ceilingBytes, long reserveBytes, Policy policy, List<String> keepLanes) {

        /** The active segment, the next one, the one kept for recovery, and one to drain. */
        static final int MIN_SEGMENTS = 4;

        /** What happens when the ceiling or the reserve is reached. */
        public enum Policy {
            /** New telemetry is refused until the drain has made room. */
            REJECT,
            /** The oldest segments go, whether delivered or not; what is lost is counted. */
            DROP_OLDEST
        }

        static final Key<Path> DIR =
                Key.required(
                        "dir",
                        ValueType.path(),
                        Path.of("/var/lib/edged"),
                        "The state directory. A relative path starts at the directory of this"
                                + " file.");

        static final Key<Long> CEILING_BYTES =
                Key.of(
                        "ceiling_bytes",
                        ValueType.size(8 * MIB, 64 * TIB),
                        4 * GIB,
                        "The most that the log may take on disk. At least four segments.");

        static final Key<Long> RESERVE_BYTES =
                Key.of(
                        "reserve_bytes",
                        ValueType.size(0, 64 * TIB),
                        256 * MIB,
                        "What stays free on the file system for everything else: the log stops"
                                + " growing when less is left.");

        static final Key<Policy> POLICY =
                Key.of(
                        "policy",
                        ValueType.choice(Policy.class),
                        Policy.REJECT,
                        "What happens when the log may not grow: \"reject\" refuses new telemetry,"
                                + " so that applications keep it and try again; \"drop_oldest\""
                                + " gives up the oldest segments, which is counted.");

        static final Key<List<String>> KEEP_LANES =
                Key.of(
                        "keep_lanes",
                        ValueType.list(ValueType.name(), 32),
                        List.of(),
                        "What \"drop_oldest\" spares: names of lanes, such as \"error\".");

        static final Table TABLE =
                Table.of(
                        "storage",
                        "Where the log is and how large it may grow.",
                        DIR,
                        CEILING_BYTES,
                        RESERVE_BYTES,
                        POLICY,
                        KEEP_LANES);

        public Storage {
            DIR.require(dir);
            CEILING_BYTES.require(ceilingBytes);
            RESERVE_BYTES.require(reserveBytes);
            keepLanes = List.copyOf(KEEP_LANES.require(keepLanes));
        }

        static Storage read(Section section) {
            return new Storage(
                    section.resolve(section.get(DIR)),
                    section.get(CEILING_BYTES),
                    section.get(RESERVE_BYTES),
                    section.get(POLICY),
                    section.get(KEEP_LANES));
        }
    }

    /** How the log is written. */
    public record Wal(long segmentBytes, Corruption onCorruption, long queueBytes) {

        /** What happens when durable bytes of the log turn out to be damaged. */
        public enum Corruption {
            /** The damage is set aside and counted; everything else goes on. */
            QUARANTINE,
            /** The process ends with exit code 3 and changes nothing. */
            FAIL
        }

        static final Key<Long> SEGMENT_BYTES =
                Key.of(
                        "segment_bytes",
                        // The lower bound holds the largest JSON event, 1 MiB, in its envelope.
                        ValueType.size(2 * MIB, GIB),
                        128 * MIB,
                        "Size of one file of the log, claimed in advance. It must hold the largest"
                                + " frame: limits.body_bytes + 64 KiB + 52 bytes.");

        static final Key<Corruption> ON_CORRUPTION =
                Key.of(
                        "on_corruption",
                        ValueType.choice(Corruption.class),
                        Corruption.QUARANTINE,
                        "What happens when durable bytes turn out to be damaged: \"quarantine\""
                                + " sets the damage aside, counts it and goes on; \"fail\" ends with"
                                + " exit code 3 and changes nothing.");

        static final Key<Long> QUEUE_BYTES =
                Key.of(
                        "queue_bytes",
                        ValueType.size(2 * MIB, GIB),
                        72 * MIB,
                        "The most that may wait in memory for the disk; beyond it applications are"
                                + " asked to come back. It must hold the largest frame.");

        static final Table TABLE =
                Table.of(
                        "wal",
                        "How the log is written.",
                        SEGMENT_BYTES,
                        ON_CORRUPTION,
                        QUEUE_BYTES);

        public Wal {
            SEGMENT_BYTES.require(segmentBytes);
            QUEUE_BYTES.require(queueBytes);
        }

        static Wal read(Section section) {
            return new Wal(
                    section.get(SEGMENT_BYTES),
                    section.get(ON_CORRUPTION),
                    section.get(QUEUE_BYTES));
        }
    }

    /**
     * How telemetry comes in.
     *
     * @param http where OTLP over HTTP listens
     * @param grpc where OTLP over gRPC listens
     * @param tlsCertFile in PEM, with {@code tlsKeyFile}
     * @param tlsClientCaFile in PEM; clients must show a certificate of one of these authorities
     * @param bearerTokens the content of {@code bearer_token_file} when the configuration was read;
     *     empty if no token is asked for
     * @param corsOrigins web pages that may send
     * @param forwardHeaders in lower case
     * @param tenantHeader in lower case
     */
    public record Receiver(
            Optional<HostPort> http,
            Optional<HostPort> grpc,
            boolean allowRemote,
            Optional<Path> tlsCertFile,
            Optional<Path> tlsKeyFile,
            Optional<Path> tlsClientCaFile,
            List<ClientToken> bearerTokens,
            int maxConnections,
            int maxConnectionsPerClient,
            Duration headerTimeout,
            Duration bodyTimeout,
            Duration idleTimeout,
            Optional<Path> eventsSocket,
            List<String> corsOrigins,
            boolean corsCredentials,
            List<String> forwardHeaders,
            Optional<String> tenantHeader,
            boolean tenantFromToken) {

        static final Key<Optional<HostPort>> HTTP =
                Key.optional(
                        "http",
                        ValueType.listener(),
                        new HostPort("127.0.0.1", 4318),
                        "Where OTLP over HTTP listens; port 0 takes a free one. At least one"
                                + " listener is required.");

        static final Key<Optional<HostPort>> GRPC =
                Key.optional(
                        "grpc",
                        ValueType.listener(),
                        new HostPort("127.0.0.1", 4317),
                        "Where OTLP over gRPC listens; port 0 takes a free one. Both listeners take"
                                + " both protocols: these are the ports that SDKs expect.");

        static final Key<Boolean> ALLOW_REMOTE =
                Key.of(
                        "allow_remote",
                        ValueType.flag(),
                        false,
                        "Whether a listener may have an address that other machines can reach"
                                + " although neither TLS nor a token protects it.");

        static final Key<Optional<Path>> TLS_CERT_FILE =
                Key.of(
                        "tls_cert_file",
                        ValueType.path().orEmpty(),
                        Optional.empty(),
                        "The certificates of both listeners, in PEM: the server's, then those that"
                                + " lead to an authority. With tls_key_file it turns TLS on. The"
                                + " files may be replaced while edged runs: new connections get"
                                + " the new ones.");

        static final Key<Optional<Path>> TLS_KEY_FILE =
                Key.of(
                        "tls_key_file",
                        ValueType.secretFile().orEmpty(),
                        Optional.empty(),
                        "The private key of the first certificate, in PEM: PKCS#8, PKCS#1 or SEC1,"
                                + " without a password.");

        static final Key<Optional<Path>> TLS_CLIENT_CA_FILE =
                Key.of(
                        "tls_client_ca_file",
                        ValueType.path().orEmpty(),
                        Optional.empty(),
                        "Authorities, in PEM: a client must then show a certificate that one of"
                                + " them signed.");

        static final Key<Optional<Path>> BEARER_TOKEN_FILE =
                Key.of(
                        "bearer_token_file",
                        ValueType.secretFile().orEmpty(),
                        Optional.empty(),
                        "A file with tokens, one a line, as token or as client:token; each request"
                                + " must then carry one of them in the header authorization, as"
                                + " Bearer. Read at start and at SIGHUP. Other users must not be"
                                + " able to read it.");

        static final Key<Integer> MAX_CONNECTIONS =
                Key.of(
                        "max_connections",
                        ValueType.count(1, 65_536),
                        256,
                        "Connections open at one time; a further one is closed at once.");

        static final Key<Integer> MAX_CONNECTIONS_PER_CLIENT =
                Key.of(
                        "max_connections_per_client",
                        ValueType.count(0, 65_536),
                        64,
                        "How many of them one other machine may have open, by its address; 0 is as"
                                + " many as there are. Raise it if many clients share an address,"
                                + " as behind NAT or a proxy. Programs on this machine are not"
                                + " bound by it.");

        static final Key<Duration> HEADER_TIMEOUT =
                Key.of(
                        "header_timeout",
                        ValueType.duration(Duration.ofMillis(100), Duration.ofMinutes(10)),
                        Duration.ofSeconds(10),
                        "How long the header of a request may take to arrive.");

        static final Key<Duration> BODY_TIMEOUT =
                Key.of(
                        "body_timeout",
                        ValueType.duration(Duration.ofMillis(100), Duration.ofHours(1)),
                        Duration.ofSeconds(30),
                        "How long the body of a request may take to arrive.");

        static final Key<Duration> IDLE_TIMEOUT =
                Key.of(
                        "idle_timeout",
                        ValueType.duration(Duration.ofMillis(100), Duration.ofHours(24)),
                        Duration.ofSeconds(60),
                        "How long a connection may stay open between two requests.");

        static final Key<Optional<Path>> EVENTS_SOCKET =
                Key.of(
                        "events_socket",
                        ValueType.path().orEmpty(),
                        Optional.empty(),
                        "A Unix socket that takes events as lines of JSON; packages have"
                                + " /run/edged/events.sock. Its directory must be there. The"
                                + " socket has mode 0660: owner and group may send.");

        static final Key<List<String>> CORS_ORIGINS =
                Key.of(
                        "cors_origins",
                        ValueType.list(
                                ValueType.text(
                                        Pattern.compile(
                                                "\\*|https?://([a-z0-9.-]{1,253}|\\[[0-9a-f:]+\\])(:[0-9]{1,5})?"),
                                        "an origin such as https://app.example, in lower case and"
                                                + " without a path, or *"),
                                32),
                        List.of(),
                        "Web pages that may send from a browser (CORS), by their origins; \"*\" is"
                                + " every page.");

        static final Key<Boolean> CORS_CREDENTIALS =
                Key.of(
                        "cors_credentials",
                        ValueType.flag(),
                        false,
                        "Whether these pages may send what the browser has of the user: cookies and"
                                + " client certificates. Not with \"*\".");

        static final Key<List<String>> FORWARD_HEADERS =
                Key.of(
                        "forward_headers",
                        ValueType.list(ValueType.headerName(), 16),
                        List.of(),
                        "Headers of requests that are stored with the telemetry and sent upstream"
                                + " with it. Only telemetry with equal ones shares a request"
                                + " upstream: headers with many values make for small requests.");

        static final Key<Optional<String>> TENANT_HEADER =
                Key.of(
                        "tenant_header",
                        ValueType.headerName().orEmpty(),
                        Optional.empty(),
                        "The header that names the tenant, such as x-scope-orgid. It is stored and"
                                + " sent upstream like those of forward_headers, and quotas count"
                                + " by tenant.");

        static final Key<Boolean> TENANT_FROM_TOKEN =
                Key.of(
                        "tenant_from_token",
                        ValueType.flag(),
                        false,
                        "Whether a client whose token has a name is the tenant of that name, and"
                                + " its tenant_header is written over.");

        static final Table TABLE =
                Table.of(
                        "receiver",
                        "How telemetry comes in.",
                        HTTP,
                        GRPC,
                        ALLOW_REMOTE,
                        TLS_CERT_FILE,
                        TLS_KEY_FILE,
                        TLS_CLIENT_CA_FILE,
                        BEARER_TOKEN_FILE,
                        MAX_CONNECTIONS,
                        MAX_CONNECTIONS_PER_CLIENT,
                        HEADER_TIMEOUT,
                        BODY_TIMEOUT,
                        IDLE_TIMEOUT,
                        EVENTS_SOCKET,
                        CORS_ORIGINS,
                        CORS_CREDENTIALS,
                        FORWARD_HEADERS,
                        TENANT_HEADER,
                        TENANT_FROM_TOKEN);

        public Receiver {
            bearerTokens = List.copyOf(bearerTokens);
            MAX_CONNECTIONS.require(maxConnections);
            MAX_CONNECTIONS_PER_CLIENT.require(maxConnectionsPerClient);
            HEADER_TIMEOUT.require(headerTimeout);
            BODY_TIMEOUT.require(bodyTimeout);
            IDLE_TIMEOUT.require(idleTimeout);
            corsOrigins = List.copyOf(CORS_ORIGINS.require(corsOrigins));
            forwardHeaders = List.copyOf(FORWARD_HEADERS.require(forwardHeaders));
            TENANT_HEADER.require(tenantHeader);
        }

        static Receiver read(Section section) {
            var receiver =
                    new Receiver(
                            section.get(HTTP),
                            section.get(GRPC),
                            section.get(ALLOW_REMOTE),
                            section.get(TLS_CERT_FILE).map(section::resolve),
                            section.get(TLS_KEY_FILE).map(section::resolve),
                            section.get(TLS_CLIENT_CA_FILE).map(section::resolve),
                            SecretFile.readTokens(section, BEARER_TOKEN_FILE),
                            section.get(MAX_CONNECTIONS),
                            section.get(MAX_CONNECTIONS_PER_CLIENT),
                            section.get(HEADER_TIMEOUT),
                            section.get(BODY_TIMEOUT),
                            section.get(IDLE_TIMEOUT),
                            section.get(EVENTS_SOCKET).map(section::resolve),
                            section.get(CORS_ORIGINS),
                            section.get(CORS_CREDENTIALS),
                            section.get(FORWARD_HEADERS),
                            section.get(TENANT_HEADER),
                            section.get(TENANT_FROM_TOKEN));
            if (receiver.http.isEmpty()
                    && receiver.grpc.isEmpty()
                    && section.isSound(HTTP)
                    && section.isSound(GRPC))
                section.missing(HTTP, "no listener: nothing could come in");
            boolean protectedSomehow =
                    receiver.tlsCertFile.isPresent()
                            || !receiver.bearerTokens.isEmpty()
                            || !section.isSound(BEARER_TOKEN_FILE);
            if (section.isSound(ALLOW_REMOTE)) {
                boolean allowed = receiver.allowRemote || protectedSomehow;
                refuseRemote(section, HTTP, receiver.http, allowed, UNPROTECTED);
                refuseRemote(section, GRPC, receiver.grpc, allowed, UNPROTECTED);
            }
            receiver.http.ifPresent(http -> refuseSame(section, GRPC, http, section.name(HTTP)));
            needs(section, TLS_CERT_FILE, TLS_KEY_FILE);
            needs(section, TLS_KEY_FILE, TLS_CERT_FILE);
            needs(section, TLS_CLIENT_CA_FILE, TLS_CERT_FILE);
            if (receiver.corsCredentials && receiver.corsOrigins.contains("*"))
                section.conflict(
                        CORS_CREDENTIALS,
                        "every page could act for the user",
                        "name the pages in cors_origins instead of \"*\"");
            if (receiver.tenantFromToken
                    && receiver.bearerTokens.isEmpty()
                    && section.isSound(BEARER_TOKEN_FILE))
                section.conflict(
                        TENANT_FROM_TOKEN,
                        "needs bearer_token_file",
                        "name a file with lines of client:token");
            for (String name : receiver.forwardHeaders)
                if (Headers.isPrivate(name))
                    section.conflict(
                            FORWARD_HEADERS,
                            "must not hold " + name + ", which concerns this hop only",
                            "remove it");
            if (receiver.tenantHeader.filter(Headers::isPrivate).isPresent())
                section.conflict(TENANT_HEADER, "concerns this hop only", "name another header");
            return receiver;
        }

        /** A file that means nothing without another. */
        private static void needs(
                Section section, Key<Optional<Path>> key, Key<Optional<Path>> other) {
            if (section.isSound(key)
                    && section.isSound(other)
                    && section.get(key).isPresent()
                    && section.get(other).isEmpty())
                section.conflict(key, "needs " + other.name(), "set both or none");
        }
    }

    /**
     * A token that a client may send.
     *
     * @param client whose it is, empty if the file does not say
     */
    public record ClientToken(String client, Secret token) {}

    /** What bounds a request and all requests together. */
    public record Limits(
            long memoryBytes,
            long bodyBytes,
            long recordBytes,
            int clientItemsPerSecond,
            long clientBytesPerSecond) {

        /** What the log adds to a body: metadata, the header of a batch, and the length. */
        private static final long FRAME_OVERHEAD_BYTES = 64 * KIB + 48 + 4;

        static final Key<Long> MEMORY_BYTES =
                Key.of(
                        "memory_bytes",
                        ValueType.size(KIB, 64 * GIB),
                        128 * MIB,
                        "The most that the bodies of all requests in flight may take in memory;"
                                + " beyond it applications are asked to come back. It must hold two of"
                                + " the largest bodies: a compressed one and what comes out of it.");

        static final Key<Long> BODY_BYTES =
                Key.of(
                        "body_bytes",
                        ValueType.size(KIB, 64 * MIB),
                        64 * MIB,
                        "The largest body of a request, as received and after decompression. A"
                                + " larger one is refused for good.");

        static final Key<Long> RECORD_BYTES =
                Key.of(
                        "record_bytes",
                        ValueType.size(KIB, 64 * MIB),
                        4 * MIB,
                        "The largest log record, span or data point, in protobuf. A request is taken"
                                + " without those that are larger, and its answer says so; a"
                                + " compressed one is refused whole. In JSON no record may have"
                                + " more than 8 MiB.");

        static final Key<Integer> CLIENT_ITEMS_PER_SECOND =
                Key.of(
                        "client_items_per_second",
                        ValueType.count(0, 1_000_000_000),
                        0,
                        "How many log records, spans and data points one client may send on"
                                + " average; beyond it the client is asked to come back. A client"
                                + " is who its token says, or else its address. 0 for no quota.");

        static final Key<Long> CLIENT_BYTES_PER_SECOND =
                Key.of(
                        "client_bytes_per_second",
                        ValueType.size(0, 64 * GIB),
                        0L,
                        "The same for the bytes of bodies, as received.");

        static final Table TABLE =
                Table.of(
                        "limits",
                        "What bounds a request and all requests together.",
                        MEMORY_BYTES,
                        BODY_BYTES,
                        RECORD_BYTES,
                        CLIENT_ITEMS_PER_SECOND,
                        CLIENT_BYTES_PER_SECOND);

        public Limits {
            MEMORY_BYTES.require(memoryBytes);
            BODY_BYTES.require(bodyBytes);
            RECORD_BYTES.require(recordBytes);
            CLIENT_ITEMS_PER_SECOND.require(clientItemsPerSecond);
            CLIENT_BYTES_PER_SECOND.require(clientBytesPerSecond);
        }

        /** What the largest body takes in the log. */
        public long largestFrameBytes() {
            return bodyBytes + FRAME_OVERHEAD_BYTES;
        }

        static Limits read(Section section) {
            return new Limits(
                    section.get(MEMORY_BYTES),
                    section.get(BODY_BYTES),
                    section.get(RECORD_BYTES),
                    section.get(CLIENT_ITEMS_PER_SECOND),
                    section.get(CLIENT_BYTES_PER_SECOND));
        }
    }

    /** Where telemetry goes: at least one destination, each name once. */
    public record Drain(List<Lane> lanes, List<Destination> destinations) {

        static final int MAX_DESTINATIONS = 16;

        static final Table TABLE =
                Table.of("drain", "Where telemetry goes.").with(Lane.TABLE, Destination.TABLE);

        public Drain {
            lanes = List.copyOf(lanes);
            destinations = List.copyOf(destinations);
        }

        /** With the lanes that there are by default. */
        public Drain(List<Destination> destinations) {
            this(Lane.DEFAULTS, destinations);
        }

        static Drain read(Section section) {
            var destinations = new ArrayList<Destination>();
            var names = new HashMap<String, String>();
            for (Section each : section.tables(Destination.TABLE, MAX_DESTINATIONS)) {
                var destination = Destination.read(each);
                destinations.add(destination);
                if (!each.isSound(Destination.NAME)) continue;
                String path = each.name(Destination.NAME);
                String earlier = names.putIfAbsent(destination.name(), path);
                if (earlier != null)
                    each.conflict(
                            Destination.NAME,
                            "must differ from " + earlier,
                            "give each destination a name of its own");
            }
            return new Drain(Lane.readAll(section), destinations);
        }
    }

    /**
     * A class of data that is delivered, and remembered, on its own.
     *
     * @param kinds of events
     * @param signals of OTLP requests: {@code logs}, {@code metrics}, {@code traces}
     * @param minSeverity of logs; 0 for any
     * @param sharePercent of what is sent, while it has data
     */
    public record Lane(
            String name,
            List<String> kinds,
            List<String> signals,
            int minSeverity,
            int sharePercent,
            Order order) {

        /** What is sent first. */
        public enum Order {
            OLDEST,
            NEWEST
        }

        static final int MAX = 16;

        private static final List<String> SIGNALS_THERE_ARE = List.of("logs", "metrics", "traces");

        private static final int DEFAULT_SHARE = 5;

        static final Key<String> NAME =
                Key.required(
                        "name",
                        ValueType.name(),
                        "error",
                        "Names this lane in metrics, in the position of the drain and upstream.");

        static final Key<List<String>> KINDS =
                Key.of(
                        "kinds",
                        ValueType.list(
                                ValueType.text(
                                        Pattern.compile("[A-Za-z0-9._-]{1,64}"),
                                        "1 to 64 of a-z, A-Z, 0-9, ., _ and -"),
                                32),
                        List.of(),
                        "The kinds of events that it takes; events of a kind that no lane takes go"
                                + " with the logs.");

        static final Key<List<String>> SIGNALS =
                Key.of(
                        "signals",
                        ValueType.list(
                                ValueType.text(
                                        Pattern.compile("logs|metrics|traces"),
                                        "logs, metrics or traces"),
                                3),
                        List.of(),
                        "What it takes of OTLP; each signal belongs to one lane.");

        static final Key<Integer> MIN_SEVERITY =
                Key.of(
                        "min_severity",
                        ValueType.count(0, 24),
                        0,
                        "Takes only requests of logs with a record of this severity number or"
                                + " above: 9 is info, 13 warn, 17 error, 21 fatal; 0 for any. A lane"
                                + " with it has signals = [\"logs\"], and another one takes the rest.");

        static final Key<Integer> SHARE =
                Key.of(
                        "share",
                        ValueType.count(0, 100),
                        DEFAULT_SHARE,
                        "Percent of the bytes sent that it gets at least while it has data; what"
                                + " remains goes to the lanes in their order.");

        static final Key<Order> ORDER =
                Key.of("order", ValueType.choice(Order.class), Order.OLDEST, "What is sent first.");

        static final Table TABLE =
                Table.optional(
                        "lane",
                        "The lanes in the order in which they drain; repeat the table for each, up"
                                + " to "
                                + MAX
                                + ". Without any there are: error, decision, action and lifecycle for"
                                + " events of these kinds, traces, logs, metrics.",
                        NAME,
                        KINDS,
                        SIGNALS,
                        MIN_SEVERITY,
                        SHARE,
                        ORDER);

        /** By urgency: what says that something is wrong before what says how it was. */
        static final List<Lane> DEFAULTS =
                List.of(
                        of("error", List.of("error"), List.of()),
                        of("decision", List.of("decision"), List.of()),
                        of("action", List.of("action"), List.of()),
                        of("lifecycle", List.of("lifecycle"), List.of()),
                        of("traces", List.of(), List.of("traces")),
                        of("logs", List.of(), List.of("logs")),
                        of("metrics", List.of(), List.of("metrics")));

        public Lane {
            NAME.require(name);
            kinds = List.copyOf(KINDS.require(kinds));
            signals = List.copyOf(SIGNALS.require(signals));
            MIN_SEVERITY.require(minSeverity);
            SHARE.require(sharePercent);
        }

        private static Lane of(String name, List<String> kinds, List<String> signals) {
            return new Lane(name, kinds, signals, 0, DEFAULT_SHARE, Order.OLDEST);
        }

        static List<Lane> readAll(Section drain) {
            List<Section> sections = drain.tables(TABLE, MAX);
            if (sections.isEmpty()) return DEFAULTS;
            var claims = new Claims();
            var lanes = new ArrayList<Lane>();
            for (Section section : sections) {
                Lane lane = read(section);
                lanes.add(lane);
                claims.add(lane, section);
            }
            claims.checkTogether(sections.getLast());
            return lanes;
        }

        private static Lane read(Section section) {
            var lane =
                    new Lane(
                            section.get(NAME),
                            section.get(KINDS),
                            section.get(SIGNALS),
                            section.get(MIN_SEVERITY),
                            section.get(SHARE),
                            section.get(ORDER));
            if (!section.isSound(KINDS) || !section.isSound(SIGNALS)) return lane;
            if (lane.kinds.isEmpty() && lane.signals.isEmpty())
                section.conflict(
                        SIGNALS,
                        section,
                        NAME,
                        "is empty, and so is kinds: the lane takes nothing",
                        "name kinds of events, or signals");
            if (lane.minSeverity > 0 && !lane.signals.equals(List.of("logs")))
                section.conflict(
                        MIN_SEVERITY,
                        "is for logs alone",
                        "write signals = [\"logs\"] in this lane");
            return lane;
        }

        /** What the lanes read so far take. */
        private static final class Claims {
            private final Map<String, String> names = new HashMap<>();
            private final Map<String, String> taken = new HashMap<>();
            private boolean sound = true;
            private int shares;

            void add(Lane lane, Section section) {
                sound &= section.isSound(SIGNALS) && section.isSound(MIN_SEVERITY);
                claim(section, NAME, names, lane.name, "a lane called " + lane.name);
                for (String kind : lane.kinds)
                    claim(section, KINDS, taken, "kind " + kind, "events of kind " + kind);
                if (lane.minSeverity > 0)
                    claim(
                            section,
                            MIN_SEVERITY,
                            taken,
                            "severity " + lane.minSeverity,
                            "logs of this severity");
                else
                    for (String signal : lane.signals)
                        claim(section, SIGNALS, taken, "signal " + signal, signal);
                if (section.isSound(SHARE)) shares += lane.sharePercent;
            }

            private static void claim(
                    Section section,
                    Key<?> key,
                    Map<String, String> claims,
                    String what,
                    String words) {
                if (!section.isSound(key)) return;
                String earlier = claims.putIfAbsent(what, section.name(key));
                if (earlier != null)
                    section.conflict(
                            key,
                            "claims " + words + ", and so does " + earlier,
                            "each belongs to one lane");
            }

            void checkTogether(Section last) {
                for (String signal : SIGNALS_THERE_ARE)
                    if (sound && !taken.containsKey("signal " + signal))
                        last.conflict(
                                SIGNALS,
                                last,
                                NAME,
                                "no lane takes "
                                        + signal
                                        + (signal.equals("logs") ? " of every severity" : ""),
                                "add it to one lane, or add a lane");
                if (shares > 100)
                    last.conflict(
                            SHARE,
                            last,
                            NAME,
                            "the shares of all lanes add up to " + shares + " percent",
                            "lower some, to 100 at most");
            }
        }
    }

    /**
     * One receiver of OTLP upstream.
     *
     * @param endpoint without a slash at its end; the path of the signal follows it, for example
     *     {@code /v1/logs}
     * @param headers lower-case names
     * @param bearerTokenFile what it holds goes into the header {@code authorization}
     */
    public record Destination(
            String name,
            Protocol protocol,
            URI endpoint,
            Map<String, Secret> headers,
            Optional<Path> bearerTokenFile,
            Optional<Path> caFile,
            Optional<Path> certFile,
            Optional<Path> keyFile,
            Optional<URI> proxy,
            Optional<Path> proxyCredentialsFile,
            Compression compression,
            List<String> accepts,
            long batchBytes,
            int batchItems,
            int inFlight,
            long bytesPerSecond,
            Duration timeout,
            Duration retryInitial,
            Duration retryMax,
            long bytesPerDay,
            long bytesPerMonth,
            List<String> windows,
            String timeZone,
            Duration maxAge,
            long fileBytes,
            Duration fileAge,
            int fileCount,
            Duration fileMaxAge) {

        /** What is spoken. */
        public enum Protocol {
            HTTP,
            GRPC,
            /** Nothing: requests become lines of files. */
            FILE
        }

        /** How request bodies are sent. */
        public enum Compression {
            GZIP,
            IDENTITY
        }

        static final Key<String> NAME =
                Key.required(
                        "name",
                        ValueType.name(),
                        "upstream",
                        "Names this destination in metrics, in logs and in the position of the"
                                + " drain. A new name starts at the oldest record of the log.");

        static final Key<Protocol> PROTOCOL =
                Key.of(
                        "protocol",
                        ValueType.choice(Protocol.class),
                        Protocol.HTTP,
                        "How it is sent: \"http\" is OTLP over HTTP with protobuf, \"grpc\" is OTLP over"
                                + " gRPC, \"file\" writes OTLP/JSON into files of a directory, one"
                                + " request a line.");

        static final Key<URI> ENDPOINT =
                Key.required(
                        "endpoint",
                        ValueType.destination(),
                        URI.create("http://collector.example:4318"),
                        "Where it is sent. For HTTP /v1/logs, /v1/metrics or /v1/traces is"
                                + " appended; gRPC has no path; for files it is the directory,"
                                + " file:///path, which only edged should write to. With http://,"
                                + " telemetry, headers and token travel in the clear.");

        static final Key<Map<String, Secret>> HEADERS =
                Key.of(
                        "headers",
                        ValueType.headers(),
                        Map.of(),
                        "Headers of every request. Their values are never printed.");

        static final Key<Optional<Path>> BEARER_TOKEN_FILE =
                Key.of(
                        "bearer_token_file",
                        ValueType.secretFile().orEmpty(),
                        Optional.empty(),
                        "A file with the token for the header authorization. It may be replaced"
                                + " while edged runs. A relative path starts at the directory of"
                                + " this file. Other users must not be able to read it.");

        static final Key<Optional<Path>> CA_FILE =
                Key.of(
                        "ca_file",
                        ValueType.path().orEmpty(),
                        Optional.empty(),
                        "For https: certificates in PEM of the authorities that may vouch for the"
                                + " destination, in place of those that Java comes with. This file"
                                + " and the next two may be replaced while edged runs: new"
                                + " connections get the new ones.");

        static final Key<Optional<Path>> CERT_FILE =
                Key.of(
                        "cert_file",
                        ValueType.path().orEmpty(),
                        Optional.empty(),
                        "For https: this device's own certificate in PEM, followed by what it chains"
                                + " to. Goes together with key_file.");

        static final Key<Optional<Path>> KEY_FILE =
                Key.of(
                        "key_file",
                        ValueType.path().orEmpty(),
                        Optional.empty(),
                        "The key of that certificate, in PEM: PKCS#8, PKCS#1 or SEC1, without a"
                                + " password.");

        static final Key<Optional<URI>> PROXY =
                Key.of(
                        "proxy",
                        ValueType.endpoint().orEmpty(),
                        Optional.empty(),
                        "An HTTP proxy on the way, http://host:port. It is asked for a tunnel"
                                + " (CONNECT) for https and gRPC, and to pass requests on otherwise.");

        static final Key<Optional<Path>> PROXY_CREDENTIALS_FILE =
                Key.of(
                        "proxy_credentials_file",
                        ValueType.secretFile().orEmpty(),
                        Optional.empty(),
                        "A file with user:password for the proxy. It may be replaced while edged"
                                + " runs.");

        static final Key<Compression> COMPRESSION =
                Key.of(
                        "compression",
                        ValueType.choice(Compression.class),
                        Compression.IDENTITY,
                        "How bodies that came uncompressed are sent: \"gzip\" saves bandwidth,"
                                + " \"identity\" saves processor time.");

        static final Key<List<String>> ACCEPTS =
                Key.of(
                        "accepts",
                        ValueType.list(
                                ValueType.text(Pattern.compile("gzip|zstd"), "gzip or zstd"), 2),
                        List.of("gzip"),
                        "Encodings that the destination takes: bodies that came in one of them are"
                                + " passed through as they came, small ones are merged and"
                                + " compressed once. Others are sent uncompressed.");

        static final Key<Long> BATCH_BYTES =
                Key.of(
                        "batch_bytes",
                        ValueType.size(KIB, 64 * MIB),
                        2 * MIB,
                        "Records are merged into one request up to this many bytes before"
                                + " compression; a larger record goes alone.");

        static final Key<Integer> BATCH_ITEMS =
                Key.of(
                        "batch_items",
                        ValueType.count(1, 1_000_000),
                        8_192,
                        "Records are merged into one request up to this many log records, spans or"
                                + " data points.");

        static final Key<Integer> IN_FLIGHT =
                Key.of(
                        "in_flight",
                        ValueType.count(1, 64),
                        1,
                        "Requests under way at one time. With 1, records arrive in the order of the"
                                + " log; more help on a link with a long delay.");

        static final Key<Long> BYTES_PER_SECOND =
                Key.of(
                        "bytes_per_second",
                        ValueType.size(0, 64 * GIB),
                        0L,
                        "The most that is sent in a second, on average, headers included; 0 for no"
                                + " limit. One request is sent as fast as the link takes it.");

        static final Key<Duration> TIMEOUT =
                Key.of(
                        "timeout",
                        ValueType.duration(Duration.ofMillis(100), Duration.ofMinutes(10)),
                        Duration.ofSeconds(10),
                        "How long a request may make no progress before it is repeated. On a link"
                                + " that has proven slow it may be up to 24 s longer: what 96 KiB"
                                + " need at 4 KiB a second.");

        static final Key<Duration> RETRY_INITIAL =
                Key.of(
                        "retry_initial",
                        ValueType.duration(Duration.ofMillis(10), Duration.ofHours(1)),
                        Duration.ofMillis(500),
                        "The longest wait after a first failure; it doubles with each further"
                                + " one.");

        static final Key<Duration> RETRY_MAX =
                Key.of(
                        "retry_max",
                        ValueType.duration(Duration.ofMillis(10), Duration.ofHours(24)),
                        Duration.ofSeconds(30),
                        "Where the doubling ends. Retries never do.");

        static final Key<Long> BYTES_PER_DAY =
                Key.of(
                        "bytes_per_day",
                        ValueType.size(0, TIB),
                        0L,
                        "What may be sent in any 24 hours, headers and repeats included; then data"
                                + " waits in the log, and a restart does not change that. 0 for no"
                                + " limit.");

        static final Key<Long> BYTES_PER_MONTH =
                Key.of(
                        "bytes_per_month",
                        ValueType.size(0, TIB),
                        0L,
                        "The same for a calendar month, in the zone of time_zone; 0 for no limit.");

        static final Key<List<String>> WINDOWS =
                Key.of(
                        "windows",
                        ValueType.list(ValueType.window(), 32),
                        List.of(),
                        "When anything is sent; an end that is not behind its begin is on the next"
                                + " day. Always, if there is none.");

        static final Key<String> TIME_ZONE =
                Key.of(
                        "time_zone",
                        ValueType.timeZone(),
                        "UTC",
                        "Whose clock the windows and the month go by.");

        static final Key<Duration> MAX_AGE =
                Key.of(
                        "max_age",
                        ValueType.duration(Duration.ZERO, Duration.ofDays(366)),
                        Duration.ZERO,
                        "Records that are older are given up for this destination, which is counted"
                                + " and told; 0ms keeps them.");

        static final Key<Long> FILE_BYTES =
                Key.of(
                        "file_bytes",
                        ValueType.size(KIB, 64 * GIB),
                        64 * MIB,
                        "For files: the size at which one is finished and the next is begun.");

        static final Key<Duration> FILE_AGE =
                Key.of(
                        "file_age",
                        ValueType.duration(Duration.ofSeconds(1), Duration.ofDays(366)),
                        Duration.ofHours(1),
                        "For files: the age at which one is finished even if it is not full.");

        static final Key<Integer> FILE_COUNT =
                Key.of(
                        "file_count",
                        ValueType.count(1, 1_000_000),
                        64,
                        "For files: how many finished ones of each signal are kept; the oldest are"
                                + " deleted, which is counted.");

        static final Key<Duration> FILE_MAX_AGE =
                Key.of(
                        "file_max_age",
                        ValueType.duration(Duration.ZERO, Duration.ofDays(3650)),
                        Duration.ZERO,
                        "For files: older ones are deleted, which is counted; 0s keeps them until"
                                + " there are too many.");

        /** What protocol "file" does not have. */
        private static final List<Key<?>> FOR_NETWORK =
                List.of(
                        HEADERS,
                        BEARER_TOKEN_FILE,
                        CA_FILE,
                        CERT_FILE,
                        KEY_FILE,
                        PROXY,
                        PROXY_CREDENTIALS_FILE,
                        COMPRESSION,
                        ACCEPTS,
                        TIMEOUT);

        /** What no other protocol has. */
        private static final List<Key<?>> FOR_FILES =
                List.of(FILE_BYTES, FILE_AGE, FILE_COUNT, FILE_MAX_AGE);

        static final Table TABLE =
                Table.repeated(
                        "destination",
                        "One receiver of OTLP upstream; repeat the table for more, up to "
                                + Drain.MAX_DESTINATIONS
                                + ".",
                        NAME,
                        PROTOCOL,
                        ENDPOINT,
                        HEADERS,
                        BEARER_TOKEN_FILE,
                        CA_FILE,
                        CERT_FILE,
                        KEY_FILE,
                        PROXY,
                        PROXY_CREDENTIALS_FILE,
                        COMPRESSION,
                        ACCEPTS,
                        BATCH_BYTES,
                        BATCH_ITEMS,
                        IN_FLIGHT,
                        BYTES_PER_SECOND,
                        TIMEOUT,
                        RETRY_INITIAL,
                        RETRY_MAX,
                        BYTES_PER_DAY,
                        BYTES_PER_MONTH,
                        WINDOWS,
                        TIME_ZONE,
                        MAX_AGE,
                        FILE_BYTES,
                        FILE_AGE,
                        FILE_COUNT,
                        FILE_MAX_AGE);

        public Destination {
            NAME.require(name);
            headers = Collections.unmodifiableMap(new LinkedHashMap<>(HEADERS.require(headers)));
            BATCH_BYTES.require(batchBytes);
            BATCH_ITEMS.require(batchItems);
            IN_FLIGHT.require(inFlight);
            BYTES_PER_SECOND.require(bytesPerSecond);
            TIMEOUT.require(timeout);
            RETRY_INITIAL.require(retryInitial);
            RETRY_MAX.require(retryMax);
            BYTES_PER_DAY.require(bytesPerDay);
            BYTES_PER_MONTH.require(bytesPerMonth);
            windows = List.copyOf(WINDOWS.require(windows));
            TIME_ZONE.require(timeZone);
            MAX_AGE.require(maxAge);
            accepts = List.copyOf(ACCEPTS.require(accepts));
            FILE_BYTES.require(fileBytes);
            FILE_AGE.require(fileAge);
            FILE_COUNT.require(fileCount);
            FILE_MAX_AGE.require(fileMaxAge);
        }

        static Destination read(Section section) {
            var destination =
                    new Destination(
                            section.get(NAME),
                            section.get(PROTOCOL),
                            section.get(ENDPOINT),
                            Headers.read(section, HEADERS),
                            section.get(BEARER_TOKEN_FILE).map(section::resolve),
                            section.get(CA_FILE).map(section::resolve),
                            section.get(CERT_FILE).map(section::resolve),
                            section.get(KEY_FILE).map(section::resolve),
                            section.get(PROXY),
                            section.get(PROXY_CREDENTIALS_FILE).map(section::resolve),
                            section.get(COMPRESSION),
                            section.get(ACCEPTS),
                            section.get(BATCH_BYTES),
                            section.get(BATCH_ITEMS),
                            section.get(IN_FLIGHT),
                            section.get(BYTES_PER_SECOND),
                            section.get(TIMEOUT),
                            section.get(RETRY_INITIAL),
                            section.get(RETRY_MAX),
                            section.get(BYTES_PER_DAY),
                            section.get(BYTES_PER_MONTH),
                            section.get(WINDOWS),
                            section.get(TIME_ZONE),
                            section.get(MAX_AGE),
                            section.get(FILE_BYTES),
                            section.get(FILE_AGE),
                            section.get(FILE_COUNT),
                            section.get(FILE_MAX_AGE));
            // Read again while edged runs; here it only has to be good.
            var _ = SecretFile.read(section, BEARER_TOKEN_FILE);
            SecretFile.check(section, PROXY_CREDENTIALS_FILE);
            checkProtocol(section, destination);
            if (section.isSound(RETRY_INITIAL)
                    && section.isSound(RETRY_MAX)
                    && destination.retryInitial.compareTo(destination.retryMax) > 0)
                section.conflict(
                        RETRY_INITIAL,
                        section,
                        RETRY_MAX,
                        "must not be longer than retry_max",
                        "lower it or raise retry_max");
            if (destination.certFile.isPresent() != destination.keyFile.isPresent()
                    && section.isSound(CERT_FILE)
                    && section.isSound(KEY_FILE))
                section.conflict(
                        destination.certFile.isPresent() ? CERT_FILE : KEY_FILE,
                        "cert_file and key_file go together",
                        "give both or none");
            boolean tlsFiles = destination.caFile.isPresent() || destination.certFile.isPresent();
            if (tlsFiles
                    && destination.protocol != Protocol.FILE
                    && section.isSound(ENDPOINT)
                    && !"https".equalsIgnoreCase(destination.endpoint.getScheme()))
                section.conflict(
                        ENDPOINT,
                        "ca_file and cert_file are for https only",
                        "write https:// or leave them out");
            if (destination.bearerTokenFile.isPresent()
                    && destination.headers.containsKey("authorization"))
                section.conflict(
                        BEARER_TOKEN_FILE,
                        "writes the header authorization, which is in headers as well",
                        "keep one of the two");
            return destination;
        }

        /** Endpoint and proxy have to be of the kind that the protocol speaks to. */
        private static void checkProtocol(Section section, Destination destination) {
            boolean directory = "file".equalsIgnoreCase(destination.endpoint.getScheme());
            if (section.isSound(ENDPOINT) && section.isSound(PROTOCOL)) {
                boolean files = destination.protocol == Protocol.FILE;
                if (files != directory)
                    section.conflict(
                            ENDPOINT,
                            files
                                    ? "must be a directory, file:///path, for protocol \"file\""
                                    : "is a directory, which is for protocol \"file\" only",
                            files ? "write file:///path" : "write protocol = \"file\"");
                String path = destination.endpoint.getPath();
                if (destination.protocol == Protocol.GRPC && path != null && !path.isEmpty())
                    section.conflict(
                            ENDPOINT,
                            "must not have a path for protocol \"grpc\"",
                            "write scheme, host and port only");
                if (files == directory) refuseForeign(section, files);
            }
            if (section.isSound(PROXY)
                    && destination.proxy.isPresent()
                    && !isProxy(destination.proxy.get()))
                section.conflict(
                        PROXY, "must be http://host:port", "write scheme, host and port only");
            if (section.isSound(PROXY)
                    && section.isSound(PROXY_CREDENTIALS_FILE)
                    && destination.proxyCredentialsFile.isPresent()
                    && destination.proxy.isEmpty())
                section.conflict(
                        PROXY_CREDENTIALS_FILE, "there is no proxy", "name it or leave this out");
        }

        /**
         * Keys that the protocol has no use for. Written with their default they say nothing, as
         * they do in the reference file, which has them all.
         */
        private static void refuseForeign(Section section, boolean files) {
            for (Key<?> key : files ? FOR_NETWORK : FOR_FILES)
                if (section.departs(key))
                    section.conflict(
                            key,
                            files
                                    ? "has no effect with protocol \"file\""
                                    : "has an effect with protocol \"file\" only",
                            "leave it out");
        }

        private static boolean isProxy(URI proxy) {
            return "http".equalsIgnoreCase(proxy.getScheme())
                    && (proxy.getPath() == null || proxy.getPath().isEmpty());
        }
    }

    /** What is kept of the items that a destination refuses for good. */
    public record DeadLetter(long ceilingBytes, Duration maxAge) {

        static final Key<Long> CEILING_BYTES =
                Key.of(
                        "ceiling_bytes",
                        ValueType.size(8 * MIB, 64 * GIB),
                        64 * MIB,
                        "The most that dead letters may take on disk, on top of"
                                + " storage.ceiling_bytes. A letter may take a sixteenth of it; when"
                                + " it is full, the oldest letters are given up, which is counted."
                                + " Nothing is taken before there is a first letter.");

        static final Key<Duration> MAX_AGE =
                Key.of(
                        "max_age",
                        ValueType.duration(Duration.ZERO, Duration.ofDays(3650)),
                        Duration.ofDays(90),
                        "Older letters are given up, which is counted; 0s keeps them until there is"
                                + " no room.");

        static final Table TABLE =
                Table.of(
                        "deadletter",
                        "What is kept of the items that a destination refuses for good while it"
                                + " takes others.",
                        CEILING_BYTES,
                        MAX_AGE);

        public DeadLetter {
            CEILING_BYTES.require(ceilingBytes);
            MAX_AGE.require(maxAge);
        }

        static DeadLetter read(Section section) {
            return new DeadLetter(section.get(CEILING_BYTES), section.get(MAX_AGE));
        }
    }

    /** Where metrics, health and status are served. */
    public record Admin(HostPort listen, boolean allowRemote, Optional<Path> socket) {

        static final Key<HostPort> LISTEN =
                Key.of(
                        "listen",
                        ValueType.listener(),
                        new HostPort("127.0.0.1", 9464),
                        "Where /metrics, /livez, /readyz and /status are served over HTTP; port 0"
                                + " takes a free one.");

        static final Key<Boolean> ALLOW_REMOTE =
                Key.of(
                        "allow_remote",
                        ValueType.flag(),
                        false,
                        "Whether that may be an address that other machines can reach. There is no"
                                + " TLS yet: such traffic is unauthenticated and unencrypted.");

        static final Key<Optional<Path>> SOCKET =
                Key.of(
                        "socket",
                        ValueType.path().orEmpty(),
                        Optional.of(Path.of("/run/edged/ctl.sock")),
                        "The Unix socket over which edged status, reload, flush and the other"
                                + " commands reach the running daemon: mode 0600, for its user and"
                                + " root. Without its directory, or if another daemon has it, there"
                                + " is none and commands go over listen.");

        static final Table TABLE =
                Table.of(
                        "admin",
                        "Where metrics, health and status are served.",
                        LISTEN,
                        ALLOW_REMOTE,
                        SOCKET);

        static Admin read(Section section) {
            var admin =
                    new Admin(
                            section.get(LISTEN),
                            section.get(ALLOW_REMOTE),
                            section.get(SOCKET).map(section::resolve));
            if (section.isSound(ALLOW_REMOTE))
                refuseRemote(section, LISTEN, Optional.of(admin.listen), admin.allowRemote, NO_TLS);
            return admin;
        }
    }

    /** What edged says about itself on standard error. */
    public record Log(Level level, Format format, boolean events) {

        /** The least severe lines that are written. */
        public enum Level {
            ERROR,
            WARN,
            INFO,
            DEBUG
        }

        /** How a line looks. */
        public enum Format {
            LOGFMT,
            JSON
        }

        static final Key<Level> LEVEL =
                Key.of(
                        "level",
                        ValueType.choice(Level.class),
                        Level.INFO,
                        "The least severe lines that are written.");

        static final Key<Format> FORMAT =
                Key.of(
                        "format",
                        ValueType.choice(Format.class),
                        Format.LOGFMT,
                        "How a line looks: key=value pairs, or one JSON object.");

        static final Key<Boolean> EVENTS =
                Key.of(
                        "events",
                        ValueType.flag(),
                        true,
                        "Whether starts, stops, reloads, failing checks and errors also go into the"
                                + " log of telemetry as events, so that they are seen upstream.");

        static final Table TABLE =
                Table.of("log", "What edged says about itself.", LEVEL, FORMAT, EVENTS);

        static Log read(Section section) {
            return new Log(section.get(LEVEL), section.get(FORMAT), section.get(EVENTS));
        }
    }

    /** How the process ends. */
    public record Shutdown(Duration deadline) {

        static final Key<Duration> DEADLINE =
                Key.of(
                        "deadline",
                        ValueType.duration(Duration.ofMillis(100), Duration.ofHours(1)),
                        Duration.ofSeconds(10),
                        "How long a stop may take. Requests that are not answered by then are"
                                + " refused; what was answered is durable already.");

        static final Table TABLE = Table.of("shutdown", "How the process ends.", DEADLINE);

        public Shutdown {
            DEADLINE.require(deadline);
        }

        static Shutdown read(Section section) {
            return new Shutdown(section.get(DEADLINE));
        }
    }

    /**
     * How the device proves what it runs.
     *
     * @param file the device's lock; its signature is in the file of that name and {@code .sig}
     * @param publicKeyFile when there, lock and runtime manifest must be signed with its key
     * @param runtimeManifestFile when there, it must list the operating system
     */
    public record Lock(
            Path file, Optional<Path> publicKeyFile, Optional<Path> runtimeManifestFile) {

        static final Key<Path> FILE =
                Key.of(
                        "file",
                        ValueType.path(),
                        Path.of("edge.lock.json"),
                        "The lock of this device, as \"edged lock write\" makes it. A relative path"
                                + " starts at the directory of this file.");

        static final Key<Optional<Path>> PUBLIC_KEY_FILE =
                Key.of(
                        "public_key_file",
                        ValueType.path().orEmpty(),
                        Optional.empty(),
                        "An Ed25519 public key in PEM. When it is set, edged starts only under a lock"
                                + " that this key has signed; the signature is beside the lock, in"
                                + " the file of its name and \".sig\".");

        static final Key<Optional<Path>> RUNTIME_MANIFEST_FILE =
                Key.of(
                        "runtime_manifest_file",
                        ValueType.path().orEmpty(),
                        Optional.empty(),
                        "A signed list of the operating systems that this device may run, for"
                                + " \"edged precheck\"; needs public_key_file.");

        static final Table TABLE =
                Table.of(
                        "lock",
                        "How the device proves which files and which configuration it runs.",
                        FILE,
                        PUBLIC_KEY_FILE,
                        RUNTIME_MANIFEST_FILE);

        static Lock read(Section section) {
            var lock =
                    new Lock(
                            section.resolve(section.get(FILE)),
                            section.get(PUBLIC_KEY_FILE).map(section::resolve),
                            section.get(RUNTIME_MANIFEST_FILE).map(section::resolve));
            if (lock.runtimeManifestFile.isPresent()
                    && lock.publicKeyFile.isEmpty()
                    && section.isSound(PUBLIC_KEY_FILE))
                section.conflict(
                        RUNTIME_MANIFEST_FILE,
                        "needs lock.public_key_file: an unsigned manifest proves nothing",
                        "name the public key");
            return lock;
        }
    }

    /** What {@code edged precheck} is strict about. */
    public record Precheck(Duration certificateMargin, List<String> fileSystems) {

        static final Key<Duration> CERTIFICATE_MARGIN =
                Key.of(
                        "certificate_margin",
                        ValueType.duration(Duration.ZERO, Duration.ofDays(366)),
                        Duration.ofDays(7),
                        "How long certificates must still be valid; 168h are seven days.");

        static final Key<List<String>> FILE_SYSTEMS =
                Key.of(
                        "file_systems",
                        ValueType.list(
                                ValueType.text(
                                        Pattern.compile("[a-z0-9._-]{1,32}"),
                                        "1 to 32 of a-z, 0-9, ., _ and -"),
                                32),
                        List.of("btrfs", "ext4", "f2fs", "xfs"),
                        "What may hold the state directory, by the kernel's names.");

        static final Table TABLE =
                Table.of(
                        "precheck",
                        "What \"edged precheck\" is strict about.",
                        CERTIFICATE_MARGIN,
                        FILE_SYSTEMS);

        public Precheck {
            CERTIFICATE_MARGIN.require(certificateMargin);
            fileSystems = List.copyOf(FILE_SYSTEMS.require(fileSystems));
        }

        static Precheck read(Section section) {
            return new Precheck(section.get(CERTIFICATE_MARGIN), section.get(FILE_SYSTEMS));
        }
    }
}
