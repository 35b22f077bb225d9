package io.edged.drain;

import io.netty.bootstrap.Bootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.EventLoop;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.handler.ssl.SslHandler;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * Opens connections to one endpoint: name, address, port, perhaps a tunnel through a proxy, perhaps
 * TLS. The addresses of a name are tried one after the other. Belongs to the event loop.
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
     * @param connectMillis for each address, for the proxy's answer and for the handshake of TLS
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
        /** Adds what speaks the protocol behind TLS. May be called again, for another address. */
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
                                else connect(attempt, addresses, 0);
                            });
                        });
    }

    private void connect(Attempt attempt, List<InetAddress> addresses, int number) {
        int port = proxy.map(ProxyServer::port).orElse(endpoint.port());
        var _ =
                bootstrap(attempt)
                        .connect(new InetSocketAddress(addresses.get(number), port))
                        .addListener(
                                (ChannelFutureListener)
                                        connected -> {
                                            if (connected.isSuccess())
                                                pass(connected.channel(), attempt);
                                            else if (number + 1 < addresses.size())
                                                connect(attempt, addresses, number + 1);
                                            else failed(attempt, connected.cause());
                                        });
    }

    private Bootstrap bootstrap(Attempt attempt) {
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
                .handler(
                        new ChannelInitializer<Channel>() {
                            @Override
                            protected void initChannel(Channel channel) {
                                if (!tunnel) install(channel.pipeline(), attempt);
                            }
                        });
    }

    private void install(ChannelPipeline pipeline, Attempt attempt) {
        tls.ifPresent(client -> pipeline.addLast(client.handler(endpoint, connectMillis)));
        attempt.install(pipeline);
    }

    private void pass(Channel channel, Attempt attempt) {
        if (!tunnel) {
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

    private void close(Channel channel, Attempt attempt, Throwable why) {
        var _ = channel.close();
        failed(attempt, why);
    }

    private void failed(Attempt attempt, Throwable why) {
        attempt.failed(new ConnectFailure(endpoint, why));
    }
}
