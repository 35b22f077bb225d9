package io.edged.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.edged.sink.SinkOptions;
import io.edged.sink.SinkServer;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/** What a reload changes under a daemon that is at work. */
@Timeout(180)
class LiveReloadTest {

    @TempDir Path directory;
    private RunningFixture daemon;
    private String before;
    private final List<SinkServer> others = new ArrayList<>();

    @BeforeEach
    void start() throws Exception {
        daemon = RunningFixture.start(directory, true, "");
        before = Files.readString(daemon.config());
    }

    @AfterEach
    void stop() throws IOException {
        daemon.close();
        for (SinkServer other : others) other.close();
    }

    private SinkServer other(boolean silent) throws IOException {
        return other(RunningFixture.freePort(), silent);
    }

    private SinkServer other(int port, boolean silent) throws IOException {
        var other =
                SinkServer.start(
                        new SinkOptions(
                                new InetSocketAddress(InetAddress.getLoopbackAddress(), port),
                                Duration.ZERO,
                                silent ? Duration.ofHours(1) : Duration.ZERO,
                                true,
                                Optional.empty()));
        others.add(other);
        return other;
    }

    private static String destination(String name, int port) {
        return """

        [[drain.destination]]
        name = "%s"
        endpoint = "http://127.0.0.1:%d"
        retry_initial = "100ms"
        retry_max = "200ms"
        """
                .formatted(name, port);
    }

    private RunningFixture.Said reload(String config) throws IOException {
        Files.writeString(daemon.config(), config);
        return daemon.run("reload", "--config", daemon.config().toString());
    }

    /** Numbered records, one after the other, until it ends or one is refused. */
    private final class Traffic {
        private final AtomicBoolean ends = new AtomicBoolean();
        private final AtomicInteger sent = new AtomicInteger();
        private final Thread thread = Thread.ofPlatform().daemon().start(this::send);

        private void send() {
            try {
                while (!ends.get()) {
                    if (daemon.sendNumbered(sent.get() + 1) != 200) return;
                    sent.incrementAndGet();
                }
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
        }

        void atLeast(int more) {
            int enough = sent.get() + more;
            daemon.await("more records", () -> sent.get() >= enough);
        }

        /** Returns how many were sent. */
        int end() throws InterruptedException {
            assertThat(thread.isAlive()).as("nothing was refused").isTrue();
            ends.set(true);
            thread.join();
            return sent.get();
        }
    }

    private static long distinct(SinkServer sink) {
        try {
            return sink.stats().distinctIds();
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private String metrics() throws Exception {
        return daemon.get("/metrics").body();
    }

    private double pendingOf(String destination) throws Exception {
        return JsonTree.read(daemon.get("/status").body()).at("log", "ledger").elements().stream()
                .filter(row -> row.at("cursor").text().startsWith(destination + "/"))
                .mapToDouble(row -> row.at("pending").number())
                .sum();
    }

    @Test
    void aDestinationIsAddedWhileTrafficFlows() throws Exception {
        SinkServer second = other(false);
        var traffic = new Traffic();
        traffic.atLeast(50);
        RunningFixture.Said said =
                reload(before + destination("second", second.address().getPort()));
        assertThat(said.out())
                .contains("in force: drain.destination.second")
                .doesNotContain("not changed");
        assertThat(said.code()).isZero();
        traffic.atLeast(50);
        int sent = traffic.end();
        daemon.await("the delivery", () -> daemon.pending() == 0);
        assertThat(distinct(daemon.upstream())).isEqualTo(sent);
        // Nothing had been given back yet, so that the new one has it all, from the oldest.
        assertThat(distinct(second)).isEqualTo(sent);
        assertThat(second.stats().repeatedIds()).isZero();
        assertThat(metrics())
                .contains("edged_drain_circuit{destination=\"second\"} 0.0")
                .contains("edged_ledger_imbalance_items{destination=\"second\"} 0.0")
                .contains("edged_ledger_imbalance_items{destination=\"sink\"} 0.0")
                .contains("edged_health_ok{check=\"drain-second\",probe=\"readyz\"} 1.0");
        assertThat(daemon.get("/readyz/drain-second").statusCode()).isEqualTo(200);
    }

    @Test
    void aDestinationIsTakenOutAndWhatItHasNotHadStays() throws Exception {
        int port = RunningFixture.freePort();
        String both = before + destination("second", port);
        assertThat(reload(both).code()).isZero();
        var traffic = new Traffic();
        traffic.atLeast(50);
        RunningFixture.Said said = reload(before);
        assertThat(said.out()).contains("in force: drain.destination.second");
        assertThat(said.code()).isZero();
        traffic.atLeast(20);
        int sent = traffic.end();
        daemon.await("the delivery", () -> distinct(daemon.upstream()) == sent);

        // It is gone, but for what waits for it.
        assertThat(metrics())
                .doesNotContain("edged_drain_circuit{destination=\"second\"}")
                .doesNotContain("edged_drain_delivered_items_total{destination=\"second\"")
                .doesNotContain("drain-second")
                .contains("edged_drain_circuit{destination=\"sink\"} 0.0");
        assertThat(daemon.get("/readyz/drain-second").statusCode()).isEqualTo(404);
        assertThat(daemon.run("status", "--config", daemon.config().toString()).out())
                .doesNotContain("\n      second");
        double waiting = pendingOf("second");
        assertThat(waiting).isGreaterThanOrEqualTo(sent);

        // A restart finds the same.
        daemon.stopDaemon();
        daemon.startDaemon();
        assertThat(pendingOf("second")).isGreaterThanOrEqualTo(waiting);
        assertThat(metrics()).doesNotContain("drain-second");

        // And when it is back, it gets all of it.
        SinkServer second = other(port, false);
        assertThat(reload(both).code()).isZero();
        daemon.await("the delivery", () -> distinct(second) == sent);
        daemon.await("the delivery", () -> daemon.pending() == 0);
        assertThat(second.stats().missingIds()).isZero();
        assertThat(second.stats().repeatedIds()).isZero();
        assertThat(metrics()).contains("edged_ledger_imbalance_items{destination=\"second\"} 0.0");
    }

    @Test
    void whatWaitsForOneThatIsGoneIsGivenUpWhenItIsForgotten() throws Exception {
        String[] forget = {
            "drain", "forget", "--config", daemon.config().toString(), "--destination", "second"
        };
        assertThat(daemon.run(forget).err()).contains("nothing is kept for a destination second");
        assertThat(reload(before + destination("second", RunningFixture.freePort())).code())
                .isZero();
        var traffic = new Traffic();
        traffic.atLeast(30);
        traffic.end();
        assertThat(daemon.run(forget).err()).contains("second is in the configuration");
        assertThat(reload(before).code()).isZero();
        double waiting = pendingOf("second");
        assertThat(waiting).isGreaterThanOrEqualTo(30);

        RunningFixture.Said dry = daemon.run(forget);
        assertThat(dry.out()).contains("items wait for second, which --force gives up for good");
        assertThat(pendingOf("second")).isGreaterThanOrEqualTo(waiting);

        String[] force = Arrays.copyOf(forget, forget.length + 1);
        force[forget.length] = "--force";
        assertThat(daemon.run(force).out()).contains("that waited for second were given up");
        assertThat(pendingOf("second")).isZero();
        daemon.await(
                "the event",
                () ->
                        lastRecords(daemon.upstream())
                                .contains("what waited for destination second was given up"));
        daemon.stopDaemon();
        daemon.startDaemon();
        assertThat(pendingOf("second")).isZero();
    }

    @Test
    void anAddressChangesInTheMiddleOfARequest() throws Exception {
        SinkServer silent = other(true);
        String upstream = ":" + daemon.upstreamAddress().getPort() + "\"";
        String away = before.replace(upstream, ":" + silent.address().getPort() + "\"");
        var traffic = new Traffic();
        traffic.atLeast(30);
        assertThat(reload(away).out()).contains("in force: drain.destination.sink");
        daemon.await("a request", () -> refused(silent) > 0);
        traffic.atLeast(30);
        // The request that gets no answer is given up and goes to the other one.
        assertThat(reload(before).code()).isZero();
        traffic.atLeast(30);
        int sent = traffic.end();
        daemon.await("the delivery", () -> daemon.pending() == 0);
        assertThat(distinct(daemon.upstream())).isEqualTo(sent);
        assertThat(daemon.upstream().stats().missingIds()).isZero();
        assertThat(daemon.upstream().stats().repeatedBatchParts()).isZero();
        assertThat(metrics())
                .contains("edged_ledger_imbalance_items{destination=\"sink\"} 0.0")
                .contains("edged_drain_circuit{destination=\"sink\"} 0.0");
    }

    private static long refused(SinkServer sink) {
        try {
            return sink.stats().refused();
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void comingAndGoingIsToldUpstream() throws Exception {
        assertThat(reload(before + destination("second", 1)).code()).isZero();
        assertThat(reload(before).code()).isZero();
        daemon.await(
                "the events",
                () -> {
                    String told = lastRecords(daemon.upstream());
                    return told.contains("destination second was added")
                            && told.contains("destination second was taken out");
                });
    }

    private static String lastRecords(SinkServer sink) {
        try {
            return sink.stats().lastRecords().toString();
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void oneThatIsNotChangedGoesOnUndisturbed() throws Exception {
        long thread = threadOf("sink");
        SinkServer second = other(false);
        int port = second.address().getPort();
        assertThat(reload(before + destination("second", port)).code()).isZero();
        assertThat(reload(before + destination("second", port) + "batch_items = 17\n").out())
                .contains("in force: drain.destination.second")
                .doesNotContain("drain.destination.sink");
        assertThat(reload(before).code()).isZero();
        assertThat(threadOf("sink")).isEqualTo(thread);
    }

    private static long threadOf(String destination) {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().equals("drain-" + destination))
                .mapToLong(Thread::threadId)
                .max()
                .orElseThrow();
    }

    @Test
    void limitsOfTheReceiverChangeUnderAnOpenConnection() throws Exception {
        try (var connection =
                new Socket(daemon.receiver().getAddress(), daemon.receiver().getPort())) {
            assertThat(post(connection, 600 << 10)).isEqualTo(200);
            RunningFixture.Said said =
                    reload(
                            before.replace(
                                            "body_bytes = \"1 MiB\"",
                                            "body_bytes = \"512 KiB\", client_bytes_per_second ="
                                                    + " \"400 KiB\"")
                                    .replace(
                                            "events_socket = \"events.sock\"",
                                            "events_socket = \"events.sock\", max_connections = 2,"
                                                    + " max_connections_per_client = 3, header_timeout"
                                                    + " = \"5s\""));
            assertThat(said.out())
                    .contains("in force: limits.body_bytes")
                    .contains("in force: limits.client_bytes_per_second")
                    .contains("in force: receiver.max_connections\n")
                    .contains("in force: receiver.max_connections_per_client")
                    .contains("in force: receiver.header_timeout")
                    .doesNotContain("not changed");
            assertThat(post(connection, 500 << 10)).isEqualTo(200);
            assertThat(post(connection, 500 << 10)).isEqualTo(200);
            assertThat(post(connection, 500 << 10)).as("over its quota").isEqualTo(429);
            assertThat(postOnce(600 << 10)).isEqualTo(413);
            assertThat(reload(before).code()).isZero();
            assertThat(post(connection, 600 << 10)).isEqualTo(200);

            // What the open log cannot hold waits, and is named.
            said =
                    reload(
                            before.replace("body_bytes = \"1 MiB\"", "body_bytes = \"8 MiB\"")
                                    .replace("4 MiB", "16 MiB")
                                    .replace(
                                            "ceiling_bytes = \"64 MiB\"",
                                            "ceiling_bytes = \"1 GiB\""));
            assertThat(said.out())
                    .contains(
                            "not changed: limits.body_bytes: takes effect at the next start: the log")
                    .contains(
                            "not changed: wal.segment_bytes", "not changed: storage.ceiling_bytes");
            assertThat(said.code()).isEqualTo(75);
            assertThat(postOnce(1200 << 10)).isEqualTo(413);
            assertThat(post(connection, 600 << 10)).isEqualTo(200);
        }
    }

    /** Over a connection of its own, for one on which a body is announced too large is closed. */
    private int postOnce(int bytes) throws IOException {
        try (var connection =
                new Socket(daemon.receiver().getAddress(), daemon.receiver().getPort())) {
            return post(connection, bytes);
        }
    }

    /** A request of one log record of about that size; returns the status. */
    private static int post(Socket connection, int bytes) throws IOException {
        byte[] text = "x".repeat(bytes).getBytes(StandardCharsets.US_ASCII);
        byte[] body =
                io.opentelemetry.proto.collector.logs.v1.ExportLogsServiceRequest.newBuilder()
                        .addResourceLogs(
                                io.opentelemetry.proto.logs.v1.ResourceLogs.newBuilder()
                                        .addScopeLogs(
                                                io.opentelemetry.proto.logs.v1.ScopeLogs
                                                        .newBuilder()
                                                        .addLogRecords(
                                                                io.opentelemetry.proto.logs.v1
                                                                        .LogRecord.newBuilder()
                                                                        .setSeverityTextBytes(
                                                                                com.google.protobuf
                                                                                        .ByteString
                                                                                        .copyFrom(
                                                                                                text)))))
                        .build()
                        .toByteArray();
        var out = connection.getOutputStream();
        out.write(
                ("POST /v1/logs HTTP/1.1\r\nHost: edge\r\nContent-Type:"
                                + " application/x-protobuf\r\nContent-Length: "
                                + body.length
                                + "\r\n\r\n")
                        .getBytes(StandardCharsets.US_ASCII));
        out.write(body);
        InputStream in = connection.getInputStream();
        String status = line(in);
        int length = 0;
        for (String line = line(in); !line.isEmpty(); line = line(in))
            if (line.toLowerCase(java.util.Locale.ROOT).startsWith("content-length:"))
                length = Integer.parseInt(line.substring(15).strip());
        in.readNBytes(length);
        return Integer.parseInt(status.split(" ", -1)[1]);
    }

    private static String line(InputStream in) throws IOException {
        var text = new StringBuilder();
        for (int octet = in.read(); octet != '\n'; octet = in.read()) {
            if (octet < 0) throw new IOException("the connection was closed");
            if (octet != '\r') text.append((char) octet);
        }
        return text.toString();
    }

    @Test
    void aBadFileOrABadCertificateLeavesEverythingAsItIs() throws Exception {
        SinkServer second = other(false);
        String more = before + destination("second", second.address().getPort());
        Path good = Files.writeString(directory.resolve("good.toml"), before);
        long thread = threadOf("sink");
        for (String bad :
                List.of(
                        "log.level = \"debug\"\n" + more + "batch_itemz = 1\n",
                        // Sound by itself, but the file that it names is not there.
                        "log.level = \"debug\"\n"
                                + more.replace(
                                        "http://127.0.0.1:" + second.address().getPort(),
                                        "https://127.0.0.1:1")
                                + "ca_file = \"none.pem\"\n")) {
            Files.writeString(daemon.config(), bad);
            RunningFixture.Said said = daemon.run("reload", "--config", good.toString());
            assertThat(said.err()).contains("not reloaded");
            assertThat(said.code()).isEqualTo(1);
            assertThat(metrics()).doesNotContain("\"second\"");
            assertThat(daemon.get("/readyz?verbose").body()).doesNotContain("drain-second");
            assertThat(threadOf("sink")).isEqualTo(thread);
            assertThat(pendingOf("second")).isZero();
            assertThat(daemon.sendNumbered(1)).isEqualTo(200);
        }
        // Nothing of it was applied, so that all of it still is to be.
        assertThat(reload("log.level = \"debug\"\n" + more).out())
                .contains("in force: log.level", "in force: drain.destination.second");
        daemon.await("the delivery", () -> distinct(second) == 1);
    }

    @Test
    void refusedKeysAreNamedWithTheReasonUntilTheyAreTakenBack() throws Exception {
        String other =
                before.replace("dir = \"state\"", "dir = \"state\", keep_lanes = []")
                        .replace("http = \"127.0.0.1:0\"", "http = \"127.0.0.1:1\"")
                        .replace("segment_bytes = \"4 MiB\"", "segment_bytes = \"8 MiB\"")
                        .replace("name = \"sink\"", "name = \"sink\"\nbatch_items = 99");
        for (int i = 0; i < 2; i++) {
            RunningFixture.Said said = reload(other);
            assertThat(said.out())
                    .contains(
                            "not changed: receiver.http: takes effect at the next start: clients are"
                                    + " connected to this address")
                    .contains(
                            "not changed: wal.segment_bytes: takes effect at the next start: the log"
                                    + " was opened with it");
            if (i == 0) assertThat(said.out()).contains("in force: drain.destination.sink");
            else assertThat(said.out()).doesNotContain("in force");
            assertThat(said.code()).isEqualTo(75);
            assertThat(daemon.sendNumbered(i + 1)).isEqualTo(200);
        }
        RunningFixture.Said said = reload(before);
        assertThat(said.out()).contains("in force: drain.destination.sink");
        assertThat(said.code()).isZero();
    }
}
