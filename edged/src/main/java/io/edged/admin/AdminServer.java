package io.edged.admin;

import static java.lang.System.Logger.Level.INFO;

import io.edged.daemon.Health;
import io.edged.daemon.Listener;
import io.netty.channel.ChannelPipeline;
import io.netty.handler.codec.http.HttpDecoderConfig;
import io.netty.handler.codec.http.HttpObjectAggregator;
import io.netty.handler.codec.http.HttpServerCodec;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * Serves metrics, health and status. First up and last down, so that probes are answered during
 * recovery and while the daemon stops.
 *
 * <p>Three threads: the event loop, which answers health itself, one that renders, and one that
 * carries out commands and may wait for the disk. Connections, header, body, time and the
 * renderer's queue are bounded.
 */
public final class AdminServer implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(AdminServer.class.getName());

    static final int MAX_REQUEST_LINE_BYTES = 4 << 10;
    static final int MAX_HEADER_BYTES = 8 << 10;
    static final int MAX_BODY_BYTES = 4 << 10;

    private final AdminOptions options;
    private final Pages pages;
    private final ThreadPoolExecutor renderer;
    private final ThreadPoolExecutor commander;
    private final ConnectionGate gate;
    private final Listener listener;

    private AdminServer(AdminOptions options, Pages pages) throws IOException {
        this.options = options;
        this.pages = pages;
        gate = new ConnectionGate(options.maxConnections());
        renderer = oneThread("admin-render", options);
        commander = oneThread("admin-command", options);
        try {
            listener =
                    Listener.start(
                            "admin", options.address(), pipeline -> connection(pipeline, gate));
        } catch (IOException e) {
            renderer.shutdown();
            commander.shutdown();
            throw e;
        }
    }

    private void connection(ChannelPipeline pipeline, ConnectionGate counted) {
        pipeline.addLast(
                counted,
                new HttpServerCodec(limits()),
                new HttpObjectAggregator(MAX_BODY_BYTES, true),
                new AdminHandler(options, pages, renderer, commander));
    }

    /**
     * Listens when it returns.
     *
     * @throws IOException the address cannot be listened on; the message names it
     */
    public static AdminServer start(
            AdminOptions options, Metrics metrics, Health health, Status status, Commands commands)
            throws IOException {
        var server = new AdminServer(options, new Pages(metrics, health, status, commands));
        LOG.log(INFO, "admin listens; address={0}", server.address());
        return server;
    }

    /**
     * Serves the same at a Unix socket that only this process's user and root may use. Close it
     * before the server.
     *
     * @param path in a directory that is there; a socket that nobody listens at is replaced
     * @throws IOException the path cannot be bound; the message names it
     */
    public ControlSocket control(Path path) throws IOException {
        var counted = new ConnectionGate(options.maxConnections());
        ControlSocket socket = ControlSocket.start(path, pipeline -> connection(pipeline, counted));
        LOG.log(INFO, "taking commands; socket={0}", path);
        return socket;
    }

    private static ThreadPoolExecutor oneThread(String name, AdminOptions options) {
        return new ThreadPoolExecutor(
                1,
                1,
                0,
                TimeUnit.SECONDS,
                new ArrayBlockingQueue<>(options.maxConnections()),
                Thread.ofPlatform().name(name).daemon(true).factory());
    }

    private static HttpDecoderConfig limits() {
        return new HttpDecoderConfig()
                .setMaxInitialLineLength(MAX_REQUEST_LINE_BYTES)
                .setMaxHeaderSize(MAX_HEADER_BYTES);
    }

    /** Where it listens, with the port that was taken. */
    public InetSocketAddress address() {
        return listener.address();
    }

    /** Closes the port and every connection. Idempotent. */
    @Override
    public void close() {
        listener.close();
        renderer.shutdown();
        commander.shutdown();
    }
}
