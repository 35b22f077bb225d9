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
 * <p>Two threads: the event loop, which answers health itself, and one that renders. Connections,
 * header, body, time and the renderer's queue are bounded.
 */
public final class AdminServer implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(AdminServer.class.getName());

    static final int MAX_REQUEST_LINE_BYTES = 4 << 10;
    static final int MAX_HEADER_BYTES = 8 << 10;
    static final int MAX_BODY_BYTES = 4 << 10;

    private final ThreadPoolExecutor renderer;
    private final Listener listener;

    private AdminServer(ThreadPoolExecutor renderer, Listener listener) {
        this.renderer = renderer;
        this.listener = listener;
    }

    /**
     * Listens when it returns.
     *
     * @throws IOException the address cannot be listened on; the message names it
     */
    public static AdminServer start(
            AdminOptions options, Metrics metrics, Health health, Status status)
            throws IOException {
        var renderer =
                new ThreadPoolExecutor(
                        1,
                        1,
                        0,
                        TimeUnit.SECONDS,
                        new ArrayBlockingQueue<>(options.maxConnections()),
                        Thread.ofPlatform().name("admin-render").daemon(true).factory());
        var gate = new ConnectionGate(options.maxConnections());
        var pages = new Pages(metrics, health, status);
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
                                            new AdminHandler(options, pages, renderer)));
            var server = new AdminServer(renderer, listener);
            LOG.log(INFO, "admin listens; address={0}", server.address());
            return server;
        } catch (IOException e) {
            renderer.shutdown();
            throw e;
        }
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
    }
}
