package io.edged.drain;

import io.netty.bootstrap.Bootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.ConnectTimeoutException;
import io.netty.channel.EventLoop;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.handler.ssl.SslHandler;
import io.netty.util.concurrent.ScheduledFuture;

import org.jspecify.annotations.Nullable;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * Opens connections to one endpoint: name, address, port, perhaps a tunnel through a proxy, perhaps
 * TLS. The addresses of a name are tried one soon after the other, and again while none answers.
 * Belongs to the event loop.
 */
final class Connector {

    private static final WriteBufferWaterMark WATER_MARK =
            new WriteBufferWaterMark(128 << 10, 256 << 10);

    /** Of a slow connection; Linux doubles it. */
    private static final int SLOW_SEND_BUFFER_BYTES = 32 << 10;

    /**
     * What of a request can be on its way over a slow connection without the other side having
     * acknowledged it, beside a piece in the making: about the kernel's buffer.
     */
    static final int UNSEEN_BYTES = 96 << 10;

    /** How long one address is waited for before the next is tried beside it. */
    private static final long NEXT_ADDRESS_MILLIS = 250;

    /** The same when all were tried. */
    private static final long AGAIN_MILLIS = 1_000;

    private final EventLoop loop;
    private final Endpoint endpoint;
    private final Optional<TlsClient> tls;
    private final Optional<ProxyServer> proxy;
    private final boolean tunnel;
    private final int connectMillis;
    private boolean slow;

    /**
     * @param tls for an endpoint with https
     * @param tunnel whether a proxy is asked for a tunnel even without TLS
     * @param connectMillis for all attempts, for the proxy's answer and for the handshake of TLS
     */
    Connector(
            EventLoop loop,
            Endpoint endpoint,
            Optional<TlsClient> tls,
            Optional<ProxyServer> proxy,
            boolean tunnel,
            int connectMillis) {
        this.loop = loop;
        this.endpoint = endpoint;
        this.tls = tls;
        this.proxy = proxy;
        this.tunnel = proxy.isPresent() && (tunnel || endpoint.tls());
        this.connectMillis = connectMillis;
    }

    EventLoop loop() {
        return loop;
    }

    Endpoint endpoint() {
        return endpoint;
    }

    int connectMillis() {
        return connectMillis;
    }

    /** Whether connections made from now on take little ahead of the link. */
    void slow(boolean slow) {
        this.slow = slow;
    }

    boolean slow() {
        return slow;
    }

    /** What happens to an attempt; on the event loop. */
    interface Attempt {
        /** Adds what speaks the protocol behind TLS, when the connection stands. */
        void install(ChannelPipeline pipeline);

        /** The connection stands, TLS included. */
        void ready(Channel channel);

        void failed(ConnectFailure why);
    }

    void connect(Attempt attempt) {
        String host = proxy.map(ProxyServer::host).orElse(endpoint.host());
        var _ =
                Addresses.of(host)
                        .whenComplete((addresses, why) -> {
                            if (loop.isShuttingDown()) return;
                            loop.execute(() -> {
                                if (why != null) failed(attempt, why);
                                else new Race(attempt, addresses).next();
                            });
                        });
    }

    /**
     * The attempts at one connection, of which the first that stands wins. A packet that asks for a
     * connection while the link is away is lost, the kernel waits longer and longer before it asks
     * again, and it asks by the way that was there at the beginning: a new attempt each second is
     * through as soon as the link is back.
     */
    private final class Race {
        private final Attempt attempt;
        private final List<InetAddress> addresses;
        private final Set<Channel> open = new HashSet<>();
        private @Nullable ScheduledFuture<?> timer;
        private int begun;
        private boolean over;

        Race(Attempt attempt, List<InetAddress> addresses) {
            this.attempt = attempt;
            this.addresses = addresses;
        }

        void next() {
            if (over || loop.isShuttingDown()) return;
            boolean first = begun == 0;
            InetAddress address = addresses.get(begun++ % addresses.size());
            ChannelFuture connecting =
                    bootstrap()
                            .connect(
                                    new InetSocketAddress(
                                            address,
                                            proxy.map(ProxyServer::port).orElse(endpoint.port())));
            open.add(connecting.channel());
            timer =
                    loop.schedule(
                            this::next,
                            begun < addresses.size() ? NEXT_ADDRESS_MILLIS : AGAIN_MILLIS,
                            TimeUnit.MILLISECONDS);
            connecting.addListener(
                    (ChannelFutureListener)
                            connected -> {
                                open.remove(connected.channel());
                                if (over) close(connected.channel());
                                else if (connected.isSuccess()) won(connected.channel());
                                else lost(first, connected.cause());
                            });
        }

        private void won(Channel channel) {
            end();
            pass(channel, attempt);
        }

        private void lost(boolean first, Throwable why) {
            boolean late = first && why instanceof ConnectTimeoutException;
            if (begun < addresses.size() && !late) {
                cancelTimer();
                next();
            } else if (late || open.isEmpty()) {
                end();
                failed(attempt, why);
            }
        }

        private void end() {
            over = true;
            cancelTimer();
            List.copyOf(open).forEach(Connector::close);
        }

        private void cancelTimer() {
            if (timer != null) timer.cancel(false);
        }
    }

    private Bootstrap bootstrap() {
        var bootstrap = new Bootstrap();
        // Elsewhere the kernel makes the buffer as large as the way needs it.
        if (slow) bootstrap.option(ChannelOption.SO_SNDBUF, SLOW_SEND_BUFFER_BYTES);
        return bootstrap
                .group(loop)
                .channel(NioSocketChannel.class)
                .disableResolver()
                .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, connectMillis)
                .option(ChannelOption.TCP_NODELAY, true)
                .option(ChannelOption.SO_KEEPALIVE, true)
                // A write that fails must not throw away an answer that came before.
                .option(ChannelOption.AUTO_CLOSE, false)
                .option(ChannelOption.WRITE_BUFFER_WATER_MARK, WATER_MARK)
                .handler(new ChannelInboundHandlerAdapter()); // what it speaks comes when it stands
    }

    private void install(ChannelPipeline pipeline, Attempt attempt) {
        tls.ifPresent(client -> pipeline.addLast(client.handler(endpoint, connectMillis)));
        attempt.install(pipeline);
    }

    private void pass(Channel channel, Attempt attempt) {
        if (!tunnel) {
            install(channel.pipeline(), attempt);
            secure(channel, attempt);
            return;
        }
        var handler =
                new ProxyTunnel(
                        endpoint.hostAndPort(), proxy.orElseThrow().authorization(), connectMillis);
        Consumer<Throwable> closed = why -> close(channel, attempt, why);
        handler.onEnd(
                () -> {
                    install(channel.pipeline(), attempt);
                    channel.pipeline().remove(handler);
                    secure(channel, attempt);
                },
                closed);
        channel.pipeline().addLast(handler);
    }

    private void secure(Channel channel, Attempt attempt) {
        SslHandler handler = channel.pipeline().get(SslHandler.class);
        if (handler == null) {
            attempt.ready(channel);
            return;
        }
        var _ =
                handler.handshakeFuture()
                        .addListener(handshake -> {
                            if (!handshake.isSuccess()) {
                                close(channel, attempt, handshake.cause());
                                return;
                            }
                            tls.orElseThrow().certificates().seen(handler);
                            Optional<String> missing = tls.orElseThrow().missingProtocol(handler);
                            if (missing.isEmpty()) attempt.ready(channel);
                            else
                                close(
                                        channel,
                                        attempt,
                                        new java.io.IOException(
                                                "the other side does not offer "
                                                        + missing.get()
                                                        + " in the handshake of TLS (ALPN)"));
                        });
    }

    private static void close(Channel channel) {
        var _ = channel.close();
    }

    private void close(Channel channel, Attempt attempt, Throwable why) {
        close(channel);
        failed(attempt, why);
    }

    private void failed(Attempt attempt, Throwable why) {
        attempt.failed(new ConnectFailure(endpoint, why));
    }
}
