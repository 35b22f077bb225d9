package io.edged.events;

import static java.lang.System.Logger.Level.DEBUG;
import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;

import io.edged.disk.SocketFile;
import io.edged.wal.Appender;
import io.micrometer.core.instrument.MeterRegistry;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;

/**
 * A Unix socket that takes events as lines of JSON and answers each line with one of its own:
 * {@code ok SEQ} when the event is durable, never before, or {@code error REASON …}. The socket has
 * mode 0660: the file system decides who may send.
 *
 * <p>One virtual thread a connection; running from {@link #start} to {@link #close}.
 */
public final class EventSocket implements AutoCloseable {

    /** Connections at one time; a further one is told and closed. */
    public static final int MAX_CONNECTIONS = 64;

    /** Of one line; bounds what a connection may hold. */
    public static final int MAX_LINE_BYTES = 256 << 10;

    private static final long ACCEPT_PAUSE_NANOS = 100_000_000;

    private static final System.Logger LOG = System.getLogger(EventSocket.class.getName());

    private final Path path;
    private final Appender appender;
    private final EventMetrics metrics;
    private final ServerSocketChannel server;
    private final Set<SocketChannel> connections = ConcurrentHashMap.newKeySet();

    private EventSocket(Path path, Appender appender, MeterRegistry registry) throws IOException {
        this.path = path;
        this.appender = appender;
        metrics = new EventMetrics(registry, connections::size);
        server = bind(path);
    }

    /**
     * Binds and starts to take events.
     *
     * @param path of the socket, in a directory that is there; a socket that nobody listens at is
     *     replaced
     * @throws IOException the path cannot be bound; nothing runs then
     */
    public static EventSocket start(Path path, Appender appender, MeterRegistry registry)
            throws IOException {
        var socket = new EventSocket(path, appender, registry);
        Thread.ofVirtual().name("edged-events").start(socket::accept);
        LOG.log(INFO, "receiving events; socket={0}", path);
        return socket;
    }

    public Path path() {
        return path;
    }

    /**
     * Stops accepting and closes every connection. Close it before the log: what the log still
     * holds afterwards becomes durable or not, but is no longer answered.
     */
    @Override
    public void close() throws IOException {
        server.close();
        Files.deleteIfExists(path);
        for (SocketChannel connection : connections) connection.close();
    }

    private static ServerSocketChannel bind(Path path) throws IOException {
        ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        try {
            return SocketFile.bind(path, "rw-rw----", server::bind);
        } catch (IOException e) {
            server.close();
            throw e;
        }
    }

    private void accept() {
        while (true) {
            try {
                SocketChannel channel = server.accept();
                if (connections.size() >= MAX_CONNECTIONS) refuse(channel);
                else {
                    connections.add(channel);
                    Thread.ofVirtual().name("edged-event-client").start(() -> serve(channel));
                }
            } catch (ClosedChannelException e) {
                return;
            } catch (IOException e) {
                LOG.log(WARNING, "could not accept a client; error={0}", e.getMessage());
                LockSupport.parkNanos(ACCEPT_PAUSE_NANOS); // such as too many open files
            }
        }
    }

    private void refuse(SocketChannel channel) throws IOException {
        metrics.refused(EventRefusal.CONNECTIONS);
        LOG.log(WARNING, "refused an event client; open={0}", MAX_CONNECTIONS);
        try (channel) {
            String line = EventRefusal.CONNECTIONS.line() + "\n";
            // A new connection has room for one line: this does not wait.
            int _ = channel.write(ByteBuffer.wrap(line.getBytes(StandardCharsets.UTF_8)));
        }
    }

    private void serve(SocketChannel channel) {
        try (channel) {
            new EventConnection(channel, appender, metrics, MAX_LINE_BYTES).serve();
        } catch (IOException e) {
            LOG.log(DEBUG, "an event client broke off; reason={0}", e.getMessage());
        } finally {
            connections.remove(channel);
        }
    }
}
