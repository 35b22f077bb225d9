package io.edged.admin;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.JsonFactory;

import io.edged.daemon.Health;
import io.edged.daemon.Health.Check;
import io.edged.daemon.Health.Failed;
import io.edged.daemon.Health.Kind;
import io.edged.daemon.Version;
import io.micrometer.core.instrument.Gauge;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.zip.GZIPInputStream;

class AdminServerTest {
    private static final String OPEN_METRICS =
            "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";

    private final Metrics metrics = new Metrics();
    private final Health health = new Health(System::nanoTime);
    private final Status status = new Status();
    private final HttpClient client =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private AdminServer server;

    @BeforeEach
    void start() throws IOException {
        // Longer than the clients wait: nothing may end by running out of time unless a test means
        // it.
        server = start(Duration.ofMinutes(10), Duration.ofMinutes(10));
    }

    private AdminServer start(Duration exchange, Duration render) throws IOException {
        var address = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
        return AdminServer.start(
                new AdminOptions(address, 4, exchange, render),
                metrics,
                health,
                status,
                new Commands());
    }

    @AfterEach
    void stop() {
        client.close();
        server.close();
        metrics.close();
    }

    private HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(
                URI.create("http://127.0.0.1:" + server.address().getPort() + path));
    }

    private HttpResponse<String> get(String path) throws Exception {
        return client.send(
                request(path).build(), HttpResponse.BodyHandlers.ofString(StandardCharsets.UTF_8));
    }

    /** Sends bytes as they are and reads until the server closes. */
    private String raw(String request) throws IOException {
        try (var socket = new Socket(server.address().getAddress(), server.address().getPort())) {
            socket.setSoTimeout(30_000);
            socket.getOutputStream().write(request.getBytes(StandardCharsets.ISO_8859_1));
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
        }
    }

    @Test
    void metricsComeInTheOlderTextByDefault() throws Exception {
        metrics.registry().counter("edged.test.things").increment(3);
        var response = get("/metrics");
        assertThat(response.statusCode()).isEqualTo(200);
        assertThat(response.headers().firstValue("content-type"))
                .hasValue("text/plain; version=0.0.4; charset=utf-8");
        assertThat(response.body())
                .contains("# TYPE edged_test_things_total counter\nedged_test_things_total 3.0\n")
                .contains("jvm_memory_used_bytes")
                .contains("process_uptime_seconds")
                .containsPattern(
                        "edged_build_info\\{arch=\"[^\"]+\",java=\"[^\"]+\",version=\""
                                + Version.current().replace(".", "\\.")
                                + "\"} 1");
    }

    @Test
    void openMetricsComesToWhomPrefersIt() throws Exception {
        var response =
                client.send(
                        request("/metrics").header("accept", OPEN_METRICS).build(),
                        HttpResponse.BodyHandlers.ofString());
        assertThat(response.headers().firstValue("content-type"))
                .hasValue("application/openmetrics-text; version=1.0.0; charset=utf-8");
        assertThat(response.body()).endsWith("# EOF\n");
    }

    @Test
    void bodiesAreCompressedOnRequest() throws Exception {
        var response =
                client.send(
                        request("/metrics").header("accept-encoding", "br, gzip").build(),
                        HttpResponse.BodyHandlers.ofByteArray());
        assertThat(response.headers().firstValue("content-encoding")).hasValue("gzip");
        String body =
                new String(
                        new GZIPInputStream(new ByteArrayInputStream(response.body()))
                                .readAllBytes(),
                        StandardCharsets.UTF_8);
        assertThat(body).contains("edged_build_info");
    }

    @Test
    void healthAnswersAsKubernetesDoes() throws Exception {
        assertThat(get("/livez").body()).isEqualTo("ok");
        assertThat(get("/readyz").statusCode()).isEqualTo(503);
        assertThat(get("/readyz").body())
                .isEqualTo("[-]lifecycle failed: starting\nreadyz check failed\n");
        health.ready();
        assertThat(get("/readyz").body()).isEqualTo("ok");
        health.register(Check.of("disk", Kind.READY, () -> new Failed("the disk\nis full")));
        assertThat(get("/readyz").statusCode()).isEqualTo(503);
        assertThat(get("/readyz").body())
                .isEqualTo(
                        "[-]disk failed: the disk is full\n[+]lifecycle ok\nreadyz check failed\n");
        assertThat(get("/livez?verbose").body()).isEqualTo("livez check passed\n");
    }

    @Test
    void checksCanBeExcludedAndUnknownNamesAreWarnedOf() throws Exception {
        health.ready();
        health.register(Check.of("disk", Kind.READY, () -> new Failed("full")));
        health.register(Check.of("upstream", Kind.READY, () -> new Failed("gone")));
        assertThat(get("/readyz?exclude=disk").statusCode()).isEqualTo(503);
        var response = get("/readyz?exclude=disk&exclude=upstream&exclude=x%22y&verbose");
        assertThat(response.statusCode()).isEqualTo(200);
        assertThat(response.body())
                .isEqualTo(
                        """
                        [+]disk excluded: full
                        [+]lifecycle ok
                        [+]upstream excluded: gone
                        warn: no check to exclude has the name "x"y"
                        readyz check passed
                        """);
    }

    @Test
    void singleChecksHaveTheirOwnPath() throws Exception {
        health.register(Check.of("disk", Kind.READY, () -> new Failed("full")));
        health.register(Check.of("loop", Kind.LIVE, Health.Ok::new));
        assertThat(get("/livez/loop").body()).isEqualTo("ok");
        assertThat(get("/readyz/disk").statusCode()).isEqualTo(503);
        assertThat(get("/readyz/disk").body()).isEqualTo("[-]disk failed: full");
        assertThat(get("/readyz/loop").statusCode()).isEqualTo(404);
    }

    @Test
    void statusIsJsonAndAFailingSectionLeavesTheOthersAlone() throws Exception {
        status.add("wal", json -> json.writeNumberField("segments", 3));
        status.add(
                "broken",
                json -> {
                    json.writeStringField("half", "written");
                    throw new IOException("no \"figures\"");
                });
        var response = get("/status");
        assertThat(response.headers().firstValue("content-type")).hasValue("application/json");
        try (var parser = new JsonFactory().createParser(response.body())) {
            while (parser.nextToken() != null) assertThat(parser.currentToken()).isNotNull();
        }
        assertThat(response.body())
                .contains("\"wal\": {\"segments\":3}")
                .contains("\"version\":\"" + Version.current() + "\"")
                .contains("\"broken\": {\"error\":\"java.io.IOException: no \\\"figures\\\"\"}");
    }

    @Test
    void headHasTheHeaderOfGetAndNoBody() throws Exception {
        var get = get("/livez");
        var head =
                client.send(request("/livez").HEAD().build(), HttpResponse.BodyHandlers.ofString());
        assertThat(head.statusCode()).isEqualTo(200);
        assertThat(head.body()).isEmpty();
        assertThat(head.headers().map()).isEqualTo(get.headers().map());
    }

    @Test
    void otherMethodsAndPathsAreRefused() throws Exception {
        var post =
                client.send(
                        request("/metrics").POST(HttpRequest.BodyPublishers.ofString("x")).build(),
                        HttpResponse.BodyHandlers.ofString());
        assertThat(post.statusCode()).isEqualTo(405);
        assertThat(post.headers().firstValue("allow")).hasValue("GET, HEAD");
        assertThat(get("/nothing").statusCode()).isEqualTo(404);
        assertThat(get("/livezz").statusCode()).isEqualTo(404);
        assertThat(get("/").body()).contains("/metrics");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "GET /livez?exclude=%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
                "GET /%ff%fe?%=%& HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
                "GET http://[::1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
                "GET // HTTP/1.1\r\nConnection: close\r\n\r\n",
                "nonsense\r\n\r\n",
                "\0\1\2\r\n\r\n",
            })
    void malformedRequestsAreAnsweredAndHarmNobody(String request) throws Exception {
        assertThat(raw(request)).matches("(?s)HTTP/1\\.[01] (400|404) .*");
        assertThat(get("/livez").body()).isEqualTo("ok");
    }

    @Test
    void largeHeadersAndBodiesAreRefused() throws Exception {
        assertThat(raw("GET /livez HTTP/1.1\r\nX: " + "x".repeat(9000) + "\r\n\r\n"))
                .startsWith("HTTP/1.1 400 ");
        assertThat(raw("GET /" + "x".repeat(5000) + " HTTP/1.1\r\n\r\n"))
                .startsWith("HTTP/1.1 400 ");
        assertThat(raw("GET /livez HTTP/1.1\r\nConnection: close\r\nContent-Length: 5000\r\n\r\n"))
                .startsWith("HTTP/1.1 413 ");
        assertThat(get("/livez").body()).isEqualTo("ok");
    }

    @Test
    void connectionsAboveTheLimitAreClosedAndRoomComesBack() throws Exception {
        var open = new ArrayList<Socket>();
        for (int i = 0; i < 4; i++) open.add(keptAlive());
        try (var extra = new Socket(server.address().getAddress(), server.address().getPort())) {
            extra.setSoTimeout(30_000);
            assertThat(extra.getInputStream().read()).isEqualTo(-1);
        }
        for (Socket socket : open) {
            socket.shutdownOutput();
            assertThat(socket.getInputStream().readAllBytes()).isEmpty();
            socket.close();
        }
        assertThat(get("/livez").body()).isEqualTo("ok");
    }

    /** A connection that has had one answer, so that the server has counted it. */
    private Socket keptAlive() throws IOException {
        var socket = new Socket(server.address().getAddress(), server.address().getPort());
        socket.getOutputStream()
                .write("GET /livez HTTP/1.1\r\nHost: x\r\n\r\n".getBytes(StandardCharsets.UTF_8));
        var answer = new StringBuilder();
        while (!answer.toString().endsWith("\r\n\r\nok"))
            answer.append((char) socket.getInputStream().read());
        return socket;
    }

    @Test
    void aConnectionThatDripsIsClosed() throws Exception {
        server.close();
        server = start(Duration.ofMillis(200), Duration.ofSeconds(20));
        assertThat(raw("GET /livez HTTP/1.1\r\nHo")).isEmpty();
    }

    @Test
    void aGaugeThatHangsTakesNeitherHealthNorTheConnectionWithIt() throws Exception {
        server.close();
        server = start(Duration.ofMinutes(10), Duration.ofMillis(200));
        var hanging = new CountDownLatch(1);
        var goOn = new CountDownLatch(1);
        Gauge.builder(
                        "edged.test.hang",
                        () -> {
                            hanging.countDown();
                            try {
                                return goOn.await(60, TimeUnit.SECONDS) ? 1 : 0;
                            } catch (InterruptedException e) {
                                return 0;
                            }
                        })
                .register(metrics.registry());
        var scrape =
                client.sendAsync(request("/metrics").build(), HttpResponse.BodyHandlers.ofString());
        hanging.await();
        assertThat(get("/livez").body()).isEqualTo("ok");
        assertThat(scrape.get().statusCode()).isEqualTo(503);
        assertThat(scrape.get().body()).contains("too long");
        goOn.countDown();
    }

    @Test
    void aPortThatIsTakenIsNamed() {
        assertThatThrownBy(() ->
                        AdminServer.start(
                                AdminOptions.at(server.address()),
                                metrics,
                                health,
                                status,
                                new Commands()))
                .isInstanceOf(IOException.class)
                .hasMessageContaining(Integer.toString(server.address().getPort()));
    }

    @Test
    void promtoolFindsNothingToSay() throws Exception {
        var promtool =
                java.util.Arrays.stream(System.getenv("PATH").split(":", -1))
                        .map(directory -> java.nio.file.Path.of(directory, "promtool"))
                        .filter(java.nio.file.Files::isExecutable)
                        .findFirst();
        if (promtool.isEmpty()) System.out.println("SKIP promtool is not on this machine");
        org.junit.jupiter.api.Assumptions.assumeTrue(promtool.isPresent(), "no promtool");
        String body = get("/metrics").body();
        var process =
                new ProcessBuilder(promtool.orElseThrow().toString(), "check", "metrics")
                        .redirectErrorStream(true)
                        .start();
        try (var in = process.getOutputStream()) {
            in.write(body.getBytes(StandardCharsets.UTF_8));
        }
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(said).isZero();
    }
}
