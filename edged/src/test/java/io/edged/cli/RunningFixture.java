package io.edged.cli;

import io.edged.daemon.LifeCycle;
import io.edged.daemon.LogFormat;
import io.edged.daemon.Logging;
import io.edged.demo.RunningDaemon;
import io.edged.sink.SinkOptions;
import io.edged.sink.SinkServer;
import io.opentelemetry.proto.collector.logs.v1.ExportLogsServiceRequest;
import io.opentelemetry.proto.common.v1.AnyValue;
import io.opentelemetry.proto.common.v1.KeyValue;
import io.opentelemetry.proto.logs.v1.LogRecord;
import io.opentelemetry.proto.logs.v1.ResourceLogs;
import io.opentelemetry.proto.logs.v1.ScopeLogs;

import org.jspecify.annotations.Nullable;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import java.util.function.BooleanSupplier;

/**
 * A whole daemon in this process, with real sockets and files, and an upstream that can go away.
 */
final class RunningFixture implements AutoCloseable {

    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private HttpClient client = newClient();
    private final Logging logging =
            Logging.install(
                    System.Logger.Level.INFO, LogFormat.LOGFMT, new ByteArrayOutputStream());
    private final Path directory;
    private final InetSocketAddress upstream;
    private final int adminPort;
    private @Nullable SinkServer sink;
    private @Nullable RunningDaemon daemon;

    private RunningFixture(Path directory, InetSocketAddress upstream, int adminPort) {
        this.adminPort = adminPort;
        this.directory = directory;
        this.upstream = upstream;
    }

    /**
     * @param more lines of the configuration, before the tables
     */
    static RunningFixture start(Path directory, boolean withUpstream, String more)
            throws IOException {
        var upstream = new InetSocketAddress(InetAddress.getLoopbackAddress(), freePort());
        var fixture = new RunningFixture(directory, upstream, freePort());
        if (withUpstream) fixture.startUpstream();
        Files.writeString(fixture.config(), fixture.text(more));
        fixture.startDaemon();
        return fixture;
    }

    String text(String more) {
        return """
        node.id = "test"
        storage = { dir = "state", ceiling_bytes = "64 MiB", reserve_bytes = 0 }
        receiver = { http = "127.0.0.1:0", grpc = "127.0.0.1:0", events_socket = "events.sock" }
        admin = { listen = "127.0.0.1:%d", socket = "ctl.sock" }
        limits = { body_bytes = "1 MiB" }
        wal = { segment_bytes = "4 MiB" }
        %s
        [[drain.destination]]
        name = "sink"
        endpoint = "http://127.0.0.1:%d"
        retry_initial = "100ms"
        retry_max = "200ms"
        """
                .formatted(adminPort, more, upstream.getPort());
    }

    private RunningDaemon running() {
        return Objects.requireNonNull(daemon, "no daemon was started");
    }

    Path config() {
        return directory.resolve("edge.toml");
    }

    Path directory() {
        return directory;
    }

    private static HttpClient newClient() {
        return HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    }

    void startDaemon() {
        // Connections to the one before are of no use, and this client may wait for one for ever.
        client.shutdownNow();
        client = newClient();
        daemon = new Main(logging).run(config(), false, LifeCycle.unattached(PATIENCE));
    }

    /** Runs a command of the program as a user does. */
    Said run(String... arguments) {
        var out = new ByteArrayOutputStream();
        var err = new ByteArrayOutputStream();
        var program =
                new Program(
                        new PrintStream(out, true, StandardCharsets.UTF_8),
                        new PrintStream(err, true, StandardCharsets.UTF_8),
                        logging,
                        () -> LifeCycle.unattached(PATIENCE),
                        new Main(logging));
        int code = Edged.run(program, arguments).code();
        return new Said(
                code, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
    }

    /** What a command printed and how it left. */
    record Said(int code, String out, String err) {}

    InetSocketAddress receiver() {
        return running().otlp();
    }

    InetSocketAddress upstreamAddress() {
        return upstream;
    }

    SinkServer upstream() {
        return Objects.requireNonNull(sink, "the upstream is away");
    }

    void stopDaemon() {
        running().close();
    }

    void startUpstream() throws IOException {
        sink = SinkServer.start(SinkOptions.at(upstream));
    }

    void stopUpstream() throws IOException {
        upstream().close();
        sink = null;
    }

    static int freePort() throws IOException {
        try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    InetSocketAddress admin() {
        return running().admin();
    }

    HttpResponse<String> get(String path, String... headers) throws Exception {
        var request =
                HttpRequest.newBuilder(
                        URI.create("http://127.0.0.1:" + running().admin().getPort() + path));
        if (headers.length > 0) request.headers(headers);
        return client.send(request.build(), HttpResponse.BodyHandlers.ofString());
    }

    /** Sends log records and returns the status of the answer. */
    int sendLogs(int records) throws Exception {
        var scope = ScopeLogs.newBuilder();
        for (int i = 0; i < records; i++)
            scope.addLogRecords(LogRecord.newBuilder().setTimeUnixNano(i + 1));
        byte[] body =
                ExportLogsServiceRequest.newBuilder()
                        .addResourceLogs(ResourceLogs.newBuilder().addScopeLogs(scope))
                        .build()
                        .toByteArray();
        return post(body);
    }

    private int post(byte[] body) throws Exception {
        return client.send(
                        HttpRequest.newBuilder(
                                        URI.create(
                                                "http://127.0.0.1:"
                                                        + running().otlp().getPort()
                                                        + "/v1/logs"))
                                .header("content-type", "application/x-protobuf")
                                .POST(HttpRequest.BodyPublishers.ofByteArray(body))
                                .build(),
                        HttpResponse.BodyHandlers.discarding())
                .statusCode();
    }

    /** Sends one log record that a sink knows again by its number. */
    int sendNumbered(int number) throws Exception {
        byte[] body =
                ExportLogsServiceRequest.newBuilder()
                        .addResourceLogs(
                                ResourceLogs.newBuilder()
                                        .addScopeLogs(
                                                ScopeLogs.newBuilder()
                                                        .addLogRecords(
                                                                LogRecord.newBuilder()
                                                                        .addAttributes(
                                                                                attribute(
                                                                                        "edge.demo.run",
                                                                                        AnyValue
                                                                                                .newBuilder()
                                                                                                .setStringValue(
                                                                                                        "r")))
                                                                        .addAttributes(
                                                                                attribute(
                                                                                        "edge.demo.id",
                                                                                        AnyValue
                                                                                                .newBuilder()
                                                                                                .setIntValue(
                                                                                                        number))))))
                        .build()
                        .toByteArray();
        return post(body);
    }

    private static KeyValue.Builder attribute(String key, AnyValue.Builder value) {
        return KeyValue.newBuilder().setKey(key).setValue(value);
    }

    long pending() {
        return running().counts().waitingItems();
    }

    void await(String what, BooleanSupplier condition) {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() > deadline) throw new AssertionError("did not happen: " + what);
            Thread.onSpinWait();
            java.util.concurrent.locks.LockSupport.parkNanos(5_000_000);
        }
    }

    @Override
    public void close() throws IOException {
        client.close();
        running().close();
        if (sink != null) sink.close();
        logging.close();
    }
}
