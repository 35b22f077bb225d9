package io.edged.drain;

import io.netty.bootstrap.Bootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.handler.codec.http.HttpClientCodec;
import io.netty.handler.ssl.SslHandler;
import io.netty.util.concurrent.ScheduledFuture;

import org.jspecify.annotations.Nullable;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/**
 * The connections of one sender to one endpoint: at most {@code maxConnections} at once, kept alive
 * between requests, closed after {@link #IDLE_SECONDS}. Belongs to the event loop.
 *
 * <p>Exchanges wait in line. A connection, when it is ready, takes the first of them, whichever
 * asked for it; an attempt that fails fails the first of them.
 */
final class ConnectionPool {

    /**
     * Shorter than what servers and address translators allow, so that ours is the side that
     * closes.
     */
    private static final int IDLE_SECONDS = 30;

    private static final int MAX_INITIAL_LINE_BYTES = 8 << 10;
    private static final int MAX_HEADER_BYTES = 32 << 10;
    private static final int MAX_CHUNK_BYTES = 64 << 10;
    private static final WriteBufferWaterMark WATER_MARK =
            new WriteBufferWaterMark(128 << 10, 256 << 10);

    private final EventLoop loop;
    private final Endpoint endpoint;
    private final Optional<TlsClient> tls;
    private final int maxConnections;
    private final int maxAnswerBytes;
    private final int connectMillis;

    private final ArrayDeque<Exchange> waiting = new ArrayDeque<>();
    private final ArrayDeque<Connection> idle = new ArrayDeque<>();
    private final Map<Connection, ScheduledFuture<?>> idleTimers = new HashMap<>();
    private final Set<Connection> open = new HashSet<>();
    private int connecting;
    private boolean closing;

    ConnectionPool(
            EventLoop loop,
            Endpoint endpoint,
            Optional<TlsClient> tls,
            int maxConnections,
            int maxAnswerBytes,
            int connectMillis) {
        this.loop = loop;
        this.endpoint = endpoint;
        this.tls = tls;
        this.maxConnections = maxConnections;
        this.maxAnswerBytes = maxAnswerBytes;
        this.connectMillis = connectMillis;
    }

    void submit(Exchange exchange) {
        Connection connection = takeIdle();
        if (connection != null) {
            connection.start(exchange, endpoint.authority());
            return;
        }
        waiting.add(exchange);
        grow();
    }

    /**
     * Sends an exchange whose kept connection was closed by the peer on a new one. The other idle
     * connections are as old: they go too.
     */
    void resend(Exchange exchange) {
        for (Connection connection = takeIdle(); connection != null; connection = takeIdle())
            connection.close();
        exchange.body.readerIndex(0);
        exchange.connection = null;
        waiting.addFirst(exchange);
        grow();
    }

    /** Ends an exchange that is overdue or no longer wanted. */
    void giveUp(Exchange exchange, Throwable why) {
        waiting.remove(exchange);
        if (exchange.connection != null) exchange.connection.abandon(exchange);
        exchange.fail(why);
    }

    /** A connection has done its exchange and can take another. */
    void idle(Connection connection) {
        if (closing) {
            connection.close();
            return;
        }
        for (Exchange next = waiting.poll(); next != null; next = waiting.poll()) {
            if (next.done()) continue;
            connection.start(next, endpoint.authority());
            return;
        }
        idle.add(connection);
        idleTimers.put(
                connection, loop.schedule(connection::close, IDLE_SECONDS, TimeUnit.SECONDS));
    }

    /** A connection is gone; another may take its place. */
    void closed(Connection connection) {
        stopTimer(connection);
        idle.remove(connection);
        if (open.remove(connection)) grow();
    }

    /** Closes every connection; those that are still being made are closed when they are ready. */
    void close() {
        closing = true;
        for (Connection connection : List.copyOf(open)) connection.close();
    }

    private @Nullable Connection takeIdle() {
        for (Connection found = idle.pollLast(); found != null; found = idle.pollLast()) {
            stopTimer(found);
            if (found.usable()) return found;
        }
        return null;
    }

    private void stopTimer(Connection connection) {
        ScheduledFuture<?> timer = idleTimers.remove(connection);
        if (timer != null) timer.cancel(false);
    }

    /** Connects for each exchange that waits, as far as the bound allows. */
    private void grow() {
        while (connecting < waiting.size() && open.size() + connecting < maxConnections) {
            connecting++;
            var _ =
                    Addresses.of(endpoint.host())
                            .whenComplete((addresses, why) -> {
                                if (loop.isShuttingDown()) return;
                                loop.execute(() -> {
                                    if (why != null) failed(why);
                                    else connect(addresses, 0);
                                });
                            });
        }
    }

    private void connect(List<InetAddress> addresses, int attempt) {
        var connection = new Connection(this, maxAnswerBytes);
        var address = new InetSocketAddress(addresses.get(attempt), endpoint.port());
        var _ =
                bootstrap(connection)
                        .connect(address)
                        .addListener(
                                (ChannelFutureListener)
                                        connected -> {
                                            if (connected.isSuccess())
                                                secure(connected.channel(), connection);
                                            else if (attempt + 1 < addresses.size())
                                                connect(addresses, attempt + 1);
                                            else failed(connected.cause());
                                        });
    }

    private Bootstrap bootstrap(Connection connection) {
        return new Bootstrap()
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
                                tls.ifPresent(client ->
                                        channel.pipeline()
                                                .addLast(client.handler(endpoint, connectMillis)));
                                channel.pipeline()
                                        .addLast(
                                                new HttpClientCodec(
                                                        MAX_INITIAL_LINE_BYTES,
                                                        MAX_HEADER_BYTES,
                                                        MAX_CHUNK_BYTES))
                                        .addLast(connection);
                            }
                        });
    }

    private void secure(Channel channel, Connection connection) {
        SslHandler handler = channel.pipeline().get(SslHandler.class);
        if (handler == null) {
            ready(connection);
            return;
        }
        var _ =
                handler.handshakeFuture()
                        .addListener(handshake -> {
                            if (handshake.isSuccess()) {
                                ready(connection);
                            } else {
                                var _ = channel.close();
                                failed(handshake.cause());
                            }
                        });
    }

    private void ready(Connection connection) {
        connecting--;
        open.add(connection);
        idle(connection);
    }

    private void failed(Throwable why) {
        connecting--;
        for (Exchange next = waiting.poll(); next != null; next = waiting.poll()) {
            if (next.done()) continue;
            next.fail(new ConnectFailure(endpoint, why));
            break;
        }
        grow();
    }
}
