package io.edged.packaging;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The daemon on a bad link: a real one, between two networks of this machine. {@code make
 * soak-link} runs it with the backlog of a long outage, and prints how long what is urgent took.
 */
class LinkTest {

    private static final int BACKLOG_MEBIBYTES = Integer.getInteger("link.backlog.mib", 6);
    private static final int ERRORS = Integer.getInteger("link.errors", 3);
    private static final int SINK_PORT = 4318;
    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(120);

    @TempDir Path directory;

    private final HttpClient http = HttpClient.newHttpClient();

    /** The daemon here, the sink there. */
    private final class Pair implements AutoCloseable {
        final URI sinkUri = URI.create("http://" + NetworkLink.THERE + ":" + SINK_PORT);
        final int receiver = Application.freePort();
        final URI admin = URI.create("http://127.0.0.1:" + Application.freePort());
        final Application sink;
        final Application daemon;

        Pair(NetworkLink link, String destination) throws Exception {
            sink =
                    link.start(
                            "sink",
                            "--listen",
                            NetworkLink.THERE + ":" + SINK_PORT,
                            "--discard-repeats");
            sink.awaitLine(line -> line.startsWith("sink listens"));
            Path config =
                    Files.writeString(
                            directory.resolve("edge.toml"),
                            """
                            node.id = "test"
                            storage = { dir = "state", ceiling_bytes = "4 GiB", reserve_bytes = 0 }
                            receiver.http = "127.0.0.1:%d"
                            admin.listen = "127.0.0.1:%d"
                            log.events = false

                            [[drain.destination]]
                            name = "sink"
                            endpoint = "http://%s:%d"
                            compression = "identity"
                            retry_initial = "100ms"
                            retry_max = "1s"
                            %s
                            """
                                    .formatted(
                                            receiver,
                                            admin.getPort(),
                                            NetworkLink.THERE,
                                            SINK_PORT,
                                            destination));
            daemon = Application.start("run", "--config", config.toString());
            daemon.awaitReady(admin);
        }

        void error(int id) throws Exception {
            var request =
                    HttpRequest.newBuilder(
                                    URI.create("http://127.0.0.1:" + receiver + "/v1/events"))
                            .header("Content-Type", "application/json")
                            .POST(
                                    HttpRequest.BodyPublishers.ofString(
                                            """
                                            {"kind":"error","attributes":\
                                            {"edge.demo.run":"errors","edge.demo.id":%d}}\
                                            """
                                                    .formatted(id)))
                            .build();
            assertThat(http.send(request, HttpResponse.BodyHandlers.discarding()).statusCode())
                    .isEqualTo(200);
        }

        /** Nanoseconds until so many errors were taken by the sink. */
        long await(int errors) throws Exception {
            long start = System.nanoTime();
            while (delivered("error") < errors) {
                if (System.nanoTime() - start > PATIENCE_NANOS)
                    throw new AssertionError(
                            delivered("error")
                                    + " errors were delivered, of "
                                    + errors
                                    + "; the daemon: "
                                    + daemon.lines()
                                    + "; the sink: "
                                    + sink.lines());
                Thread.sleep(5);
            }
            return System.nanoTime() - start;
        }

        /** Log records that the sink counts, each once. */
        long sinkLogs() throws Exception {
            Matcher match =
                    Pattern.compile("\"logs\"\\s*:\\s*(\\d+)")
                            .matcher(Application.get(sinkUri.resolve("/sink/stats")).body());
            assertThat(match.find()).isTrue();
            return Long.parseLong(match.group(1));
        }

        /** Items of a lane that the sink has taken. */
        long delivered(String lane) throws Exception {
            return metric("edged_drain_delivered_items_total{[^}]*lane=\"" + lane + "\"[^}]*}");
        }

        long metric(String series) throws Exception {
            Matcher match =
                    Pattern.compile(
                                    "^" + series.replace("{", "\\{") + " ([0-9.E+]+)",
                                    Pattern.MULTILINE)
                            .matcher(Application.get(admin.resolve("/metrics")).body());
            double sum = 0;
            while (match.find()) sum += Double.parseDouble(match.group(1));
            return Math.round(sum);
        }

        @Override
        public void close() {
            daemon.close();
            sink.close();
        }
    }

    /** Records of 1,000 a request, until so many mebibytes are acknowledged. */
    private static long fill(int receiver, int mebibytes) throws Exception {
        byte[] body = LoadGenerator.logs(1_000, 430, 1);
        long wanted = ((long) mebibytes << 20) / body.length;
        long accepted = 0;
        try (var load =
                new LoadGenerator(
                        new InetSocketAddress(InetAddress.getLoopbackAddress(), receiver),
                        8,
                        body)) {
            while (accepted < wanted) accepted += load.run(200).accepted();
        }
        return accepted * 1_000;
    }

    @Test
    void anErrorOvertakesTheBacklogOfAnOutageOnAMegabyteASecond() throws Exception {
        try (var link = NetworkLink.open();
                var pair = new Pair(link, "in_flight = 4")) {
            link.bitsPerSecond(8_000_000);
            link.down();
            long backlog = fill(pair.receiver, BACKLOG_MEBIBYTES);
            pair.error(1);
            link.up();
            double[] millis = new double[ERRORS];
            for (int i = 0; i < ERRORS; i++) {
                if (i > 0) pair.error(i + 1);
                millis[i] = (double) pair.await(i + 1) / 1e6;
                // The link carries 2,000 records a second: the error stood behind few of them.
                assertThat(pair.delivered("logs"))
                        .as("records before error %d, of %d", i + 1, backlog)
                        .isLessThan(backlog / 2);
                if (i < ERRORS - 1) Thread.sleep(200); // some of the backlog, between two errors
            }
            for (int i = 0; i < ERRORS; i++)
                System.out.printf(
                        Locale.ROOT,
                        "error %d behind a backlog of %d MiB: %.0f ms%n",
                        i + 1,
                        BACKLOG_MEBIBYTES,
                        millis[i]);
        }
    }

    @Test
    void aThirdOfThePacketsLostAtModemSpeedLosesNothing() throws Exception {
        try (var link = NetworkLink.open();
                var pair = new Pair(link, "timeout = \"10s\"")) {
            link.bitsPerSecond(64_000);
            link.loses(0.3);
            int errors = 20;
            for (int i = 1; i <= errors; i++) pair.error(i);
            pair.await(errors);
            assertThat(pair.sinkLogs()).isEqualTo(errors);
            assertThat(pair.metric("edged_drain_request_seconds_count{[^}]*}"))
                    .as("requests, a storm?")
                    .isLessThan(3L * errors);
        }
    }
}
