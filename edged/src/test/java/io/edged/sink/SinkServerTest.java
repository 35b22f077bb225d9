package io.edged.sink;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.edged.otlp.Signal;
import io.opentelemetry.exporter.otlp.logs.OtlpGrpcLogRecordExporter;
import io.opentelemetry.sdk.logs.SdkLoggerProvider;
import io.opentelemetry.sdk.logs.export.SimpleLogRecordProcessor;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.zip.GZIPOutputStream;

class SinkServerTest {
    private static final InetSocketAddress ANY =
            new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
    private static final String BATCH = "edge-0001/0123456789abcdef/logs/logs ";

    @TempDir private Path directory;
    private final HttpClient client =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private SinkServer sink;

    @BeforeEach
    void start() throws IOException {
        sink = SinkServer.start(SinkOptions.at(ANY));
    }

    @AfterEach
    void stop() throws IOException {
        client.close();
        sink.close();
    }

    private void restart(boolean discardRepeats, Optional<Path> record) throws IOException {
        sink.close();
        sink =
                SinkServer.start(
                        new SinkOptions(ANY, Duration.ZERO, Duration.ZERO, discardRepeats, record));
    }

    private HttpRequest.Builder to(String path) {
        return HttpRequest.newBuilder(
                URI.create("http://127.0.0.1:" + sink.address().getPort() + path));
    }

    private HttpRequest.Builder upload(byte[] body) {
        return to("/v1/logs")
                .header("content-type", "application/x-protobuf")
                .POST(HttpRequest.BodyPublishers.ofByteArray(body));
    }

    private HttpResponse<String> send(HttpRequest.Builder request) throws Exception {
        return client.send(request.build(), HttpResponse.BodyHandlers.ofString());
    }

    private static byte[] gzip(byte[] body) throws IOException {
        var bytes = new ByteArrayOutputStream();
        try (var out = new GZIPOutputStream(bytes)) {
            out.write(body);
        }
        return bytes.toByteArray();
    }

    private HttpResponse<String> post(String path) throws Exception {
        return send(to(path).POST(HttpRequest.BodyPublishers.noBody()));
    }

    @Test
    void itemsAreCountedAndShown() throws Exception {
        var response = send(upload(OtlpWalkTest.logs("r", 1, 2, 3)));
        assertThat(response.statusCode()).isEqualTo(200);
        assertThat(response.headers().firstValue("content-type"))
                .hasValue("application/x-protobuf");
        var stats = sink.stats();
        assertThat(stats.requests()).isEqualTo(1);
        assertThat(stats.items()).containsEntry(Signal.LOGS, 3L);
        assertThat(stats.lastRecords())
                .containsExactly("logs #1 record 1", "logs #2 record 2", "logs #3 record 3");
        assertThat(send(to("/sink/stats")).body())
                .contains("\"distinct_ids\" : 3", "\"missing_ids\" : 0", "logs #3 record 3");
    }

    @Test
    void compressedBodiesAreReadAlsoInSeveralMembers() throws Exception {
        var two = new ByteArrayOutputStream();
        two.write(gzip(OtlpWalkTest.logs("r", 1, 2)));
        two.write(gzip(OtlpWalkTest.logs("r", 3)));
        assertThat(send(upload(two.toByteArray()).header("content-encoding", "gzip")).statusCode())
                .isEqualTo(200);
        assertThat(sink.stats().distinctIds()).isEqualTo(3);
    }

    @ParameterizedTest
    @ValueSource(strings = {"none", "gzip"})
    void gRpcArrivesOnTheSamePort(String compression) throws Exception {
        try (var exporter =
                        OtlpGrpcLogRecordExporter.builder()
                                .setEndpoint("http://127.0.0.1:" + sink.address().getPort())
                                .setCompression(compression)
                                .setRetryPolicy(null)
                                .setTimeout(Duration.ofHours(1))
                                .build();
                var logs =
                        SdkLoggerProvider.builder()
                                .addLogRecordProcessor(SimpleLogRecordProcessor.create(exporter))
                                .build()) {
            var logger = logs.get("test");
            // More than a window of HTTP/2.
            logger.logRecordBuilder().setBody("x".repeat(3 << 20)).emit();
            assertThat(logs.forceFlush().join(20, TimeUnit.SECONDS).isSuccess()).isTrue();
            assertThat(sink.stats().items()).containsEntry(Signal.LOGS, 1L);
            assertThat(post("/sink/fail?seconds=60&status=503").statusCode()).isEqualTo(200);
            logger.logRecordBuilder().setBody("refused").emit();
            var refused = logs.forceFlush().join(20, TimeUnit.SECONDS);
            assertThat(refused.isDone()).isTrue();
            assertThat(refused.isSuccess()).isFalse();
            assertThat(sink.stats().refused()).isEqualTo(1);
            assertThat(post("/sink/ok").statusCode()).isEqualTo(200);
            logger.logRecordBuilder().setBody("again").emit();
            assertThat(logs.forceFlush().join(20, TimeUnit.SECONDS).isSuccess()).isTrue();
            assertThat(sink.stats().items()).containsEntry(Signal.LOGS, 2L);
        }
    }

    @Test
    void repeatsAndHolesAreToldByNumber() throws Exception {
        send(upload(OtlpWalkTest.logs("r", 1, 2, 5)));
        send(upload(OtlpWalkTest.logs("r", 2, 5, 70_000)));
        send(upload(OtlpWalkTest.logs("other", 1)));
        var run = sink.stats().runs().getFirst();
        assertThat(run).isEqualTo(new SinkStats.Run("r", Signal.LOGS, 4, 2, 70_000, 0));
        assertThat(run.missing()).isEqualTo(70_000 - 4);
        assertThat(sink.stats().distinctIds()).isEqualTo(5);
    }

    @Test
    void numbersThatAreTooLargeAreCountedNotRemembered() throws Exception {
        send(upload(OtlpWalkTest.logs("r", Long.MAX_VALUE, -1)));
        assertThat(sink.stats().runs())
                .containsExactly(new SinkStats.Run("r", Signal.LOGS, 0, 0, 0, 2));
    }

    @Test
    void repeatsAreToldByBatchAndCountedAllTheSame() throws Exception {
        send(upload(OtlpWalkTest.logs("r", 1)).header("edge-batch", BATCH + "1-3"));
        send(upload(OtlpWalkTest.logs("r", 1)).header("edge-batch", BATCH + "2-5"));
        send(upload(OtlpWalkTest.logs("r", 1)).header("edge-batch", "nonsense"));
        var stats = sink.stats();
        assertThat(stats.batchParts()).isEqualTo(7);
        assertThat(stats.repeatedBatchParts()).isEqualTo(2);
        assertThat(stats.badBatchHeaders()).isEqualTo(1);
        assertThat(stats.repeatedIds()).isEqualTo(2);
        assertThat(stats.discarded()).isZero();
    }

    @Test
    void onlyWholeRepeatsAreDiscardedAndOnlyOnRequest() throws Exception {
        restart(true, Optional.empty());
        send(upload(OtlpWalkTest.logs("r", 1)).header("edge-batch", BATCH + "1-3"));
        send(upload(OtlpWalkTest.logs("r", 1)).header("edge-batch", BATCH + "1,2,3"));
        send(upload(OtlpWalkTest.logs("r", 1)).header("edge-batch", BATCH + "1-4"));
        var stats = sink.stats();
        assertThat(stats.discarded()).isEqualTo(1);
        assertThat(stats.items()).containsEntry(Signal.LOGS, 2L);
    }

    @Test
    void whatWasRefusedIsNotRecorded() throws Exception {
        post("/sink/fail?seconds=60&status=429&retryAfter=7");
        var refused = send(upload(OtlpWalkTest.logs("r", 1)).header("edge-batch", BATCH + "1"));
        assertThat(refused.statusCode()).isEqualTo(429);
        assertThat(refused.headers().firstValue("retry-after")).hasValue("7");
        assertThat(send(upload(OtlpWalkTest.logs("r", 1))).statusCode()).isEqualTo(429);
        assertThat(sink.stats().refused()).isEqualTo(2);
        assertThat(sink.stats().batchParts()).isZero();
        post("/sink/ok");
        assertThat(
                        send(upload(OtlpWalkTest.logs("r", 1)).header("edge-batch", BATCH + "1"))
                                .statusCode())
                .isEqualTo(200);
        assertThat(sink.stats().repeatedBatchParts()).isZero();
        assertThat(sink.stats().repeatedIds()).isZero();
    }

    @Test
    void aSilentSinkTakesTheRequestAndSaysNothing() throws Exception {
        post("/sink/silent?seconds=60");
        var request = upload(OtlpWalkTest.logs("r", 1)).timeout(Duration.ofMillis(300));
        assertThatThrownBy(() -> send(request)).isInstanceOf(HttpTimeoutException.class);
        assertThat(sink.stats().refused()).isEqualTo(1);
        assertThat(sink.stats().allItems()).isZero();
        post("/sink/ok");
        assertThat(send(upload(OtlpWalkTest.logs("r", 1))).statusCode()).isEqualTo(200);
    }

    @Test
    void badUploadsAreRefusedWithAReason() throws Exception {
        assertThat(send(upload(new byte[] {1, 2, 3})).statusCode()).isEqualTo(400);
        assertThat(send(upload(new byte[] {0x0a, 100})).body()).contains("not an OTLP request");
        assertThat(send(upload(new byte[] {1}).header("content-encoding", "gzip")).statusCode())
                .isEqualTo(400);
        assertThat(send(upload(new byte[] {1}).header("content-encoding", "br")).statusCode())
                .isEqualTo(415);
        assertThat(
                        send(to("/v1/logs").POST(HttpRequest.BodyPublishers.ofString("{}")))
                                .statusCode())
                .isEqualTo(415);
        assertThat(send(to("/v1/logs")).statusCode()).isEqualTo(405);
        assertThat(send(to("/other")).statusCode()).isEqualTo(404);
        assertThat(post("/sink/fail?seconds=no").statusCode()).isEqualTo(400);
        assertThat(post("/sink/fail?seconds=99999999").statusCode()).isEqualTo(400);
        assertThat(sink.stats().requests()).isZero();
    }

    @Test
    void aBombIsCutAtTheLimit() throws Exception {
        var bomb = new ByteArrayOutputStream();
        try (var out = new GZIPOutputStream(bomb)) {
            byte[] zeros = new byte[1 << 20];
            for (int i = 0; i < 65; i++) out.write(zeros);
        }
        var response = send(upload(bomb.toByteArray()).header("content-encoding", "gzip"));
        assertThat(response.statusCode()).isEqualTo(413);
    }

    @Test
    void recordsAreInTheFileWhenTheStatsSaySo() throws Exception {
        Path record = directory.resolve("ids");
        restart(false, Optional.of(record));
        send(upload(OtlpWalkTest.logs("r", 1, 2, 2)));
        send(to("/sink/stats"));
        assertThat(Files.readAllLines(record)).containsExactly("r logs 1", "r logs 2", "r logs 2");
    }

    @Test
    void whatIsShownCannotSteerATerminal() throws Exception {
        var tally = new Tally(false, Optional.empty());
        byte[] body = OtlpWalkTest.logs("r", 1);
        for (int i = 0; i + 6 < body.length; i++)
            if (body[i] == 'r' && body[i + 1] == 'e' && body[i + 2] == 'c') body[i] = 0x1b;
        tally.accept(Signal.LOGS, body, Optional.empty());
        assertThat(tally.stats().lastRecords()).containsExactly("logs #1  ecord 1");
    }
}
