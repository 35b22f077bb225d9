package io.edged.receiver;

import static io.edged.receiver.FrameClient.grpc;
import static io.edged.receiver.FrameClient.join;
import static io.edged.receiver.FrameClient.message;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.edged.otlp.ContentEncoding;
import io.edged.otlp.Requests;
import io.edged.otlp.RpcStatus;
import io.edged.otlp.Signal;
import io.edged.receiver.ReceiverOptions.Limits;
import io.edged.receiver.ReceiverOptions.Timeouts;
import io.edged.wal.Appender.Offer;
import io.edged.wal.MemoryLog;
import io.edged.wal.WalException;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.netty.NettyChannelBuilder;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.netty.buffer.PoolArenaMetric;
import io.netty.util.ResourceLeakDetector;
import io.opentelemetry.proto.collector.logs.v1.ExportLogsServiceRequest;
import io.opentelemetry.proto.collector.logs.v1.LogsServiceGrpc;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.zip.GZIPOutputStream;

/** OTLP over gRPC on real sockets against a log in memory, mostly with bare frames. */
@Timeout(60)
class GrpcTest {

    private static final byte[] LOGS = Requests.typicalLogs(100);
    private static final String PATH = path(Signal.LOGS);
    private static final ByteBuffer EMPTY_ANSWER = ByteBuffer.allocate(5);

    private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
    private final MemoryLog log = new MemoryLog();
    private final AtomicBoolean ready = new AtomicBoolean(true);

    /** How often somebody wanted to know. */
    private final AtomicInteger asked = new AtomicInteger();

    private Receiver receiver = start(Limits.DEFAULTS, Timeouts.DEFAULTS);

    @BeforeAll
    static void trackEveryBuffer() {
        ResourceLeakDetector.setLevel(ResourceLeakDetector.Level.PARANOID);
    }

    @AfterEach
    void nothingIsLeftInUse() {
        log.allow(Long.MAX_VALUE);
        receiver.close();
        log.close();
        assertThat(receiver.admission().reservedBytes()).isZero();
        assertThat(
                        receiver.allocator().metric().directArenas().stream()
                                .mapToLong(PoolArenaMetric::numActiveAllocations)
                                .sum())
                .as("buffers in use")
                .isZero();
    }

    @ParameterizedTest
    @EnumSource(Signal.class)
    void anExportIsStoredAsItCameAndAnsweredWithAnEmptyResponse(Signal signal) throws Exception {
        byte[] body = new Requests(3).next(signal);
        try (var client = client()) {
            var answer = client.request(1, grpc(path(signal)), message(0, body), 16_384).answer(1);
            assertThat(answer.status()).isEqualTo("200");
            assertThat(answer.head().get("content-type").toString()).isEqualTo("application/grpc");
            assertThat(answer.grpcStatus()).isZero();
            assertThat(answer.body()).isEqualTo(EMPTY_ANSWER);
        }
        var stored = log.stored().getFirst();
        assertThat(stored.signal()).isEqualTo(signal);
        assertThat(stored.encoding()).isEqualTo(ContentEncoding.IDENTITY);
        assertThat(stored.items()).isEqualTo(Requests.count(signal, body));
        assertThat(stored.body()).isEqualTo(ByteBuffer.wrap(body));
    }

    @Test
    void successIsToldOnlyWhenTheRecordIsDurable() throws Exception {
        log.allow(0);
        try (var client = client()) {
            client.request(1, grpc(PATH), message(0, LOGS), 16_384);
            log.awaitWaiting(1);
            assertThat(receiver.admission().reservedBytes()).isGreaterThanOrEqualTo(LOGS.length);
            // Whatever was answered too early would come before the answer to this.
            client.request(3, grpc(PATH), message(0, new byte[0]), 16_384);
            assertThat(client.answer(3).grpcStatus()).isZero();
            log.allow(1);
            assertThat(client.answer(1).grpcStatus()).isZero();
        }
        assertThat(log.stored()).hasSize(1);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3, 1000, 16_384})
    void aMessageMayBeCutAnywhereIntoDataFrames(int frameBytes) throws Exception {
        byte[] body = Requests.typicalLogs(frameBytes < 100 ? 3 : 1000);
        try (var client = client()) {
            client.request(1, grpc(PATH), message(0, body), frameBytes);
            assertThat(client.answer(1).grpcStatus()).isZero();
        }
        assertThat(log.stored().getFirst().body()).isEqualTo(ByteBuffer.wrap(body));
    }

    @Test
    void theFlagOfTheMessageDecidesWhetherItIsCompressed() throws Exception {
        try (var client = client()) {
            client.request(1, grpc(PATH, "grpc-encoding", "gzip"), message(0, LOGS), 16_384);
            assertThat(client.answer(1).grpcStatus()).isZero();
            client.request(3, grpc(PATH, "grpc-encoding", "gzip"), message(1, gzip(LOGS)), 16_384);
            assertThat(client.answer(3).grpcStatus()).isZero();
            client.request(5, grpc(PATH), message(1, gzip(LOGS)), 16_384);
            var answer = client.answer(5);
            assertThat(answer.grpcStatus()).isEqualTo(RpcStatus.INTERNAL);
            client.request(7, grpc(PATH, "grpc-encoding", "snappy"), message(1, LOGS), 16_384);
            answer = client.answer(7);
            assertThat(answer.grpcStatus()).isEqualTo(RpcStatus.UNIMPLEMENTED);
            assertThat(answer.header("grpc-accept-encoding")).isEqualTo("identity,gzip,zstd");
        }
        assertThat(log.stored())
                .extracting(MemoryLog.Stored::encoding)
                .containsExactly(ContentEncoding.IDENTITY, ContentEncoding.GZIP);
        assertThat(log.stored().get(1).items()).isEqualTo(100);
    }

    @Test
    void whatIsNotAnExportIsRefusedWithItsReason() throws Exception {
        try (var client = client()) {
            int stream = 1;
            for (byte[] bad :
                    List.of(
                            message(2, LOGS),
                            java.util.Arrays.copyOf(message(0, LOGS), 100),
                            join(message(0, LOGS), message(0, LOGS)),
                            new byte[3],
                            new byte[0])) {
                client.request(stream, grpc(PATH), bad, 16_384);
                assertThat(client.answer(stream).grpcStatus()).isEqualTo(RpcStatus.INTERNAL);
                stream += 2;
            }
            client.request(stream, grpc(PATH), message(0, new byte[] {1, 2, 3}), 16_384);
            var answer = client.answer(stream);
            assertThat(answer.grpcStatus()).isEqualTo(RpcStatus.INVALID_ARGUMENT);
            assertThat(answer.header("grpc-message")).contains("not an OTLP request for logs");
            stream += 2;
            for (String path :
                    List.of(
                            "/nothing",
                            "/opentelemetry.proto.collector.logs.v1.LogsService/Nothing",
                            "/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export")) {
                client.request(stream, grpc(path), message(0, LOGS), 16_384);
                assertThat(client.answer(stream).grpcStatus()).isEqualTo(RpcStatus.UNIMPLEMENTED);
                stream += 2;
            }
            client.request(stream, grpc(PATH), message(0, LOGS), 16_384);
            assertThat(client.answer(stream).grpcStatus()).as("still usable").isZero();
        }
        assertThat(log.stored()).hasSize(1);
    }

    @Test
    void aMessageOverTheLimitIsRefusedForGoodBeforeItComesIn() throws Exception {
        try (var client = client()) {
            client.frame(FrameClient.HEADERS, FrameClient.END_HEADERS, 1, grpc(PATH));
            client.frame(FrameClient.DATA, 0, 1, new byte[] {0, -1, -1, -1, -1, 7, 7});
            var answer = client.answer(1);
            assertThat(answer.grpcStatus()).isEqualTo(RpcStatus.RESOURCE_EXHAUSTED);
            assertThat(answer.header("grpc-status-details-bin")).as("never again").isEmpty();
            assertThat(client.readUntil(f -> f.type() == FrameClient.RST_STREAM).error()).isZero();
            client.frame(
                    FrameClient.HEADERS,
                    FrameClient.END_HEADERS,
                    3,
                    grpc(PATH, "content-length", "67108870"));
            assertThat(client.answer(3).grpcStatus()).isEqualTo(RpcStatus.RESOURCE_EXHAUSTED);
            client.request(5, grpc(PATH), message(0, LOGS), 16_384);
            assertThat(client.answer(5).grpcStatus()).isZero();
        }
    }

    @ParameterizedTest
    @CsvSource({"BUSY, 1", "FULL, 30", "STOPPED, 5", "FAILED, 10"})
    void whatTheLogCannotTakeIsRefusedWithATimeToComeBack(Offer offer, int seconds)
            throws Exception {
        log.answer(offer);
        try (var client = client()) {
            client.request(1, grpc(PATH), message(0, LOGS), 16_384);
            unavailable(client.answer(1), seconds);
            log.answer(Offer.QUEUED);
            client.request(3, grpc(PATH), message(0, LOGS), 16_384);
            assertThat(client.answer(3).grpcStatus()).isZero();
        }
    }

    @Test
    void aFailedDiskIsAnsweredUnavailable() throws Exception {
        log.fail(new WalException(WalException.Code.STORAGE_FAILED, "the disk is gone"));
        try (var client = client()) {
            client.request(1, grpc(PATH), message(0, LOGS), 16_384);
            unavailable(client.answer(1), 10);
        }
    }

    @Test
    void streamsThatOnlyBeginTakeNoMoreThanTheShareOfTheirConnection() throws Exception {
        try (var client = client()) {
            for (int id = 1; id < 2 * Http2Link.MAX_STREAMS; id += 2) {
                client.frame(FrameClient.HEADERS, FrameClient.END_HEADERS, id, grpc(PATH));
                client.frame(
                        FrameClient.DATA, 0, id, ByteBuffer.allocate(5).putInt(1, 1 << 20).array());
            }
            client.frame(FrameClient.PING, 0, 0, new byte[8]);
            client.readUntil(f -> f.type() == FrameClient.PING);
            assertThat(receiver.admission().reservedBytes())
                    .isEqualTo(receiver.admission().shareBytes());
        }
    }

    @Test
    void theWindowOfALargeMessageIsWidened() throws Exception {
        byte[] body = Requests.typicalLogs(5000);
        assertThat(body.length).isGreaterThan(1 << 20);
        try (var client = client()) {
            client.frame(FrameClient.HEADERS, FrameClient.END_HEADERS, 1, grpc(PATH));
            byte[] all = message(0, body);
            client.frame(FrameClient.DATA, 0, 1, java.util.Arrays.copyOfRange(all, 0, 1000));
            var update =
                    client.readUntil(f -> f.type() == FrameClient.WINDOW_UPDATE && f.stream() == 1);
            int window = Http2Link.STREAM_WINDOW_BYTES + update.payload().getInt(0);
            assertThat(window).isEqualTo(RequestBody.STEP_BYTES);
        }
    }

    @Test
    void aDeadlineThatPassesIsToldAndWhatWasAppendedStays() throws Exception {
        log.allow(0);
        try (var client = client()) {
            client.request(1, grpc(PATH, "grpc-timeout", "50m"), message(0, LOGS), 16_384);
            assertThat(client.answer(1).grpcStatus()).isEqualTo(RpcStatus.DEADLINE_EXCEEDED);
            log.allow(1);
            client.frame(
                    FrameClient.HEADERS,
                    FrameClient.END_HEADERS,
                    3,
                    grpc(PATH, "grpc-timeout", "1000u"));
            assertThat(client.answer(3).grpcStatus()).isEqualTo(RpcStatus.DEADLINE_EXCEEDED);
            client.request(5, grpc(PATH, "grpc-timeout", "99999999H"), message(0, LOGS), 16_384);
            log.allow(1);
            assertThat(client.answer(5).grpcStatus()).isZero();
            client.request(7, grpc(PATH, "grpc-timeout", "soon"), message(0, LOGS), 16_384);
            assertThat(client.answer(7).grpcStatus()).isEqualTo(RpcStatus.INVALID_ARGUMENT);
        }
        assertThat(log.stored()).hasSize(2);
        assertThat(
                        registry.get("edged.receiver.unanswered")
                                .tag("transport", "grpc")
                                .counter()
                                .count())
                .isEqualTo(1);
    }

    @Test
    void aSlowSenderIsRefused() throws Exception {
        restart(
                Limits.DEFAULTS,
                new Timeouts(
                        Duration.ofMillis(100),
                        Duration.ofMillis(100),
                        Duration.ofSeconds(30),
                        Duration.ofSeconds(5)));
        try (var client = client()) {
            client.frame(FrameClient.HEADERS, FrameClient.END_HEADERS, 1, grpc(PATH));
            client.frame(FrameClient.DATA, 0, 1, new byte[] {0, 0, 0});
            assertThat(client.answer(1).grpcStatus()).isEqualTo(RpcStatus.DEADLINE_EXCEEDED);
        }
    }

    @Test
    void anIdleConnectionIsSaidGoodbyeTo() throws Exception {
        restart(
                Limits.DEFAULTS,
                new Timeouts(
                        Duration.ofSeconds(5),
                        Duration.ofSeconds(5),
                        Duration.ofMillis(200),
                        Duration.ofSeconds(5)));
        try (var client = client()) {
            assertThat(client.goodbye()).isZero();
        }
    }

    @Test
    void closingFinishesAndAnswersWhatHasBegunAndTurnsAwayTheRest() throws Exception {
        log.allow(0);
        var client = client();
        client.request(1, grpc(PATH), message(0, LOGS), 16_384);
        log.awaitWaiting(1);
        Thread closing = Thread.ofPlatform().start(receiver::close);
        var goodbye = client.readUntil(f -> f.type() == FrameClient.GOAWAY);
        assertThat(goodbye.error()).isZero();
        assertThat(goodbye.payload().getInt(0)).as("last stream").isEqualTo(1);
        log.allow(1);
        assertThat(client.answer(1).grpcStatus()).isZero();
        assertThat(client.rest()).isEmpty();
        closing.join();
        client.close();
    }

    @Test
    void healthFollowsReadiness() throws Exception {
        ManagedChannel channel =
                NettyChannelBuilder.forAddress(receiver.address()).usePlaintext().build();
        try {
            var health = HealthGrpc.newBlockingStub(channel);
            var whole = HealthCheckRequest.getDefaultInstance();
            var logs =
                    HealthCheckRequest.newBuilder()
                            .setService(LogsServiceGrpc.SERVICE_NAME)
                            .build();
            assertThat(health.check(whole).getStatus()).isEqualTo(ServingStatus.SERVING);
            ready.set(false);
            assertThat(health.check(logs).getStatus()).isEqualTo(ServingStatus.NOT_SERVING);
        } finally {
            channel.shutdownNow();
        }
    }

    @Test
    void theOfficialClientWatchesHealth() throws Exception {
        ManagedChannel channel =
                NettyChannelBuilder.forAddress(receiver.address()).usePlaintext().build();
        try {
            var health = HealthGrpc.newBlockingStub(channel);
            var told = health.watch(HealthCheckRequest.getDefaultInstance());
            assertThat(told.next().getStatus()).isEqualTo(ServingStatus.SERVING);
            while (asked.get() < 3) Thread.onSpinWait(); // it was looked twice, and nothing is new
            ready.set(false);
            assertThat(told.next().getStatus()).isEqualTo(ServingStatus.NOT_SERVING);
            ready.set(true);
            assertThat(told.next().getStatus()).isEqualTo(ServingStatus.SERVING);
            var unknown =
                    health.watch(HealthCheckRequest.newBuilder().setService("nobody").build());
            assertThat(unknown.next().getStatus()).isEqualTo(ServingStatus.SERVICE_UNKNOWN);
            receiver.close();
            assertThatThrownBy(told::next)
                    .isInstanceOf(StatusRuntimeException.class)
                    .hasMessage("UNAVAILABLE: edged stops");
        } finally {
            channel.shutdownNow();
        }
    }

    @Test
    void theOfficialClientExports() throws Exception {
        ManagedChannel channel =
                NettyChannelBuilder.forAddress(receiver.address()).usePlaintext().build();
        try {
            var request = ExportLogsServiceRequest.parseFrom(LOGS);
            var stub = LogsServiceGrpc.newBlockingStub(channel);
            for (int i = 0; i < 20; i++)
                assertThat(stub.export(request).hasPartialSuccess()).isFalse();
            assertThat(stub.withCompression("gzip").export(request).hasPartialSuccess()).isFalse();
        } finally {
            channel.shutdownNow();
        }
        assertThat(log.stored()).hasSize(21);
        assertThat(
                        registry
                                .get("edged.receiver.items")
                                .tag("transport", "grpc")
                                .tag("signal", "logs")
                                .counters()
                                .stream()
                                .map(Counter::count))
                .containsExactlyInAnyOrder(2000.0, 100.0, 0.0); // identity, gzip, zstd
    }

    // ------------------------------------------------------------------ helpers

    private static String path(Signal signal) {
        String service =
                switch (signal) {
                    case LOGS -> "logs.v1.LogsService";
                    case METRICS -> "metrics.v1.MetricsService";
                    case TRACES -> "trace.v1.TraceService";
                };
        return "/opentelemetry.proto.collector." + service + "/Export";
    }

    private static void unavailable(FrameClient.Answer answer, int seconds) {
        assertThat(answer.grpcStatus()).isEqualTo(RpcStatus.UNAVAILABLE);
        byte[] details = Base64.getDecoder().decode(answer.header("grpc-status-details-bin"));
        assertThat(details)
                .isEqualTo(
                        new RpcStatus(RpcStatus.UNAVAILABLE, answer.header("grpc-message"))
                                .encodeWithRetry(seconds));
        try {
            var any = com.google.rpc.Status.parseFrom(details).getDetails(0);
            assertThat(any.unpack(com.google.rpc.RetryInfo.class).getRetryDelay().getSeconds())
                    .isEqualTo(seconds);
        } catch (com.google.protobuf.InvalidProtocolBufferException e) {
            throw new AssertionError(e);
        }
    }

    private FrameClient client() throws IOException {
        return new FrameClient(receiver.address());
    }

    private Receiver start(Limits limits, Timeouts timeouts) {
        try {
            var listen = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
            return Receiver.start(
                    ReceiverOptions.at(listen).withLimits(limits).withTimeouts(timeouts),
                    log,
                    registry,
                    () -> {
                        asked.incrementAndGet();
                        return ready.get();
                    },
                    Pressure.UNKNOWN,
                    () -> 0);
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private void restart(Limits limits, Timeouts timeouts) {
        receiver.close();
        registry.clear();
        receiver = start(limits, timeouts);
    }

    private static byte[] gzip(byte[] body) throws IOException {
        var packed = new ByteArrayOutputStream();
        try (var out = new GZIPOutputStream(packed)) {
            out.write(body);
        }
        return packed.toByteArray();
    }
}
