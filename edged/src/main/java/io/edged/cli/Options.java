package io.edged.cli;

import io.edged.admin.AdminOptions;
import io.edged.config.EdgeConfig;
import io.edged.config.EdgeConfig.Destination;
import io.edged.config.HostPort;
import io.edged.daemon.ExitCode;
import io.edged.daemon.ExitException;
import io.edged.daemon.LogFormat;
import io.edged.daemon.Version;
import io.edged.drain.CredentialFile;
import io.edged.drain.DeadLetterOptions;
import io.edged.drain.DestinationOptions;
import io.edged.drain.DrainOptions;
import io.edged.drain.DrainWindows;
import io.edged.drain.LanePolicy;
import io.edged.drain.ProxyServer;
import io.edged.drain.TlsFiles;
import io.edged.drain.UplinkLimits;
import io.edged.identity.Identity;
import io.edged.otlp.ContentEncoding;
import io.edged.otlp.Signal;
import io.edged.receiver.ReceiverOptions;
import io.edged.wal.Lanes;
import io.edged.wal.WalOptions;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Supplier;
import java.util.stream.Collectors;

import javax.net.ssl.SSLContext;

/** Turns the configuration into each part's own options: the only place that knows both. */
final class Options {

    /**
     * How often the log makes its cursors durable; what was delivered since is delivered again
     * after a crash.
     */
    private static final Duration CHECKPOINT_INTERVAL = Duration.ofSeconds(1);

    private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(10);

    /**
     * Frames that a destination refuses and that are stepped over before nothing further is read.
     */
    private static final int REFUSED_FRAMES = 1_000;

    /**
     * How many bytes may come out of one compressed byte: far above what telemetry compresses to.
     */
    private static final int INFLATION_RATIO = 256;

    private static final int MAX_PIPELINED_REQUESTS = 32;
    private static final int MAX_REQUEST_LINE_BYTES = 4 << 10;
    private static final int MAX_HEADER_BYTES = 8 << 10;
    private static final int MAX_EVENT_LOOPS = 4;

    private Options() {}

    static AdminOptions admin(EdgeConfig config) {
        return AdminOptions.at(address(config.admin().listen(), "admin.listen"));
    }

    static WalOptions wal(EdgeConfig config) {
        return new WalOptions(
                config.wal().segmentBytes(),
                config.storage().ceilingBytes(),
                config.storage().reserveBytes(),
                config.wal().queueBytes(),
                switch (config.wal().onCorruption()) {
                    case QUARANTINE -> WalOptions.OnCorruption.QUARANTINE;
                    case FAIL -> WalOptions.OnCorruption.FAIL;
                },
                switch (config.storage().policy()) {
                    case REJECT -> new WalOptions.OnFull.Reject();
                    case DROP_OLDEST -> dropOldest(lanes(config), config.storage().keepLanes());
                },
                CHECKPOINT_INTERVAL,
                lanes(config));
    }

    private static Lanes lanes(EdgeConfig config) {
        return new Lanes(
                config.drain().lanes().stream()
                        .map(lane ->
                                new Lanes.Rule(
                                        lane.name(),
                                        lane.kinds(),
                                        Arrays.stream(Signal.values())
                                                .filter(signal ->
                                                        lane.signals().contains(signal.label()))
                                                .toList(),
                                        lane.minSeverity()))
                        .toList());
    }

    static DeadLetterOptions deadLetters(EdgeConfig config) {
        return new DeadLetterOptions(
                config.deadLetter().ceilingBytes(), config.deadLetter().maxAge());
    }

    /**
     * The dead letters are a log like the other, only smaller; their limits they keep themselves.
     */
    static WalOptions letterLog(EdgeConfig config) {
        DeadLetterOptions letters = deadLetters(config);
        return new WalOptions(
                letters.segmentBytes(),
                letters.ceilingBytes(),
                config.storage().reserveBytes(),
                letters.segmentBytes(),
                wal(config).onCorruption(),
                new WalOptions.OnFull.Reject(),
                CHECKPOINT_INTERVAL);
    }

    private static WalOptions.OnFull dropOldest(Lanes lanes, List<String> keep) {
        Set<Integer> kept = keep.stream().map(lanes::indexOf).collect(Collectors.toSet());
        return new WalOptions.OnFull.DropOldest(frame -> kept.contains(lanes.of(frame)));
    }

    /** Where and how OTLP comes in. */
    static ReceiverOptions receiver(EdgeConfig config) {
        EdgeConfig.Receiver receiver = config.receiver();
        var listen = new ArrayList<InetSocketAddress>();
        receiver.http().ifPresent(http -> listen.add(address(http, "receiver.http")));
        receiver.grpc().ifPresent(grpc -> listen.add(address(grpc, "receiver.grpc")));
        return new ReceiverOptions(
                listen,
                Math.clamp(Runtime.getRuntime().availableProcessors() / 2, 1, MAX_EVENT_LOOPS),
                new ReceiverOptions.Limits(
                        Math.toIntExact(config.limits().bodyBytes()),
                        Math.toIntExact(config.limits().recordBytes()),
                        INFLATION_RATIO,
                        config.limits().memoryBytes(),
                        receiver.maxConnections(),
                        receiver.maxConnectionsPerClient(),
                        MAX_PIPELINED_REQUESTS,
                        MAX_REQUEST_LINE_BYTES,
                        MAX_HEADER_BYTES,
                        config.limits().clientItemsPerSecond(),
                        config.limits().clientBytesPerSecond()),
                new ReceiverOptions.Timeouts(
                        receiver.headerTimeout(),
                        receiver.bodyTimeout(),
                        receiver.idleTimeout(),
                        part(config.shutdown().deadline())),
                security(config),
                new ReceiverOptions.Cors(receiver.corsOrigins(), receiver.corsCredentials()),
                new ReceiverOptions.Forwarding(
                        receiver.forwardHeaders(),
                        receiver.tenantHeader(),
                        receiver.tenantFromToken()));
    }

    /** What clients may show. */
    static List<ReceiverOptions.Token> tokens(EdgeConfig config) {
        return config.receiver().bearerTokens().stream()
                .map(token -> new ReceiverOptions.Token(token.client(), token.token().reveal()))
                .toList();
    }

    private static ReceiverOptions.Security security(EdgeConfig config) {
        EdgeConfig.Receiver receiver = config.receiver();
        return new ReceiverOptions.Security(
                tokens(config),
                receiver.tlsCertFile()
                        .flatMap(certificates ->
                                receiver.tlsKeyFile()
                                        .map(key ->
                                                new ReceiverOptions.Tls(
                                                        certificates,
                                                        key,
                                                        receiver.tlsClientCaFile()))));
    }

    static DrainOptions drain(EdgeConfig config, Identity identity) {
        List<DestinationOptions> destinations =
                config.drain().destinations().stream()
                        .map(each -> destination(each, identity))
                        .toList();
        return new DrainOptions(
                config.node().id(),
                DrainOptions.DEFAULT_SERVICE_NAME,
                identity.resource(),
                destinations,
                config.drain().lanes().stream().map(Options::lanePolicy).toList(),
                config.drain().destinations().stream()
                        .collect(Collectors.toMap(Destination::name, Options::uplinkLimits)),
                part(config.shutdown().deadline()));
    }

    private static UplinkLimits uplinkLimits(Destination destination) {
        return new UplinkLimits(
                destination.bytesPerDay(),
                destination.bytesPerMonth(),
                new DrainWindows(
                        destination.windows().stream().map(DrainWindows::window).toList(),
                        ZoneId.of(destination.timeZone())),
                destination.maxAge(),
                Version.built());
    }

    private static LanePolicy lanePolicy(EdgeConfig.Lane lane) {
        return new LanePolicy(
                lane.name(), lane.sharePercent(), lane.order() == EdgeConfig.Lane.Order.NEWEST);
    }

    /**
     * Reads the files with credentials that the drain uses, as its start would.
     *
     * @throws ExitException one of them cannot be used
     */
    static void checkCredentials(EdgeConfig config) {
        for (Destination each : config.drain().destinations())
            if (each.protocol() != Destination.Protocol.FILE) {
                var _ = tls(each);
                var _ = bearer(each);
                var _ = proxy(each);
            }
    }

    private static DestinationOptions destination(Destination destination, Identity identity) {
        int batchBytes = Math.toIntExact(destination.batchBytes());
        return new DestinationOptions(
                destination.name(),
                route(destination, identity),
                new DestinationOptions.Batching(
                        compression(destination),
                        accepts(destination),
                        batchBytes,
                        destination.batchItems(),
                        (long) batchBytes * (destination.inFlight() + 2)),
                destination.inFlight(),
                new DestinationOptions.Retry(
                        destination.retryInitial(), destination.retryMax(), REFUSED_FRAMES),
                destination.bytesPerSecond());
    }

    private static DestinationOptions.Route route(Destination destination, Identity identity) {
        return switch (destination.protocol()) {
            case HTTP -> target(destination, identity, DestinationOptions.Protocol.HTTP);
            case GRPC -> target(destination, identity, DestinationOptions.Protocol.GRPC);
            case FILE ->
                    new DestinationOptions.Directory(
                            Path.of(destination.endpoint().getPath()),
                            destination.fileBytes(),
                            destination.fileAge(),
                            destination.fileCount(),
                            destination.fileMaxAge());
        };
    }

    private static DestinationOptions.Target target(
            Destination destination, Identity identity, DestinationOptions.Protocol protocol) {
        return new DestinationOptions.Target(
                protocol,
                destination.endpoint(),
                headers(destination, identity),
                destination.timeout(),
                CONNECT_TIMEOUT,
                tls(destination),
                bearer(destination),
                proxy(destination));
    }

    private static ContentEncoding compression(Destination destination) {
        // Files hold text.
        if (destination.protocol() == Destination.Protocol.FILE) return ContentEncoding.IDENTITY;
        return switch (destination.compression()) {
            case GZIP -> ContentEncoding.GZIP;
            case IDENTITY -> ContentEncoding.IDENTITY;
        };
    }

    private static Set<ContentEncoding> accepts(Destination destination) {
        var accepts = EnumSet.of(ContentEncoding.IDENTITY, compression(destination));
        if (destination.protocol() == Destination.Protocol.FILE) return accepts;
        for (ContentEncoding each : ContentEncoding.values())
            if (destination.accepts().contains(each.token())) accepts.add(each);
        return accepts;
    }

    private static Optional<Supplier<SSLContext>> tls(Destination destination) {
        var files =
                new TlsFiles(destination.caFile(), destination.certFile(), destination.keyFile());
        if (files.isDefault()) return Optional.empty();
        try {
            return Optional.of(files.open());
        } catch (TlsFiles.UnusableException e) {
            throw unusable(destination, e);
        }
    }

    private static Optional<CredentialFile> bearer(Destination destination) {
        try {
            return destination.bearerTokenFile().isPresent()
                    ? Optional.of(CredentialFile.bearer(destination.bearerTokenFile().get()))
                    : Optional.empty();
        } catch (IOException e) {
            throw unusable(destination, e);
        }
    }

    private static Optional<ProxyServer> proxy(Destination destination) {
        if (destination.proxy().isEmpty()) return Optional.empty();
        try {
            Optional<CredentialFile> credentials =
                    destination.proxyCredentialsFile().isPresent()
                            ? Optional.of(
                                    CredentialFile.basic(destination.proxyCredentialsFile().get()))
                            : Optional.empty();
            return Optional.of(ProxyServer.of(destination.proxy().get(), credentials));
        } catch (IOException e) {
            throw unusable(destination, e);
        }
    }

    private static ExitException unusable(Destination destination, Exception why) {
        return new ExitException(
                ExitCode.CERTIFICATES,
                "drain.destination \"" + destination.name() + "\": " + why.getMessage(),
                why);
    }

    private static Map<String, String> headers(Destination destination, Identity identity) {
        var headers = new TreeMap<>(identity.headers());
        destination.headers().forEach((name, value) -> headers.put(name, value.reveal()));
        return headers;
    }

    /** Receiver and drain close one after the other; what is left is for the log and for admin. */
    private static Duration part(Duration deadline) {
        return deadline.dividedBy(3);
    }

    static System.Logger.Level logLevel(EdgeConfig config) {
        return switch (config.log().level()) {
            case ERROR -> System.Logger.Level.ERROR;
            case WARN -> System.Logger.Level.WARNING;
            case INFO -> System.Logger.Level.INFO;
            case DEBUG -> System.Logger.Level.DEBUG;
        };
    }

    static LogFormat logFormat(EdgeConfig config) {
        return switch (config.log().format()) {
            case LOGFMT -> LogFormat.LOGFMT;
            case JSON -> LogFormat.JSON;
        };
    }

    private static InetSocketAddress address(HostPort listen, String key) {
        var address = new InetSocketAddress(listen.host(), listen.port());
        if (address.isUnresolved())
            throw new ExitException(
                    ExitCode.CONFIGURATION,
                    key
                            + " = \""
                            + listen
                            + "\": the host is unknown here; write an address such as 127.0.0.1");
        return address;
    }
}
