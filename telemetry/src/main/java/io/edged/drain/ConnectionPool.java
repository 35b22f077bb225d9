package io.edged.drain;

import io.netty.channel.Channel;
import io.netty.channel.ChannelPipeline;
import io.netty.handler.codec.http.HttpClientCodec;
import io.netty.util.concurrent.ScheduledFuture;

import org.jspecify.annotations.Nullable;

import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/**
 * The connections of one sender to one endpoint: at most {@code maxConnections} at once, kept alive
 * between requests, closed after {@link #IDLE_SECONDS}. Belongs to the event loop.
 *
 * <p>Exchanges wait in line. A connection, when it is ready, takes the first of them, whichever
 * asked for it; an attempt that fails fails the first of them.
 */
final class ConnectionPool implements Connections {

    /**
     * Shorter than what servers and address translators allow, so that ours is the side that
     * closes.
     */
    static final int IDLE_SECONDS = 30;

    private static final int MAX_INITIAL_LINE_BYTES = 8 << 10;
    private static final int MAX_HEADER_BYTES = 32 << 10;
    private static final int MAX_CHUNK_BYTES = 64 << 10;

    private final Connector connector;
    private final int maxConnections;
    private final int maxAnswerBytes;

    private final ArrayDeque<Exchange> waiting = new ArrayDeque<>();
    private final ArrayDeque<Connection> idle = new ArrayDeque<>();
    private final Map<Connection, ScheduledFuture<?>> idleTimers = new HashMap<>();
    private final Set<Connection> open = new HashSet<>();
    private int connecting;
    private boolean closing;

    ConnectionPool(Connector connector, int maxConnections, int maxAnswerBytes) {
        this.connector = connector;
        this.maxConnections = maxConnections;
        this.maxAnswerBytes = maxAnswerBytes;
    }

    private void start(Connection connection, Exchange exchange) {
        connection.start(exchange, connector.endpoint().authority());
    }

    @Override
    public void submit(Exchange exchange) {
        Connection connection = takeIdle();
        if (connection != null) {
            start(connection, exchange);
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
        exchange.carrier = null;
        waiting.addFirst(exchange);
        grow();
    }

    @Override
    public void giveUp(Exchange exchange, Throwable why) {
        waiting.remove(exchange);
        if (exchange.carrier != null) exchange.carrier.abandon(exchange);
        exchange.fail(why);
    }

    /** A connection has done its exchange and can take another. */
    void idle(Connection connection) {
        if (closing || connection.slow() != connector.slow()) {
            connection.close();
            return;
        }
        for (Exchange next = waiting.poll(); next != null; next = waiting.poll()) {
            if (next.done()) continue;
            start(connection, next);
            return;
        }
        idle.add(connection);
        idleTimers.put(
                connection,
                connector.loop().schedule(connection::close, IDLE_SECONDS, TimeUnit.SECONDS));
    }

    /** A connection is gone; another may take its place. */
    void closed(Connection connection) {
        stopTimer(connection);
        idle.remove(connection);
        if (open.remove(connection)) grow();
    }

    @Override
    public void close() {
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

    /** A connection that was made for another link than there is now is not kept. */
    @Override
    public void slow(boolean slow) {
        connector.slow(slow);
        for (Connection connection = takeIdle(); connection != null; connection = takeIdle())
            connection.close();
    }

    private void stopTimer(Connection connection) {
        ScheduledFuture<?> timer = idleTimers.remove(connection);
        if (timer != null) timer.cancel(false);
    }

    /** Connects for each exchange that waits, as far as the bound allows. */
    private void grow() {
        while (connecting < waiting.size() && open.size() + connecting < maxConnections) {
            connecting++;
            connector.connect(new Attempt());
        }
    }

    private final class Attempt implements Connector.Attempt {
        /** Of the address that is tried now. */
        private Connection connection =
                new Connection(ConnectionPool.this, maxAnswerBytes, connector.slow());

        @Override
        public void install(ChannelPipeline pipeline) {
            connection = new Connection(ConnectionPool.this, maxAnswerBytes, connector.slow());
            pipeline.addLast(
                            new HttpClientCodec(
                                    MAX_INITIAL_LINE_BYTES, MAX_HEADER_BYTES, MAX_CHUNK_BYTES))
                    .addLast(connection);
        }

        @Override
        public void ready(Channel channel) {
            connecting--;
            open.add(connection);
            idle(connection);
        }

        @Override
        public void failed(ConnectFailure why) {
            connecting--;
            for (Exchange next = waiting.poll(); next != null; next = waiting.poll()) {
                if (next.done()) continue;
                next.fail(why);
                break;
            }
            grow();
        }
    }
}
