package io.edged.receiver;

import static io.edged.receiver.FrameClient.DATA;
import static io.edged.receiver.FrameClient.END_HEADERS;
import static io.edged.receiver.FrameClient.END_STREAM;
import static io.edged.receiver.FrameClient.HEADERS;
import static io.edged.receiver.FrameClient.SETTINGS;
import static io.edged.receiver.FrameClient.grpc;
import static io.edged.receiver.FrameClient.message;

import static org.assertj.core.api.Assertions.assertThat;

import io.edged.otlp.Requests;
import io.edged.otlp.Skim;
import io.edged.wal.MemoryLog;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.netty.buffer.PoolArenaMetric;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;

/**
 * Connections of damaged frames, made from a seed: none is an internal error, none keeps memory,
 * what reaches the log is a good request, and an honest client is served afterwards. {@code make
 * soak-fuzz} tries more.
 */
@Timeout(3600)
class GrpcFuzzTest {

    private static final int CONNECTIONS = Integer.getInteger("fuzz.connections", 200);
    private static final long SEED = Long.getLong("fuzz.seed", 1);
    private static final String EXPORT =
            "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
    private static final List<String> PATHS =
            List.of(
                    EXPORT,
                    "/grpc.health.v1.Health/Check",
                    "/grpc.health.v1.Health/Watch",
                    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
                    "/v1/logs",
                    "/v1/events",
                    "");

    private final MemoryLog log = new MemoryLog();
    private final List<LogRecord> errors = new CopyOnWriteArrayList<>();
    private final Logger logger = Logger.getLogger("io.edged.receiver");
    private final Handler handler = new Errors();
    private Receiver receiver;

    private final class Errors extends Handler {
        @Override
        public void publish(LogRecord event) {
            if (event.getLevel().intValue() >= Level.SEVERE.intValue()) errors.add(event);
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
    }

    @BeforeEach
    void start() throws IOException {
        logger.addHandler(handler);
        receiver =
                Receiver.start(
                        ReceiverOptions.at(
                                new InetSocketAddress(InetAddress.getLoopbackAddress(), 0)),
                        log,
                        new SimpleMeterRegistry());
    }

    @AfterEach
    void nothingIsLeftInUse() {
        receiver.close();
        log.close();
        logger.removeHandler(handler);
        assertThat(receiver.admission().reservedBytes()).isZero();
        assertThat(
                        receiver.allocator().metric().directArenas().stream()
                                .mapToLong(PoolArenaMetric::numActiveAllocations)
                                .sum())
                .isZero();
    }

    @Test
    void damagedFramesNeitherBreakAnythingNorReachTheLog() throws Exception {
        for (int i = 0; i < CONNECTIONS; i++) {
            var random = new Random(SEED + i);
            byte[] bytes = connection(random);
            try (var client =
                    new java.net.Socket(receiver.address().getAddress(), receiver.port())) {
                client.setSoTimeout(30_000);
                try {
                    client.getOutputStream().write(bytes);
                    client.shutdownOutput();
                    client.getInputStream().readAllBytes();
                } catch (java.net.SocketTimeoutException e) {
                    throw new AssertionError("seed " + (SEED + i) + ": it hangs", e);
                } catch (IOException e) {
                    // Ended by the receiver, which had enough.
                }
            }
            assertThat(errors).as("seed %d", SEED + i).isEmpty();
        }
        var skim = new Skim(new byte[Skim.SCRATCH_BYTES]);
        for (var stored : log.stored()) {
            if (stored.signal() == null) continue;
            skim.begin(stored.signal(), 1 << 20);
            assertThat(skim.feed(stored.body().duplicate()) && skim.end()).isTrue();
            assertThat(skim.items()).isEqualTo(stored.items());
        }
        assertThat(log.stored()).isNotEmpty(); // some come through, or the damage proves nothing
        try (var honest = new FrameClient(receiver.address())) {
            honest.request(1, grpc(EXPORT), message(0, Requests.typicalLogs(3)), 16_384);
            assertThat(honest.answer(1).grpcStatus()).isZero();
        }
    }

    /** A connection as a client would send it, and then damaged somewhere, or nowhere. */
    private static byte[] connection(Random random) {
        var all = new ByteArrayOutputStream();
        all.writeBytes(FrameClient.PREFACE.getBytes(StandardCharsets.US_ASCII));
        all.writeBytes(FrameClient.bytes(SETTINGS, 0, 0, new byte[0]));
        int streams = 1 + random.nextInt(6);
        for (int i = 0; i < streams; i++) {
            int id = random.nextInt(20) == 0 ? random.nextInt(20) : 2 * i + 1;
            String path = PATHS.get(Math.max(0, random.nextInt(14) - 7));
            all.writeBytes(
                    FrameClient.bytes(
                            HEADERS,
                            random.nextInt(20) == 0 ? random.nextInt(64) : END_HEADERS,
                            id,
                            random.nextInt(10) == 0
                                    ? noise(random, 60)
                                    : grpc(path, encoding(random))));
            byte[] data = body(random);
            int part = 1 + random.nextInt(Math.max(1, Math.min(data.length, 16_000)));
            for (int at = 0; at < data.length; at += part) {
                int end = Math.min(data.length, at + part);
                int flags = end == data.length && random.nextInt(8) != 0 ? END_STREAM : 0;
                all.writeBytes(
                        FrameClient.bytes(DATA, flags, id, Arrays.copyOfRange(data, at, end)));
            }
            if (random.nextInt(6) == 0)
                all.writeBytes(
                        FrameClient.bytes(
                                random.nextInt(12), random.nextInt(256), id, noise(random, 40)));
        }
        byte[] bytes = all.toByteArray();
        if (random.nextInt(3) == 0)
            for (int i = 0; i <= random.nextInt(4); i++)
                bytes[24 + random.nextInt(bytes.length - 24)] = (byte) random.nextInt();
        return random.nextInt(5) == 0 ? Arrays.copyOf(bytes, random.nextInt(bytes.length)) : bytes;
    }

    private static String[] encoding(Random random) {
        return switch (random.nextInt(6)) {
            case 0 -> new String[] {"grpc-encoding", "gzip"};
            case 1 -> new String[] {"grpc-encoding", "zstd"};
            case 2 -> new String[] {"grpc-timeout", random.nextInt(1000) + "u"};
            default -> new String[0];
        };
    }

    /** A message in its frame, whose flag, length and bytes need not be right. */
    private static byte[] body(Random random) {
        byte[] body =
                random.nextInt(4) == 0
                        ? noise(random, 300)
                        : Requests.typicalLogs(1 + random.nextInt(30));
        byte[] framed = message(random.nextInt(5) == 0 ? random.nextInt(256) : 0, body);
        if (random.nextInt(5) == 0) ByteBuffer.wrap(framed).putInt(1, random.nextInt());
        if (random.nextInt(6) == 0) return Arrays.copyOf(framed, random.nextInt(framed.length));
        if (random.nextInt(8) == 0) return FrameClient.join(framed, framed);
        return framed;
    }

    private static byte[] noise(Random random, int most) {
        byte[] noise = new byte[random.nextInt(most)];
        random.nextBytes(noise);
        return noise;
    }
}
