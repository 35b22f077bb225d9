package io.edged.receiver;

import static io.edged.receiver.FrameClient.CONTINUATION;
import static io.edged.receiver.FrameClient.DATA;
import static io.edged.receiver.FrameClient.END_HEADERS;
import static io.edged.receiver.FrameClient.END_STREAM;
import static io.edged.receiver.FrameClient.ENHANCE_YOUR_CALM;
import static io.edged.receiver.FrameClient.GOAWAY;
import static io.edged.receiver.FrameClient.HEADERS;
import static io.edged.receiver.FrameClient.PING;
import static io.edged.receiver.FrameClient.PRIORITY;
import static io.edged.receiver.FrameClient.RST_STREAM;
import static io.edged.receiver.FrameClient.SETTINGS;
import static io.edged.receiver.FrameClient.WINDOW_UPDATE;
import static io.edged.receiver.FrameClient.bytes;
import static io.edged.receiver.FrameClient.grpc;
import static io.edged.receiver.FrameClient.int32;
import static io.edged.receiver.FrameClient.message;

import static org.assertj.core.api.Assertions.assertThat;

import io.edged.otlp.Requests;
import io.edged.receiver.ReceiverOptions.Timeouts;
import io.edged.wal.MemoryLog;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketException;
import java.nio.ByteBuffer;
import java.time.Duration;

/**
 * Peers that send frames without sense, each against one limit of {@link Http2Link}: the connection
 * ends, or the stream, and another client notices nothing.
 */
@Timeout(60)
class Http2FloodTest {

    private static final String PATH = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
    private static final byte[] LOGS = Requests.typicalLogs(10);

    private final MemoryLog log = new MemoryLog();
    private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
    private Receiver receiver = start(Timeouts.DEFAULTS);

    @AfterEach
    void anotherClientIsServed() throws IOException {
        log.allow(Long.MAX_VALUE);
        try (var client = client()) {
            client.request(1, grpc(PATH), message(0, LOGS), 16_384);
            assertThat(client.answer(1).grpcStatus()).isZero();
        }
        receiver.close();
        log.close();
        assertThat(receiver.admission().reservedBytes()).isZero();
    }

    @Test
    void rapidResetEndsTheConnection() throws IOException {
        log.allow(0);
        try (var client = client()) {
            var all = new ByteArrayOutputStream();
            for (int i = 0; i < Http2Link.MAX_RESETS + 1; i++) {
                all.writeBytes(bytes(HEADERS, END_HEADERS, 2 * i + 1, grpc(PATH)));
                all.writeBytes(bytes(RST_STREAM, 0, 2 * i + 1, int32(8)));
            }
            send(client, all);
            assertThat(client.goodbye()).isEqualTo(ENHANCE_YOUR_CALM);
        }
        assertThat(Observed.refused(registry, "flood")).isEqualTo(1);
    }

    /** Frames that make the server reset the stream: each is an error of that stream only. */
    @Test
    void makingTheServerResetEndsTheConnection() throws IOException {
        try (var client = client()) {
            var all = new ByteArrayOutputStream();
            for (int i = 0; i < Http2Link.MAX_RESETS + 50; i++) {
                all.writeBytes(bytes(HEADERS, END_HEADERS, 2 * i + 1, grpc(PATH)));
                all.writeBytes(bytes(WINDOW_UPDATE, 0, 2 * i + 1, int32(0)));
            }
            send(client, all);
            assertThat(client.goodbye()).isEqualTo(ENHANCE_YOUR_CALM);
        }
    }

    @Test
    void smallContinuationsEndTheConnection() throws IOException {
        try (var client = client()) {
            var all = new ByteArrayOutputStream();
            all.writeBytes(bytes(HEADERS, 0, 1, new byte[0]));
            for (int i = 0; i < 10 * Http2Link.MAX_SMALL_CONTINUATIONS; i++)
                all.writeBytes(bytes(CONTINUATION, 0, 1, new byte[0]));
            send(client, all);
            assertThat(client.goodbye()).isEqualTo(ENHANCE_YOUR_CALM);
        }
    }

    @Test
    void headersOverTheLimitEndTheStreamOrTheConnection() throws IOException {
        try (var client = client()) {
            String[] fields = new String[40];
            for (int i = 0; i < fields.length; i += 2) {
                fields[i] = "x-" + i;
                fields[i + 1] = "v".repeat(500);
            }
            client.frame(HEADERS, END_HEADERS | END_STREAM, 1, grpc(PATH, fields));
            var answer =
                    client.readUntil(f ->
                            f.type() == GOAWAY
                                    || (f.stream() == 1
                                            && (f.type() == HEADERS || f.type() == RST_STREAM)));
            if (answer.type() == HEADERS)
                assertThat(client.decode(answer).status().toString()).isEqualTo("431");
        }
        assertThat(log.offers()).isZero();
    }

    /** 4 KiB in the table, named again and again: little on the wire, much in memory. */
    @Test
    void aCompressionBombOfHeadersIsRefused() throws IOException {
        try (var client = client()) {
            var block = new ByteArrayOutputStream();
            block.writeBytes(grpc(PATH));
            byte[] entry = FrameClient.block("x-bomb", "v".repeat(3900));
            entry[0] = 0x40; // into the table
            block.writeBytes(entry);
            for (int i = 0; i < 8000; i++) block.write(0x80 | 62);
            client.frame(HEADERS, END_HEADERS | END_STREAM, 1, block.toByteArray());
            var answer =
                    client.readUntil(f ->
                            f.type() == GOAWAY
                                    || (f.stream() == 1
                                            && (f.type() == HEADERS || f.type() == RST_STREAM)));
            if (answer.type() == HEADERS)
                assertThat(client.decode(answer).status().toString()).isEqualTo("431");
        }
        assertThat(log.offers()).isZero();
    }

    @Test
    void emptyDataFramesEndTheConnection() throws IOException {
        try (var client = client()) {
            var all = new ByteArrayOutputStream();
            all.writeBytes(bytes(HEADERS, END_HEADERS, 1, grpc(PATH)));
            for (int i = 0; i < Http2Link.MAX_EMPTY_DATA_FRAMES + 1; i++)
                all.writeBytes(bytes(DATA, 0, 1, new byte[0]));
            send(client, all);
            assertThat(client.goodbye()).isEqualTo(ENHANCE_YOUR_CALM);
        }
    }

    @Test
    void pingsEndTheConnectionInTheWordsThatClientsKnow() throws IOException {
        try (var client = client()) {
            var all = new ByteArrayOutputStream();
            for (int i = 0; i < Http2Link.MAX_PINGS + 1; i++)
                all.writeBytes(bytes(PING, 0, 0, new byte[8]));
            send(client, all);
            var goodbye = client.readUntil(f -> f.type() == GOAWAY);
            assertThat(goodbye.error()).isEqualTo(ENHANCE_YOUR_CALM);
            assertThat(goodbye.text()).isEqualTo("too_many_pings");
        }
    }

    @Test
    void aPingNowAndThenIsAnswered() throws IOException {
        try (var client = client()) {
            for (int i = 0; i < 5; i++) {
                client.frame(PING, 0, 0, ByteBuffer.allocate(8).putLong(i).array());
                var pong = client.readUntil(f -> f.type() == PING);
                assertThat(pong.flags()).isEqualTo(FrameClient.ACK);
                assertThat(pong.payload().getLong(0)).isEqualTo(i);
            }
        }
    }

    @Test
    void settingsEndTheConnection() throws IOException {
        try (var client = client()) {
            var all = new ByteArrayOutputStream();
            for (int i = 0; i < Http2Link.MAX_PINGS + 1; i++)
                all.writeBytes(bytes(SETTINGS, 0, 0, new byte[0]));
            send(client, all);
            assertThat(client.goodbye()).isEqualTo(ENHANCE_YOUR_CALM);
        }
    }

    @Test
    void framesThatCarryNoRequestEndTheConnection() throws IOException {
        for (byte[] frame :
                new byte[][] {
                    bytes(PRIORITY, 0, 1, new byte[] {0, 0, 0, 3, 1}),
                    bytes(WINDOW_UPDATE, 0, 0, int32(1)),
                    bytes(0x77, 0, 0, new byte[1])
                }) {
            try (var client = client()) {
                var all = new ByteArrayOutputStream();
                for (int i = 0; i < Http2Link.MAX_IDLE_FRAMES + 1; i++) all.writeBytes(frame);
                send(client, all);
                assertThat(client.goodbye()).isEqualTo(ENHANCE_YOUR_CALM);
            }
        }
    }

    @Test
    void moreStreamsThanAllowedAreRefused() throws IOException, InterruptedException {
        log.allow(0);
        try (var client = client()) {
            int streams = Http2Link.MAX_STREAMS;
            for (int i = 0; i < streams; i++)
                client.request(2 * i + 1, grpc(PATH), message(0, LOGS), 16_384);
            log.awaitWaiting(streams);
            client.request(2 * streams + 1, grpc(PATH), message(0, LOGS), 16_384);
            int refused =
                    client.readUntil(f -> f.type() == RST_STREAM || f.type() == GOAWAY).error();
            assertThat(refused).isEqualTo(7); // REFUSED_STREAM: not begun, send it again
        }
        assertThat(log.offers()).isEqualTo(Http2Link.MAX_STREAMS);
    }

    /**
     * The answer's trailers wait behind data that may not be sent. On a busy machine the request
     * may come so late that the connection has ended before it as an idle one; then a longer while
     * is tried, for that says nothing about the request.
     */
    @Test
    void aPeerThatNeverOpensItsWindowIsResetAfterAWhile() throws IOException {
        for (int millis : new int[] {300, 1_000, 5_000, 20_000}) {
            restart(
                    new Timeouts(
                            Duration.ofSeconds(30),
                            Duration.ofSeconds(30),
                            Duration.ofMillis(millis),
                            Duration.ofSeconds(5)));
            if (neverOpensItsWindow()) return;
        }
        throw new AssertionError("no request came in within 20 s");
    }

    /**
     * False if the connection ended before the request had come in; an error if it was not reset.
     */
    private boolean neverOpensItsWindow() throws IOException {
        try (var client =
                new FrameClient(
                        new java.net.Socket(receiver.address().getAddress(), receiver.port()))) {
            client.send(FrameClient.PREFACE.getBytes(java.nio.charset.StandardCharsets.US_ASCII));
            client.frame(SETTINGS, 0, 0, new byte[] {0, 4, 0, 0, 0, 0}); // INITIAL_WINDOW_SIZE 0
            client.request(1, grpc(PATH), message(0, LOGS), 16_384);
            var end = client.readUntil(f -> f.type() == RST_STREAM || f.type() == GOAWAY);
            if (end.type() == GOAWAY && end.lastStream() == 0) return false;
            assertThat(end.type()).isEqualTo(RST_STREAM);
            assertThat(end.stream()).isEqualTo(1);
            assertThat(log.stored()).hasSize(1);
            return true;
        } catch (EOFException | SocketException e) {
            assertThat(log.stored()).isEmpty();
            return false;
        }
    }

    @Test
    void aPeerThatTakesNoHeadersIsAnsweredAllTheSame() throws IOException {
        try (var client =
                new FrameClient(
                        new java.net.Socket(receiver.address().getAddress(), receiver.port()))) {
            client.send(FrameClient.PREFACE.getBytes(java.nio.charset.StandardCharsets.US_ASCII));
            client.frame(SETTINGS, 0, 0, new byte[] {0, 6, 0, 0, 0, 1}); // MAX_HEADER_LIST_SIZE 1
            for (int stream = 1; stream < 100; stream += 2) {
                client.request(stream, grpc(PATH), message(0, LOGS), 16_384);
                assertThat(client.answer(stream).grpcStatus()).isZero();
            }
        }
    }

    @Test
    void moreThanTheWindowEndsTheConnectionOrStream() throws IOException {
        log.allow(0);
        try (var client = client()) {
            client.frame(HEADERS, END_HEADERS, 1, grpc(PATH));
            client.frame(DATA, 0, 1, java.util.Arrays.copyOf(message(0, LOGS), 0x3FFF));
            var all = new ByteArrayOutputStream();
            for (int i = 0; i < 200; i++)
                all.writeBytes(bytes(DATA, 0, 3, new byte[0x3FFF])); // an idle stream
            send(client, all);
            assertThat(client.goodbye()).isNotZero();
        }
    }

    @Test
    void aFrameOverTheSizeEndsTheConnection() throws IOException {
        try (var client = client()) {
            client.frame(HEADERS, END_HEADERS, 1, grpc(PATH));
            client.frame(DATA, 0, 1, new byte[(16 << 10) + 1]);
            assertThat(client.goodbye()).isEqualTo(6); // FRAME_SIZE_ERROR
        }
    }

    /** An HTTP/2 preface that never ends is a header that never ends. */
    @Test
    void aSlowPrefaceRunsOutOfTime() throws IOException {
        restart(
                new Timeouts(
                        Duration.ofMillis(200),
                        Duration.ofSeconds(5),
                        Duration.ofSeconds(30),
                        Duration.ofSeconds(5)));
        try (var client = new RawClient(receiver.address())) {
            client.send("PRI * HTTP/2.0\r\n");
            assertThat(client.read().status()).isEqualTo(408);
        }
    }

    /** The server closes while this is being sent; what it said is read afterwards. */
    private static void send(FrameClient client, ByteArrayOutputStream all) throws IOException {
        try {
            client.send(all.toByteArray());
        } catch (SocketException e) {
            // It has had enough.
        }
    }

    private FrameClient client() throws IOException {
        return new FrameClient(receiver.address());
    }

    private void restart(Timeouts timeouts) {
        receiver.close();
        registry.clear();
        receiver = start(timeouts);
    }

    private Receiver start(Timeouts timeouts) {
        try {
            var listen = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
            return Receiver.start(ReceiverOptions.at(listen).withTimeouts(timeouts), log, registry);
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }
}
