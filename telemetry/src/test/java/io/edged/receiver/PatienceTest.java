package io.edged.receiver;

import static io.edged.receiver.FrameClient.DATA;
import static io.edged.receiver.FrameClient.END_HEADERS;
import static io.edged.receiver.FrameClient.GOAWAY;
import static io.edged.receiver.FrameClient.HEADERS;
import static io.edged.receiver.FrameClient.grpc;
import static io.edged.receiver.FrameClient.message;

import static org.assertj.core.api.Assertions.assertThat;

import io.edged.otlp.Requests;
import io.edged.otlp.RpcStatus;
import io.edged.receiver.ReceiverOptions.Timeouts;
import io.edged.wal.MemoryLog;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.concurrent.locks.LockSupport;

/** Clients that take their time: that do not read, hardly send, or do nothing at all. */
@Timeout(60)
class PatienceTest {

    private static final String EXPORT =
            "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
    private static final byte[] LOGS = Requests.typicalLogs(3);
    private static final Duration SHORT = Duration.ofMillis(300);

    private final MemoryLog log = new MemoryLog();

    @SuppressWarnings("NullAway.Init") // each test starts its own
    private Receiver receiver;

    private void start(Timeouts timeouts, int connections) throws IOException {
        var limits =
                new ReceiverOptions.Limits(
                        4 << 20, 1 << 20, 256, 16 << 20, connections, 0, 8, 4096, 8192, 0, 0);
        receiver =
                Receiver.start(
                        ReceiverOptions.at(
                                        new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                                .withLimits(limits)
                                .withTimeouts(timeouts),
                        log,
                        new SimpleMeterRegistry());
    }

    @AfterEach
    void nothingIsLeftInUse() {
        log.allow(Long.MAX_VALUE);
        receiver.close();
        log.close();
        assertThat(receiver.admission().reservedBytes()).isZero();
    }

    @Test
    void aClientThatDoesNotReadIsNotReadFromAndLosesNoAnswer() throws Exception {
        start(Timeouts.DEFAULTS, 8);
        ByteBuffer request =
                StandardCharsets.US_ASCII.encode("GET /nothing HTTP/1.1\r\nHost: edge\r\n\r\n");
        long sent = 0;
        try (var slow = SocketChannel.open(receiver.address())) {
            slow.configureBlocking(false);
            // Nothing moves any more when both sides' buffers are full.
            for (int still = 0; still < 300; ) {
                if (slow.write(request) == 0) {
                    still++;
                    LockSupport.parkNanos(1_000_000);
                } else {
                    still = 0;
                }
                if (!request.hasRemaining()) {
                    sent++;
                    request.rewind();
                }
            }
            assertThat(receiver.allocator().metric().usedDirectMemory()).isLessThan(16 << 20);
            try (var other = new RawClient(receiver.address())) {
                assertThat(other.post("/v1/logs", LOGS).read().status()).isEqualTo(200);
            }
            slow.configureBlocking(true);
            long complete = sent;
            var rest = Thread.ofVirtual().start(() -> finish(slow, request));
            long answers = answers(Channels.newInputStream(slow));
            rest.join();
            assertThat(answers).isBetween(complete, complete + 1);
        }
    }

    /** The request that was cut, and the end. */
    private static void finish(SocketChannel slow, ByteBuffer request) {
        try {
            if (request.position() > 0) while (request.hasRemaining()) slow.write(request);
            slow.shutdownOutput();
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private static long answers(InputStream in) throws IOException {
        long answers = 0;
        String begin = "HTTP/1.1 404";
        int matched = 0;
        byte[] part = new byte[64 << 10];
        for (int bytes = in.read(part); bytes >= 0; bytes = in.read(part))
            for (int i = 0; i < bytes; i++) {
                matched = part[i] == begin.charAt(matched) ? matched + 1 : part[i] == 'H' ? 1 : 0;
                if (matched == begin.length()) {
                    answers++;
                    matched = 0;
                }
            }
        return answers;
    }

    @Test
    void messagesThatTrickleInRunOutOfTimeAndOthersDoNot() throws Exception {
        start(new Timeouts(SHORT, SHORT, Duration.ofSeconds(30), Duration.ofSeconds(5)), 8);
        byte[] whole = message(0, LOGS);
        try (var slow = new FrameClient(receiver.address());
                var other = new FrameClient(receiver.address())) {
            for (int id = 1; id < 2 * Http2Link.MAX_STREAMS; id += 2)
                slow.frame(HEADERS, END_HEADERS, id, grpc(EXPORT));
            slow.frame(DATA, 0, 1, new byte[] {whole[0]});
            slow.frame(DATA, 0, 3, java.util.Arrays.copyOf(whole, 7));
            other.request(1, grpc(EXPORT), whole, 16_384);
            assertThat(other.answer(1).grpcStatus()).isZero();
            for (int id = 1; id < 2 * Http2Link.MAX_STREAMS; id += 2)
                assertThat(trailersOnly(slow)).isEqualTo(RpcStatus.DEADLINE_EXCEEDED);
            other.request(3, grpc(EXPORT), whole, 16_384);
            assertThat(other.answer(3).grpcStatus()).isZero();
        }
    }

    private static int trailersOnly(FrameClient client) throws IOException {
        var head = client.decode(client.readUntil(f -> f.type() == HEADERS));
        return Integer.parseInt(head.get("grpc-status").toString());
    }

    @Test
    void aHeaderThatNeverEndsEndsWithTheIdleConnection() throws Exception {
        start(new Timeouts(SHORT, SHORT, SHORT, Duration.ofSeconds(5)), 8);
        try (var slow = new FrameClient(receiver.address())) {
            slow.frame(HEADERS, 0, 1, grpc(EXPORT)); // CONTINUATION would have to follow
            assertThat(slow.rest()).anyMatch(frame -> frame.type() == GOAWAY);
        }
    }

    /** A sample of {@code make soak-idle}. */
    @Test
    void idleConnectionsHoldNoMemoryForBodies() throws Exception {
        start(Timeouts.DEFAULTS, 400);
        var idle = new ArrayList<AutoCloseable>();
        try {
            for (int i = 0; i < 150; i++) {
                idle.add(new RawClient(receiver.address()));
                idle.add(new FrameClient(receiver.address()));
            }
            try (var other = new RawClient(receiver.address())) {
                assertThat(other.post("/v1/logs", LOGS).read().status()).isEqualTo(200);
            }
            assertThat(receiver.admission().reservedBytes()).isZero();
            assertThat(receiver.admission().connections()).isGreaterThanOrEqualTo(300);
        } finally {
            for (AutoCloseable each : idle) each.close();
        }
    }

    /** Before the answer to what is under way: it must not send more on this connection. */
    @Test
    void aStopIsToldBeforeTheLastAnswer() throws Exception {
        start(Timeouts.DEFAULTS, 8);
        log.allow(0);
        try (var client = new FrameClient(receiver.address())) {
            client.request(1, grpc(EXPORT), message(0, LOGS), 16_384);
            log.awaitWaiting(1);
            var closing = Thread.ofVirtual().start(receiver::close);
            var goodbye = client.readUntil(frame -> frame.type() == GOAWAY);
            assertThat(goodbye.text()).isEqualTo("edged stops");
            assertThat(goodbye.error()).isZero();
            assertThat(goodbye.payload().getInt(0)).isEqualTo(1); // the last that is answered
            log.allow(1);
            var answer = client.decode(client.readUntil(frame -> frame.type() == HEADERS));
            assertThat(answer.status().toString()).isEqualTo("200");
            var trailers = client.decode(client.readUntil(frame -> frame.type() == HEADERS));
            assertThat(trailers.get("grpc-status").toString()).isEqualTo("0");
            closing.join();
        }
    }
}
