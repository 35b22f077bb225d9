package io.edged.receiver;

import static org.assertj.core.api.Assertions.assertThat;

import io.edged.otlp.RpcStatus;
import io.edged.receiver.ReceiverOptions.Security;
import io.edged.receiver.ReceiverOptions.Token;
import io.edged.wal.Appender.Offer;
import io.edged.wal.MemoryLog;
import io.edged.wal.WalException;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.io.ByteArrayOutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.zip.GZIPOutputStream;

/** {@code POST /v1/events}, on real sockets. */
@Timeout(60)
class EventsOverHttpTest {

    private static final String JSON = "Content-Type: application/json";
    private static final String LINES = "Content-Type: application/x-ndjson";
    private static final String ONE = "{\"kind\":\"action\",\"name\":\"door.opened\"}";

    private final MemoryLog log = new MemoryLog();
    private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
    private Receiver receiver;
    private RawClient client;

    @BeforeEach
    void start() throws Exception {
        start(Security.NONE, 0);
    }

    private void start(Security security, int itemsPerSecond) throws Exception {
        var limits =
                new ReceiverOptions.Limits(
                        4 << 20, 1 << 20, 256, 16 << 20, 8, 0, 8, 4096, 8192, itemsPerSecond, 0);
        receiver =
                Receiver.start(
                        ReceiverOptions.at(
                                        new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                                .withLimits(limits)
                                .withSecurity(security),
                        log,
                        registry);
        client = new RawClient(receiver.address());
    }

    private void restart(Security security, int itemsPerSecond) throws Exception {
        client.close();
        receiver.close();
        registry.clear();
        start(security, itemsPerSecond);
    }

    @AfterEach
    void nothingIsLeftInUse() throws Exception {
        log.allow(Long.MAX_VALUE);
        client.close();
        receiver.close();
        log.close();
        assertThat(receiver.admission().reservedBytes()).isZero();
    }

    @Test
    void anObjectBecomesAnEntryAndItsNumberIsTheAnswer() throws Exception {
        var answer = post("{\n  \"kind\": \"action\",\n  \"name\": \"a } b\"\n}\n", JSON);
        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.header("content-type")).isEqualTo("application/json");
        assertThat(text(answer)).isEqualTo("{\"seqs\":[1]}");
        assertThat(log.events()).containsExactly("{\"kind\":\"action\",\"name\":\"a } b\"}");
        assertThat(counted("edged.receiver.items")).isEqualTo(1);
    }

    @Test
    void linesBecomeEntriesInTheirOrder() throws Exception {
        String lines = lines(1000);
        for (String type : List.of(LINES, JSON))
            assertThat(post(lines, type).status()).isEqualTo(200);
        assertThat(log.events()).hasSize(2000);
        assertThat(String.join("\n", log.events().subList(1000, 2000)) + "\n").isEqualTo(lines);
    }

    @Test
    void manyLinesAreConvertedAsideAndStillAnsweredInOrder() throws Exception {
        String large = lines(4096); // more than an event loop converts by itself
        assertThat(large.length()).isGreaterThan(RequestBody.CONVERTED_AT_ONCE_BYTES);
        byte[] body = bytes(large);
        client.post(Topic.EVENTS_PATH, body, LINES);
        client.post(Topic.EVENTS_PATH, bytes(ONE), JSON);
        client.post("/nothing", bytes(ONE), JSON);
        assertThat(text(client.read())).contains("\"seqs\":[").contains(",");
        assertThat(text(client.read())).contains("\"seqs\":[").doesNotContain(",");
        assertThat(client.read().status()).isEqualTo(404);
        assertThat(log.events()).hasSize(4097);
    }

    @Test
    void successIsToldOnlyWhenEveryEventIsDurable() throws Exception {
        log.allow(2);
        client.post(Topic.EVENTS_PATH, bytes(lines(3)), LINES);
        log.awaitWaiting(1);
        try (var other = new RawClient(receiver.address())) {
            assertThat(other.post("/nothing", new byte[0]).read().status()).isEqualTo(404);
        }
        assertThat(client.hasAnswer()).isFalse();
        log.allow(1);
        assertThat(text(client.read())).isEqualTo("{\"seqs\":[1,2,3]}");
    }

    @Test
    void oneBadEventRefusesTheWholeRequestAndIsNamed() throws Exception {
        var answer = post(lines(2) + "{\"kind\":7}\n" + lines(2), LINES);
        assertThat(answer.status()).isEqualTo(400);
        assertThat(text(answer))
                .contains("\"code\":" + RpcStatus.INVALID_ARGUMENT)
                .contains("event 3, which begins at byte ")
                .contains("kind must be");
        assertThat(log.offers()).isZero();
        assertThat(text(post(lines(1) + "nonsense\n" + lines(1), LINES))).contains("event 2");
        assertThat(text(post("[" + ONE + "]", JSON))).contains("an event is a JSON object");
        assertThat(text(post(ONE + "}" + ONE, LINES))).contains("event 2");
        assertThat(post("", JSON).status()).isEqualTo(400);
        assertThat(post(" \n", LINES).status()).isEqualTo(400);
        assertThat(log.offers()).isZero();
        assertThat(post(ONE, JSON).status()).isEqualTo(200); // still usable
    }

    @Test
    void tooManyAndTooLongEventsAreRefusedForGood() throws Exception {
        var answer = post(lines(4097), LINES);
        assertThat(answer.status()).isEqualTo(413);
        assertThat(answer.header("retry-after")).isEmpty();
        assertThat(text(answer)).contains("4096 events");
        String longest = "{\"kind\":\"a\",\"body\":\"" + "x".repeat((256 << 10) - 22) + "\"}";
        assertThat(longest).hasSize(256 << 10);
        assertThat(post(longest, JSON).status()).isEqualTo(200);
        answer = post(longest.replaceFirst("x", "xx"), JSON);
        assertThat(answer.status()).isEqualTo(413);
        assertThat(text(answer)).contains("too long");
    }

    @Test
    void compressedEventsAreTaken() throws Exception {
        var packed = new ByteArrayOutputStream();
        try (var out = new GZIPOutputStream(packed)) {
            out.write(bytes(lines(100)));
        }
        client.post(Topic.EVENTS_PATH, packed.toByteArray(), LINES, "Content-Encoding: gzip");
        assertThat(client.read().status()).isEqualTo(200);
        assertThat(log.events()).hasSize(100);
    }

    @Test
    void whenTheLogStopsTakingInTheMiddleTheAnswerSaysWhatIsDurable() throws Exception {
        log.answerAfter(2, Offer.FULL);
        var answer = post(lines(5), LINES);
        assertThat(answer.status()).isEqualTo(429);
        assertThat(answer.header("retry-after")).isNotEmpty();
        assertThat(text(answer)).contains("the first 2 of 5 events are durable");
        assertThat(log.events()).hasSize(2);
        assertThat(counted("edged.receiver.items")).isEqualTo(2);
        assertThat(counted("edged.receiver.refused.items")).isEqualTo(3);
    }

    @Test
    void backPressureIsAnsweredAsForOtlp() throws Exception {
        log.answer(Offer.BUSY);
        assertThat(post(ONE, JSON).status()).isEqualTo(429);
        log.answer(Offer.STOPPED);
        assertThat(post(ONE, JSON).status()).isEqualTo(503);
        log.answer(Offer.QUEUED);
        log.fail(new WalException(WalException.Code.STORAGE_FAILED, "the disk is gone"));
        var answer = post(lines(3), LINES);
        assertThat(answer.status()).isEqualTo(503);
        assertThat(text(answer)).contains("the disk failed");
    }

    @Test
    void tokensAndQuotasHoldForEventsToo() throws Exception {
        restart(new Security(List.of(new Token("door", "secret")), Optional.empty()), 10);
        assertThat(post(ONE, JSON).status()).isEqualTo(401);
        client.post(Topic.EVENTS_PATH, bytes(lines(30)), LINES, "Authorization: Bearer secret");
        assertThat(client.read().status()).isEqualTo(200);
        client.post(Topic.EVENTS_PATH, bytes(ONE), JSON, "Authorization: Bearer secret");
        var answer = client.read();
        assertThat(answer.status()).isEqualTo(429);
        assertThat(text(answer)).contains("quota");
    }

    @Test
    void otherTypesAndMethodsAreRefused() throws Exception {
        assertThat(post(ONE, "Content-Type: text/plain").status()).isEqualTo(415);
        client.send("GET /v1/events HTTP/1.1\r\nHost: e\r\n\r\n");
        assertThat(client.read().status()).isEqualTo(405);
    }

    @Test
    void eventsComeOverHttp2AsWell() throws Exception {
        try (var http2 = new FrameClient(receiver.address())) {
            byte[] head =
                    FrameClient.block(
                            ":method",
                            "POST",
                            ":scheme",
                            "http",
                            ":path",
                            "/v1/events",
                            ":authority",
                            "edge",
                            "content-type",
                            "application/x-ndjson");
            http2.request(1, head, bytes(lines(3)), 16_384);
            var answer = http2.answer(1);
            assertThat(answer.status()).isEqualTo("200");
            assertThat(StandardCharsets.UTF_8.decode(answer.body()).toString())
                    .isEqualTo("{\"seqs\":[1,2,3]}");
            http2.request(3, head, bytes(lines(2000)), 16_384);
            assertThat(http2.answer(3).status()).isEqualTo("200");
            http2.request(5, head, bytes("{}"), 16_384);
            assertThat(http2.answer(5).status()).isEqualTo("400");
            log.answerAfter(1, Offer.FULL);
            http2.request(7, head, bytes(lines(2)), 16_384);
            var partly = http2.answer(7);
            assertThat(partly.status()).isEqualTo("429");
            assertThat(StandardCharsets.UTF_8.decode(partly.body()).toString())
                    .contains("the first 1 of 2");
        }
        assertThat(log.events()).hasSize(2004);
    }

    private RawClient.Response post(String body, String type) throws Exception {
        return client.post(Topic.EVENTS_PATH, bytes(body), type).read();
    }

    private double counted(String name) {
        return registry.find(name).tag("signal", "events").counters().stream()
                .mapToDouble(c -> c.count())
                .sum();
    }

    private static String lines(int count) {
        return IntStream.range(0, count)
                .mapToObj(i -> "{\"kind\":\"action\",\"name\":\"n" + i + "\"}\n")
                .collect(Collectors.joining());
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static String text(RawClient.Response answer) {
        return StandardCharsets.UTF_8.decode(answer.body().duplicate()).toString();
    }
}
