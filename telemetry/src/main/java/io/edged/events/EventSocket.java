package io.edged.events;

import static java.lang.System.Logger.Level.DEBUG;
import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;

import io.edged.wal.Appender;
import io.micrometer.core.instrument.MeterRegistry;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
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

    /** Binds under another name, so that the socket appears with its mode. */
    private static ServerSocketChannel bind(Path path) throws IOException {
        if (Files.exists(path, LinkOption.NOFOLLOW_LINKS)) removeStale(path);
        Path hidden = path.resolveSibling(path.getFileName() + ".tmp");
        Files.deleteIfExists(hidden);
        ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        try {
            server.bind(UnixDomainSocketAddress.of(hidden));
            Files.setPosixFilePermissions(hidden, PosixFilePermissions.fromString("rw-rw----"));
            Files.move(hidden, path, StandardCopyOption.ATOMIC_MOVE);
            return server;
        } catch (IOException e) {
            server.close();
            Files.deleteIfExists(hidden);
            throw new IOException(
                    "cannot listen at "
                            + path
                            + ": "
                            + e.getMessage()
                            + "; its directory must be there and writable, and the path must have at"
                            + " most 100 bytes",
                    e);
        }
    }

    private static void removeStale(Path path) throws IOException {
        if (Files.isRegularFile(path, LinkOption.NOFOLLOW_LINKS)
                || Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS)
                || Files.isSymbolicLink(path))
            throw new IOException(path + " is there and is not a socket; remove it");
        try (SocketChannel probe = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            probe.connect(UnixDomainSocketAddress.of(path));
        } catch (IOException e) {
            Files.deleteIfExists(path); // nobody listens: left behind by a process that was killed
            return;
        }
        throw new IOException("another process listens at " + path);
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
