package io.edged.receiver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.edged.otlp.Requests;
import io.edged.receiver.ReceiverOptions.Security;
import io.edged.receiver.ReceiverOptions.Token;
import io.edged.wal.MemoryLog;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Optional;

/** Web pages that send telemetry, as bare requests. */
@Timeout(30)
class CorsTest {

    private static final String PAGE = "https://app.example";
    private static final String ALLOWED = "access-control-allow-origin";
    private static final byte[] LOGS = Requests.typicalLogs(3);

    private final MemoryLog log = new MemoryLog();

    @SuppressWarnings("NullAway.Init") // each test starts its own
    private Receiver receiver;

    @SuppressWarnings("NullAway.Init")
    private RawClient client;

    private void start(List<String> origins, boolean credentials) throws Exception {
        start(origins, credentials, Security.NONE);
    }

    private void start(List<String> origins, boolean credentials, Security security)
            throws Exception {
        receiver =
                Receiver.start(
                        ReceiverOptions.at(
                                        new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                                .withSecurity(security)
                                .withCors(new ReceiverOptions.Cors(origins, credentials)),
                        log,
                        new SimpleMeterRegistry());
        client = new RawClient(receiver.address());
    }

    @AfterEach
    void stop() throws Exception {
        client.close();
        receiver.close();
        log.close();
    }

    @Test
    void withoutConfigurationNoPageIsTold() throws Exception {
        start(List.of(), false);
        assertThat(preflight(PAGE).status()).isEqualTo(405);
        var answer = client.post("/v1/logs", LOGS, "Origin: " + PAGE).read();
        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.headers()).doesNotContainKeys(ALLOWED, "vary");
    }

    @Test
    void aListedPageMaySendAndReadItsAnswers() throws Exception {
        start(List.of("https://other.example", PAGE), false);
        var preflight = preflight(PAGE);
        assertThat(preflight.status()).isEqualTo(204);
        assertThat(preflight.header(ALLOWED)).isEqualTo(PAGE);
        assertThat(preflight.header("access-control-allow-methods")).isEqualTo("POST");
        assertThat(preflight.header("access-control-allow-headers"))
                .contains("content-type", "content-encoding", "authorization");
        assertThat(preflight.header("access-control-max-age")).isEqualTo("600");
        assertThat(preflight.header("vary")).isEqualTo("origin");
        for (byte[] body : new byte[][] {LOGS, {}, {1, 2, 3}}) {
            var answer = client.post("/v1/logs", body, "Origin: " + PAGE).read();
            assertThat(answer.header(ALLOWED)).isEqualTo(PAGE);
            assertThat(answer.header("access-control-expose-headers")).isEqualTo("retry-after");
            assertThat(answer.headers()).doesNotContainKey("access-control-allow-credentials");
        }
        assertThat(log.stored()).hasSize(1);
    }

    @Test
    void anotherPageIsServedButNotToldAndItsPreflightIsNone() throws Exception {
        start(List.of(PAGE), false);
        for (String origin :
                List.of("https://app.example.evil", "http://app.example", "null", "*")) {
            assertThat(preflight(origin).status()).isEqualTo(405);
            var answer = client.post("/v1/logs", LOGS, "Origin: " + origin).read();
            assertThat(answer.status()).isEqualTo(200);
            assertThat(answer.headers()).doesNotContainKey(ALLOWED);
            assertThat(answer.header("vary")).isEqualTo("origin");
        }
        var twice = client.post("/v1/logs", LOGS, "Origin: " + PAGE, "Origin: " + PAGE).read();
        assertThat(twice.headers()).doesNotContainKey(ALLOWED);
    }

    @Test
    void aStarMeansEveryPageAndNeverCredentials() throws Exception {
        start(List.of("*"), false);
        assertThat(preflight(PAGE).header(ALLOWED)).isEqualTo("*");
        assertThat(client.post("/v1/logs", LOGS, "Origin: " + PAGE).read().header(ALLOWED))
                .isEqualTo("*");
        assertThatThrownBy(() -> new ReceiverOptions.Cors(List.of("*"), true))
                .hasMessageContaining("every origin");
    }

    @Test
    void credentialsAreAllowedOnlyIfThatWasSaid() throws Exception {
        start(List.of(PAGE), true);
        assertThat(preflight(PAGE).header("access-control-allow-credentials")).isEqualTo("true");
        assertThat(client.post("/v1/logs", LOGS, "Origin: " + PAGE).read().headers())
                .containsEntry("access-control-allow-credentials", "true")
                .containsEntry(ALLOWED, PAGE);
    }

    @Test
    void aPreflightNeedsNoTokenAndTheRequestBehindItDoes() throws Exception {
        start(
                List.of(PAGE),
                false,
                new Security(List.of(new Token("web", "secret")), Optional.empty()));
        assertThat(preflight(PAGE).status()).isEqualTo(204);
        var refused = client.post("/v1/logs", LOGS, "Origin: " + PAGE).read();
        assertThat(refused.status()).isEqualTo(401);
        assertThat(refused.header(ALLOWED)).isEqualTo(PAGE);
    }

    @Test
    void pagesMaySendOverHttp2AsWell() throws Exception {
        start(List.of(PAGE), false);
        try (var http2 = new FrameClient(receiver.address())) {
            http2.frame(
                    FrameClient.HEADERS,
                    FrameClient.END_HEADERS | FrameClient.END_STREAM,
                    1,
                    FrameClient.block(
                            ":method", "OPTIONS",
                            ":scheme", "http",
                            ":path", "/v1/logs",
                            ":authority", "edge",
                            "origin", PAGE,
                            "access-control-request-method", "POST"));
            var preflight = http2.answer(1);
            assertThat(preflight.status()).isEqualTo("204");
            assertThat(preflight.header(ALLOWED)).isEqualTo(PAGE);
            http2.request(3, FrameClient.post("/v1/logs", "origin", PAGE), LOGS, 16_384);
            var answer = http2.answer(3);
            assertThat(answer.status()).isEqualTo("200");
            assertThat(answer.header(ALLOWED)).isEqualTo(PAGE);
        }
    }

    private RawClient.Response preflight(String origin) throws Exception {
        return client.send(
                        "OPTIONS /v1/logs HTTP/1.1\r\nHost: edge\r\nOrigin: "
                                + origin
                                + "\r\nAccess-Control-Request-Method: POST\r\n"
                                + "Access-Control-Request-Headers: content-type\r\n\r\n")
                .read();
    }
}
