package io.edged.admin;

import static java.lang.System.Logger.Level.INFO;

import io.edged.daemon.Health;
import io.edged.daemon.Listener;
import io.netty.handler.codec.http.HttpDecoderConfig;
import io.netty.handler.codec.http.HttpObjectAggregator;
import io.netty.handler.codec.http.HttpServerCodec;

import java.io.IOException;
import java.net.InetSocketAddress;
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

    private final ThreadPoolExecutor renderer;
    private final ThreadPoolExecutor commander;
    private final Listener listener;

    private AdminServer(
            ThreadPoolExecutor renderer, ThreadPoolExecutor commander, Listener listener) {
        this.commander = commander;
        this.renderer = renderer;
        this.listener = listener;
    }

    /**
     * Listens when it returns.
     *
     * @throws IOException the address cannot be listened on; the message names it
     */
    public static AdminServer start(
            AdminOptions options, Metrics metrics, Health health, Status status, Commands commands)
            throws IOException {
        var renderer = oneThread("admin-render", options);
        var commander = oneThread("admin-command", options);
        var gate = new ConnectionGate(options.maxConnections());
        var pages = new Pages(metrics, health, status, commands);
        try {
            var listener =
                    Listener.start(
                            "admin",
                            options.address(),
                            pipeline ->
                                    pipeline.addLast(
                                            gate,
                                            new HttpServerCodec(limits()),
                                            new HttpObjectAggregator(MAX_BODY_BYTES, true),
                                            new AdminHandler(options, pages, renderer, commander)));
            var server = new AdminServer(renderer, commander, listener);
            LOG.log(INFO, "admin listens; address={0}", server.address());
            return server;
        } catch (IOException e) {
            renderer.shutdown();
            commander.shutdown();
            throw e;
        }
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
