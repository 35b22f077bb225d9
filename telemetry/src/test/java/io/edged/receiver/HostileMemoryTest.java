package io.edged.receiver;

import static io.edged.receiver.FrameClient.DATA;
import static io.edged.receiver.FrameClient.END_HEADERS;
import static io.edged.receiver.FrameClient.HEADERS;
import static io.edged.receiver.FrameClient.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import io.edged.otlp.OtlpJson;
import io.edged.otlp.ProtobufWriter;
import io.edged.otlp.Requests;
import io.edged.otlp.Signal;
import io.edged.wal.MemoryLog;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.opentelemetry.proto.collector.logs.v1.ExportLogsServiceRequest;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** Clients that hold memory, or the event loop, for as long as they may: others are served. */
@Timeout(60)
class HostileMemoryTest {

    private static final int HOSTILE = 200;
    private static final long MEMORY = 32 << 20;
    private static final String PATH = Signal.LOGS.path();
    private static final String EXPORT =
            "/opentelemetry.proto.collector.logs.v1.LogsService/Export";

    private static final byte[] BEGINNING =
            new ProtobufWriter().bytes(9, new byte[7_900_000]).toByteArray();

    private final MemoryLog log = new MemoryLog();
    private final List<AutoCloseable> clients = new ArrayList<>();
    private final Receiver receiver = start();

    @AfterEach
    void nothingIsLeftInUse() throws Exception {
        for (AutoCloseable client : clients) client.close();
        receiver.close();
        log.close();
        // Thousands of streams end with it, which a busy machine may still be at.
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (receiver.admission().reservedBytes() > 0 && System.nanoTime() - deadline < 0)
            LockSupport.parkNanos(1_000_000);
        assertThat(receiver.admission().reservedBytes()).isZero();
    }

    @Test
    void headersOfManyConnectionsHoldNextToNothing() throws Exception {
        for (int i = 0; i < HOSTILE; i++) {
            if (i % 2 == 0) open().send(RawClient.head(PATH, "Content-Length: 8000000"));
            else streams(100, 5);
        }
        honestClientsAreServed(64 << 10);
        assertThat(receiver.admission().reservedBytes())
                .isLessThanOrEqualTo(HOSTILE * receiver.admission().shareBytes());
    }

    @Test
    void bodiesThatStandStillLeaveOthersTheirShareAndAreGivenUpWhenMemoryIsScarce()
            throws Exception {
        for (int i = 0; i < HOSTILE; i++) {
            if (i < 40)
                open().send(RawClient.head(PATH, "Content-Length: 601000")).send(prefixOf(600_000));
            else streams(i < 180 ? 12 : 40, i < 180 ? 30_000 : 6_000);
        }
        Observed.eventually(() -> !receiver.admission().hasRoomFor(32 << 10));
        honestClientsAreServed(16 << 10);
        byte[] large = Requests.typicalLogs(2000);
        assertThat(large.length).isGreaterThan(500_000);
        try (var client = new RawClient(receiver.address())) {
            int status;
            do {
                status = client.post(PATH, large).read().status();
                assertThat(status).isIn(200, 429);
            } while (status
                    != 200); // what stands still is given up; the test's timeout is the bound
        }
    }

    /** One event loop; were it to convert the body itself, the others would wait for that. */
    @Test
    void aLargeBodyInJsonKeepsNobodyWaiting() throws Exception {
        byte[] json =
                new OtlpJson(1)
                        .print(ExportLogsServiceRequest.parseFrom(Requests.typicalLogs(15_000)))
                        .getBytes(StandardCharsets.UTF_8);
        assertThat(json.length).isGreaterThan(5 << 20);
        log.allow(0);
        var sender = open();
        sender.send(
                RawClient.head(
                        PATH, "Content-Length: " + json.length, "Content-Type: application/json"));
        sender.send(java.util.Arrays.copyOf(json, json.length - 1));
        try (var other = new RawClient(receiver.address())) {
            Observed.eventually(() -> receiver.admission().reservedBytes() >= json.length - 1);
            sender.send(new byte[] {json[json.length - 1]});
            for (int i = 0; i < 5; i++)
                assertThat(other.post(PATH, new byte[0]).read().status()).isEqualTo(200);
            assertThat(log.waiting()).isZero(); // it is still being converted
            log.allow(1);
        }
        assertThat(sender.read().status()).isEqualTo(200);
        assertThat(log.stored().getFirst().items()).isEqualTo(15_000);
    }

    @Test
    void aClientThatLeavesWhileItsBodyIsConvertedDoesNotStopTheAppend() throws Exception {
        byte[] json =
                new OtlpJson(1)
                        .print(ExportLogsServiceRequest.parseFrom(Requests.typicalLogs(5000)))
                        .getBytes(StandardCharsets.UTF_8);
        log.allow(0);
        var sender = open();
        sender.post(PATH, json, "Content-Type: application/json").close();
        log.awaitWaiting(1);
        log.allow(1);
    }

    private void honestClientsAreServed(int bytes) throws IOException {
        byte[] body = Requests.typicalLogs(1);
        int records = 1;
        while (Requests.typicalLogs(records + 1).length < bytes)
            body = Requests.typicalLogs(++records);
        try (var http = new RawClient(receiver.address());
                var grpc = new FrameClient(receiver.address())) {
            for (int i = 0; i < 10; i++) {
                assertThat(http.post(PATH, body).read().status()).isEqualTo(200);
                int stream = 2 * i + 1;
                grpc.request(stream, grpc(EXPORT), FrameClient.message(0, body), 16_384);
                assertThat(grpc.answer(stream).grpcStatus()).isZero();
            }
        }
    }

    /** Opens streams whose messages begin, and leaves them so. */
    private void streams(int count, int bytes) throws IOException {
        var client = new FrameClient(receiver.address());
        clients.add(client);
        byte[] begun =
                ByteBuffer.allocate(bytes).putInt(1, bytes == 5 ? 8_000_000 : bytes + 100).array();
        if (bytes > 5) System.arraycopy(prefixOf(bytes - 5), 0, begun, 5, bytes - 5);
        var all = new ByteArrayOutputStream();
        for (int i = 0; i < count; i++) {
            all.writeBytes(FrameClient.bytes(HEADERS, END_HEADERS, 2 * i + 1, grpc(EXPORT)));
            for (int at = 0; at < bytes; at += 16_000)
                all.writeBytes(
                        FrameClient.bytes(
                                DATA,
                                0,
                                2 * i + 1,
                                java.util.Arrays.copyOfRange(
                                        begun, at, Math.min(bytes, at + 16_000))));
        }
        try {
            client.send(all.toByteArray());
        } catch (SocketException e) {
            // Refused streams are reset, and too many of them end the connection.
        }
    }

    /** The beginning of a body that would be good. */
    private static byte[] prefixOf(int bytes) {
        return java.util.Arrays.copyOf(BEGINNING, bytes);
    }

    private RawClient open() throws IOException {
        var client = new RawClient(receiver.address());
        clients.add(client);
        return client;
    }

    private Receiver start() {
        var limits =
                new ReceiverOptions.Limits(
                        16 << 20, 1 << 20, 256, MEMORY, HOSTILE + 10, 0, 8, 4096, 8192, 0, 0);
        var options =
                ReceiverOptions.at(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                        .withLimits(limits);
        try {
            return Receiver.start(
                    new ReceiverOptions(
                            options.listen(),
                            1,
                            limits,
                            new ReceiverOptions.Timeouts(
                                    Duration.ofSeconds(10),
                                    Duration.ofMinutes(5),
                                    Duration.ofSeconds(60),
                                    Duration.ofSeconds(5)),
                            options.security()),
                    log,
                    new SimpleMeterRegistry());
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }
}
