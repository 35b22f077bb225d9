package io.edged.events;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.edged.disk.FileSystemDirectory;
import io.edged.wal.Appender;
import io.edged.wal.Frame;
import io.edged.wal.LogReader;
import io.edged.wal.MemoryLog;
import io.edged.wal.Wal;
import io.edged.wal.WalEnvironment;
import io.edged.wal.WalOptions;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.BufferedReader;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

@Timeout(60)
class EventSocketTest {

    private static final String EVENT = "{\"kind\":\"action\",\"n\":1}";

    @TempDir Path directory;
    private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
    private Path path;

    @BeforeEach
    void place() {
        path = directory.resolve("events.sock");
    }

    /** A client of the socket. */
    private static final class Client implements AutoCloseable {
        private final SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
        private final BufferedReader answers;

        Client(Path path) throws IOException {
            channel.connect(UnixDomainSocketAddress.of(path));
            answers = new BufferedReader(Channels.newReader(channel, StandardCharsets.UTF_8));
        }

        Client send(String text) throws IOException {
            ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
            while (bytes.hasRemaining()) channel.write(bytes);
            return this;
        }

        String answer() throws IOException {
            return String.valueOf(answers.readLine());
        }

        @Override
        public void close() throws IOException {
            channel.close();
        }
    }

    @Test
    void eachLineIsAnsweredInOrderAndStandsInTheLogAsItCame() throws Exception {
        var stored = new ArrayList<String>();
        try (var log = openLog();
                var socket = EventSocket.start(path, log, registry);
                var client = new Client(socket.path())) {
            client.send(EVENT + "\n\n {\"kind\": 1}\n{\"kind\":\"x\", \"t\":\"a b\"}\r\n{\"ki");
            assertThat(client.answer()).isEqualTo("ok 1");
            assertThat(client.answer()).startsWith("error malformed kind must be");
            assertThat(client.answer()).isEqualTo("ok 2");
            client.send("nd\":\"y\"}\n");
            assertThat(client.answer()).isEqualTo("ok 3");
            try (LogReader reader = log.reader(0)) {
                while (reader.next() instanceof LogReader.Next.Read(Frame frame)) {
                    assertThat(frame.isEntry()).isTrue();
                    ByteBuffer event = ByteBuffer.allocate(frame.bodyBytes());
                    assertThat(reader.readBody(frame, event.duplicate())).isTrue();
                    stored.add(StandardCharsets.UTF_8.decode(event).toString());
                }
            }
        }
        assertThat(stored)
                .containsExactly(EVENT, "{\"kind\":\"x\",\"t\":\"a b\"}", "{\"kind\":\"y\"}");
        assertThat(registry.get("edged.events.taken").counter().count()).isEqualTo(3);
        assertThat(refused("malformed")).isEqualTo(1);
    }

    @Test
    void manyLinesFromManyClientsAreAllAnswered() throws Exception {
        try (var log = openLog();
                var _ = EventSocket.start(path, log, registry)) {
            var threads = new ArrayList<Thread>();
            var failures = new ArrayList<Throwable>();
            for (int i = 0; i < 8; i++)
                threads.add(
                        Thread.ofVirtual()
                                .start(() -> {
                                    try (var client = new Client(path)) {
                                        client.send((EVENT + "\n").repeat(200));
                                        for (int n = 0; n < 200; n++)
                                            assertThat(client.answer()).startsWith("ok ");
                                    } catch (IOException | AssertionError e) {
                                        synchronized (failures) {
                                            failures.add(e);
                                        }
                                    }
                                }));
            for (Thread thread : threads) thread.join();
            assertThat(failures).isEmpty();
            assertThat(log.committedSeq()).isEqualTo(1600);
        }
    }

    @Test
    void whatTheLogDoesNotTakeIsToldWithAReason() throws Exception {
        try (var log = new MemoryLog();
                var _ = EventSocket.start(path, log, registry);
                var client = new Client(path)) {
            for (var offer :
                    List.of(
                            Appender.Offer.BUSY,
                            Appender.Offer.FULL,
                            Appender.Offer.STOPPED,
                            Appender.Offer.FAILED)) {
                log.answer(offer);
                String reason = EventRefusal.of(offer).label();
                assertThat(client.send(EVENT + "\n").answer()).startsWith("error " + reason + " ");
                assertThat(refused(reason)).isEqualTo(1);
            }
        }
    }

    @Test
    void aLineThatIsTooLongEndsTheConnection() throws Exception {
        try (var log = new MemoryLog();
                var _ = EventSocket.start(path, log, registry);
                var client = new Client(path)) {
            var sender =
                    Thread.ofVirtual()
                            .start(() -> {
                                try {
                                    client.send("x".repeat(EventSocket.MAX_LINE_BYTES + 1));
                                } catch (IOException e) {
                                    // it closes in the middle
                                }
                            });
            assertThat(client.answer()).startsWith("error too_long");
            sender.join();
            assertThat(log.offers()).isZero();
        }
    }

    @Test
    void connectionsAreBounded() throws Exception {
        var clients = new ArrayList<Client>();
        try (var log = openLog();
                var _ = EventSocket.start(path, log, registry)) {
            for (int i = 0; i < EventSocket.MAX_CONNECTIONS; i++) {
                clients.add(new Client(path));
                assertThat(clients.getLast().send(EVENT + "\n").answer()).startsWith("ok ");
            }
            try (var surplus = new Client(path)) {
                assertThat(surplus.answer()).startsWith("error connections");
            }
        } finally {
            for (Client client : clients) client.close();
        }
    }

    @Test
    void theSocketHasItsModeAndGoesAtTheEnd() throws Exception {
        try (var log = new MemoryLog();
                var _ = EventSocket.start(path, log, registry)) {
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(path)))
                    .isEqualTo("rw-rw----");
            assertThatThrownBy(() -> EventSocket.start(path, log, new SimpleMeterRegistry()))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("another process listens");
        }
        assertThat(path).doesNotExist();
    }

    @Test
    void aSocketThatWasLeftBehindIsReplacedAndAnythingElseIsNot() throws Exception {
        try (var dead = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            dead.bind(UnixDomainSocketAddress.of(path));
        }
        assertThat(Files.exists(path)).isTrue();
        try (var log = new MemoryLog()) {
            EventSocket.start(path, log, registry).close();
            Files.writeString(path, "a file");
            assertThatThrownBy(() -> EventSocket.start(path, log, new SimpleMeterRegistry()))
                    .hasMessageContaining("is not a socket");
            Path nowhere = directory.resolve("missing").resolve("events.sock");
            assertThatThrownBy(() -> EventSocket.start(nowhere, log, new SimpleMeterRegistry()))
                    .hasMessageContaining("its directory must be there");
        }
    }

    private double refused(String reason) {
        return registry.get("edged.events.refused").tag("reason", reason).counter().count();
    }

    private Wal openLog() throws IOException {
        var options =
                new WalOptions(
                        1 << 20,
                        8 << 20,
                        0,
                        8 << 20,
                        WalOptions.OnCorruption.QUARANTINE,
                        new WalOptions.OnFull.Reject(),
                        Duration.ofSeconds(1));
        return Wal.open(
                FileSystemDirectory.open(directory).directory("wal"),
                options,
                new WalEnvironment(
                        InstantSource.system(),
                        System::nanoTime,
                        new Random(1),
                        new SimpleMeterRegistry()));
    }
}
