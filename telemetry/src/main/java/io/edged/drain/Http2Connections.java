package io.edged.drain;

import io.netty.channel.Channel;
import io.netty.channel.ChannelPipeline;

import org.jspecify.annotations.Nullable;

import java.util.ArrayDeque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * HTTP/2 to one endpoint: one connection, which carries all exchanges side by side, as far as the
 * other side allows; others wait in line. A connection that the other side asks to leave (GOAWAY)
 * finishes what it carries while the next one is made. Belongs to the event loop.
 */
final class Http2Connections implements Connections {

    private final Connector connector;
    private final int maxAnswerBytes;
    private final KeepAlive keepAlive;

    private final ArrayDeque<Exchange> waiting = new ArrayDeque<>();
    private final Set<Http2Client> open = new HashSet<>();

    /** Where the next exchange goes; null while there is none. */
    private @Nullable Http2Client current;

    private boolean connecting;
    private boolean closing;

    Http2Connections(Connector connector, int maxAnswerBytes, KeepAlive keepAlive) {
        this.keepAlive = keepAlive;
        this.connector = connector;
        this.maxAnswerBytes = maxAnswerBytes;
    }

    @Override
    public void submit(Exchange exchange) {
        waiting.add(exchange);
        serve();
    }

    /** Sends an exchange that the other side has not looked at once more, before all others. */
    void resend(Exchange exchange) {
        exchange.resent = true;
        exchange.body.readerIndex(0);
        exchange.carrier = null;
        waiting.addFirst(exchange);
        // Not from within the codec, which is in the middle of a frame.
        connector.loop().execute(this::serve);
    }

    @Override
    public void giveUp(Exchange exchange, Throwable why) {
        waiting.remove(exchange);
        if (exchange.carrier != null) exchange.carrier.abandon(exchange);
        exchange.fail(why);
    }

    /** The connection that was made for another link finishes what it carries. */
    @Override
    public void slow(boolean slow) {
        connector.slow(slow);
        if (current != null) current.leave();
        current = null;
        connector.loop().execute(this::serve);
    }

    @Override
    public void close() {
        closing = true;
        for (Http2Client connection : List.copyOf(open)) connection.close();
    }

    /** The connection has room again, or takes nothing more. */
    void changed(Http2Client connection) {
        if (connection == current && !connection.usable()) current = null;
        connector.loop().execute(this::serve);
    }

    void closed(Http2Client connection) {
        open.remove(connection);
        if (connection == current) current = null;
        serve();
    }

    private void serve() {
        for (Exchange next = waiting.peek(); next != null; next = waiting.peek()) {
            if (next.done()) {
                waiting.poll();
            } else if (current != null && current.usable()) {
                if (!current.hasRoom()) return;
                waiting.poll();
                current.start(next);
            } else {
                current = null;
                if (!connecting && !closing) {
                    connecting = true;
                    connector.connect(new Attempt());
                }
                return;
            }
        }
    }

    private final class Attempt implements Connector.Attempt {
        private @Nullable Http2Client connection;

        @Override
        public void install(ChannelPipeline pipeline) {
            connection =
                    Http2Client.of(
                            Http2Connections.this, connector.endpoint(), maxAnswerBytes, keepAlive);
            pipeline.addLast(connection);
        }

        @Override
        public void ready(Channel channel) {
            if (connection == null) throw new IllegalStateException("ready before it was made");
            connection.whenGreeted(
                    connector.connectMillis(),
                    greeted -> {
                        connecting = false;
                        open.add(greeted);
                        current = greeted;
                        if (closing) greeted.close();
                        serve();
                    },
                    why -> failed(new ConnectFailure(connector.endpoint(), why)));
        }

        /** The attempt was made for all that wait. */
        @Override
        public void failed(ConnectFailure why) {
            connecting = false;
            for (Exchange next : List.copyOf(waiting)) {
                waiting.remove(next);
                next.fail(why);
            }
        }
    }
}
