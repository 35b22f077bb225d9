package io.edged.receiver;

import static org.assertj.core.api.Assertions.assertThat;

import com.github.luben.zstd.Zstd;

import io.edged.otlp.ContentEncoding;
import io.edged.otlp.ExportResponse;
import io.edged.otlp.OtlpJson;
import io.edged.otlp.ProtobufWriter;
import io.edged.otlp.Requests;
import io.edged.otlp.RpcStatus;
import io.edged.otlp.Signal;
import io.edged.wal.MemoryLog;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.opentelemetry.proto.collector.logs.v1.ExportLogsServiceRequest;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.io.ByteArrayOutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.zip.CRC32C;
import java.util.zip.GZIPOutputStream;

/** What a body may be beyond plain protobuf: JSON, zstd, records that are too large. */
@Timeout(60)
class BodiesTest {

    private static final String PATH = "/v1/logs";
    private static final byte[] LOGS = Requests.typicalLogs(100);
    private static final int RECORD_LIMIT = 1000;

    private final MemoryLog log = new MemoryLog();
    private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
    private Receiver receiver;
    private RawClient client;

    @BeforeEach
    void start() throws Exception {
        start(0);
    }

    private void start(int itemsPerSecond) throws Exception {
        var limits =
                new ReceiverOptions.Limits(
                        4 << 20,
                        RECORD_LIMIT,
                        256,
                        16 << 20,
                        8,
                        0,
                        8,
                        4096,
                        8192,
                        itemsPerSecond,
                        0);
        var options =
                ReceiverOptions.at(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                        .withLimits(limits);
        receiver = Receiver.start(options, log, registry);
        client = new RawClient(receiver.address());
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
    void jsonBecomesProtobufAndIsAnsweredInJson() throws Exception {
        var request = ExportLogsServiceRequest.parseFrom(LOGS);
        String json = new OtlpJson(1).print(request);
        var answer = json(json.getBytes(StandardCharsets.UTF_8));
        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.header("content-type")).isEqualTo("application/json");
        assertThat(text(answer)).isEqualTo("{}");
        assertStored(request, 100);
    }

    @Test
    void theSeverityOfJsonIsFoundOutIfALaneAsksForItOnly() throws Exception {
        byte[] json =
                "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"severityNumber\":17}]}]}]}"
                        .getBytes(StandardCharsets.UTF_8);
        assertThat(json(json).status()).isEqualTo(200);
        log.askForSeverity(false);
        assertThat(json(json).status()).isEqualTo(200);
        assertThat(log.stored())
                .extracting(MemoryLog.Stored::highestSeverity)
                .containsExactly(17, 0);
    }

    @Test
    void compressedJsonIsDecompressedFirst() throws Exception {
        var request = ExportLogsServiceRequest.parseFrom(Requests.typicalLogs(3000));
        byte[] json = new OtlpJson(2).print(request).getBytes(StandardCharsets.UTF_8);
        assertThat(json(gzip(json), "Content-Encoding: gzip").status()).isEqualTo(200);
        assertStored(request, 3000);
        assertThat(json(Zstd.compress(json), "Content-Encoding: zstd").status()).isEqualTo(200);
        assertStored(request, 3000);
    }

    @Test
    void badJsonIsRefusedInJson() throws Exception {
        var answer = json("{\"resourceLogs\":1}".getBytes(StandardCharsets.UTF_8));
        assertThat(answer.status()).isEqualTo(400);
        assertThat(answer.header("content-type")).isEqualTo("application/json");
        assertThat(text(answer)).contains("\"code\":3", "resourceLogs must be an array");
        assertThat(json(new byte[0]).status()).isEqualTo(400);
        assertThat(json("{}".getBytes(StandardCharsets.UTF_8)).status()).isEqualTo(200);
        assertThat(log.offers()).isZero();
    }

    @Test
    void jsonWithNothingButUnknownNamesIsTakenWithAWarning() throws Exception {
        var answer = json("{\"resource_logs\":[]}".getBytes(StandardCharsets.UTF_8));
        assertThat(answer.status()).isEqualTo(200);
        assertThat(text(answer))
                .startsWith("{\"partialSuccess\":{\"errorMessage\":")
                .contains("resource_logs");
    }

    @Test
    void zstdIsCheckedAndStoredAsItCame() throws Exception {
        byte[] packed = Zstd.compress(LOGS);
        assertThat(client.post(PATH, packed, "Content-Encoding: zstd").read().status())
                .isEqualTo(200);
        var stored = log.stored().getFirst();
        assertThat(stored.encoding()).isEqualTo(ContentEncoding.ZSTD);
        assertThat(stored.items()).isEqualTo(100);
        assertThat(stored.body()).isEqualTo(ByteBuffer.wrap(packed));

        var refused = client.post(PATH, LOGS, "Content-Encoding: zstd").read();
        assertThat(refused.status()).isEqualTo(400);
        assertThat(message(refused)).contains("does not begin like zstd");
        byte[] bad = Zstd.compress(new byte[] {10, 5, 8});
        refused = client.post(PATH, bad, "Content-Encoding: zstd").read();
        assertThat(message(refused)).contains("ends inside a field");
        byte[] cut = Arrays.copyOf(packed, packed.length - 3);
        refused = client.post(PATH, cut, "Content-Encoding: zstd").read();
        assertThat(message(refused)).contains("cut off");
        assertThat(log.stored()).hasSize(1);
    }

    @Test
    void zstdBombsAreRefused() throws Exception {
        byte[] dense =
                Zstd.compress(new ProtobufWriter().bytes(9, new byte[3 << 20]).toByteArray());
        var refused = client.post(PATH, dense, "Content-Encoding: zstd").read();
        assertThat(refused.status()).isEqualTo(413);
        byte[] large = Zstd.compress(new byte[30 << 20]);
        assertThat(json(large, "Content-Encoding: zstd").status()).isEqualTo(413);
    }

    @Test
    void recordsOverTheLimitAreLeftOutAndTheAnswerSaysSo() throws Exception {
        byte[] mixed = mixed();
        var answer = client.post(PATH, mixed).read();
        assertThat(answer.status()).isEqualTo(200);
        var response = ExportResponse.decode(answer.body()).orElseThrow();
        assertThat(response.rejected()).isEqualTo(1);
        assertThat(response.message()).contains("more than 1000 bytes");
        var kept = ExportLogsServiceRequest.parseFrom(LOGS);
        assertStored(kept, 100);
        assertThat(leftOut()).isEqualTo(1);
    }

    @Test
    void inJsonToo() throws Exception {
        String json = new OtlpJson(3).print(ExportLogsServiceRequest.parseFrom(mixed()));
        var answer = json(json.getBytes(StandardCharsets.UTF_8));
        assertThat(text(answer))
                .startsWith("{\"partialSuccess\":{\"rejectedLogRecords\":\"1\",\"errorMessage\":");
        assertThat(log.stored().getFirst().items()).isEqualTo(100);
    }

    @Test
    void aCompressedRequestWithSuchARecordIsRefusedWhole() throws Exception {
        var refused = client.post(PATH, gzip(mixed()), "Content-Encoding: gzip").read();
        assertThat(refused.status()).isEqualTo(413);
        assertThat(refused.header("retry-after")).isEmpty();
        assertThat(message(refused)).contains("1 records have more than 1000 bytes");
        assertThat(log.offers()).isZero();
        assertThat(leftOut()).isEqualTo(101);
    }

    @Test
    void aRequestOfNothingElseIsAnsweredWithoutTheLog() throws Exception {
        byte[] only = logs(2000);
        var answer = client.post(PATH, only).read();
        assertThat(answer.status()).isEqualTo(200);
        assertThat(ExportResponse.decode(answer.body()).orElseThrow().rejected()).isEqualTo(1);
        assertThat(log.offers()).isZero();
        assertThat(leftOut()).isEqualTo(1);
    }

    @Test
    void aBodyInManyPartsIsCutAsWell() throws Exception {
        byte[] mixed = mixed();
        client.send(RawClient.head(PATH, "Transfer-Encoding: chunked"));
        for (int at = 0; at < mixed.length; at += 700) {
            int length = Math.min(700, mixed.length - at);
            client.send(Integer.toHexString(length) + "\r\n");
            client.send(Arrays.copyOfRange(mixed, at, at + length)).send("\r\n");
        }
        client.send("0\r\n\r\n");
        assertThat(client.read().status()).isEqualTo(200);
        assertStored(ExportLogsServiceRequest.parseFrom(LOGS), 100);
    }

    @Test
    void aClientOverItsQuotaIsAskedToComeBack() throws Exception {
        client.close();
        receiver.close();
        registry.clear();
        start(2); // a hundred records leave a debt of a minute
        assertThat(client.post(PATH, LOGS).read().status()).isEqualTo(200);
        var refused = client.post(PATH, LOGS).read();
        assertThat(refused.status()).isEqualTo(429);
        assertThat(Integer.parseInt(refused.header("retry-after"))).isBetween(30, 50);
        assertThat(message(refused)).contains("quota");
        try (var another = new RawClient(receiver.address())) { // of the same address
            assertThat(another.post(PATH, LOGS).read().status()).isEqualTo(429);
        }
        assertThat(log.stored()).hasSize(1);
    }

    /** A hundred small records and a large one, merged by concatenation. */
    private static byte[] mixed() {
        byte[] large = logs(2000);
        byte[] all = Arrays.copyOf(LOGS, LOGS.length + large.length);
        System.arraycopy(large, 0, all, LOGS.length, large.length);
        return all;
    }

    /** A request with one record of about this size and nothing around it. */
    private static byte[] logs(int bytes) {
        var record = new ProtobufWriter().string(3, "x".repeat(bytes));
        var scope = new ProtobufWriter().message(2, record);
        return new ProtobufWriter()
                .message(1, new ProtobufWriter().message(2, scope))
                .toByteArray();
    }

    private void assertStored(ExportLogsServiceRequest expected, int items) throws Exception {
        var stored = log.stored().getLast();
        assertThat(stored.encoding()).isEqualTo(ContentEncoding.IDENTITY);
        assertThat(stored.signal()).isEqualTo(Signal.LOGS);
        assertThat(stored.items()).isEqualTo(items);
        assertThat(stored.mergeable()).isTrue();
        byte[] body = new byte[stored.body().remaining()];
        stored.body().duplicate().get(body);
        var crc = new CRC32C();
        crc.update(body);
        assertThat(stored.bodyCrc32c()).isEqualTo((int) crc.getValue());
        var request = ExportLogsServiceRequest.parseFrom(body);
        var records =
                request.getResourceLogsList().stream()
                        .flatMap(resource -> resource.getScopeLogsList().stream())
                        .flatMap(scope -> scope.getLogRecordsList().stream())
                        .toList();
        assertThat(records)
                .isEqualTo(
                        expected.getResourceLogsList().stream()
                                .flatMap(resource -> resource.getScopeLogsList().stream())
                                .flatMap(scope -> scope.getLogRecordsList().stream())
                                .toList());
    }

    private double leftOut() {
        return registry
                .find("edged.receiver.refused.items")
                .tag("reason", "record_too_large")
                .counters()
                .stream()
                .mapToDouble(counter -> counter.count())
                .sum();
    }

    private RawClient.Response json(byte[] body, String... headers) throws Exception {
        var head = new StringBuilder("POST " + PATH + " HTTP/1.1\r\nHost: edge\r\n");
        head.append("Content-Type: application/json; charset=utf-8\r\n");
        head.append("Content-Length: ").append(body.length).append("\r\n");
        for (String header : headers) head.append(header).append("\r\n");
        return client.send(head.append("\r\n").toString()).send(body).read();
    }

    private static String text(RawClient.Response response) {
        return StandardCharsets.UTF_8.decode(response.body()).toString();
    }

    private static String message(RawClient.Response response) {
        return RpcStatus.decode(response.body()).orElseThrow().message();
    }

    private static byte[] gzip(byte[] body) throws Exception {
        var packed = new ByteArrayOutputStream();
        try (var out = new GZIPOutputStream(packed)) {
            out.write(body);
        }
        return packed.toByteArray();
    }
}
