package io.edged.drain;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.http.DefaultHttpContent;
import io.netty.handler.codec.http.DefaultHttpRequest;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpStatusClass;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.util.ReferenceCountUtil;

import org.jspecify.annotations.Nullable;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.zip.ZipException;

/**
 * One HTTP/1.1 connection, which carries one exchange at a time. Everything happens on the event
 * loop.
 *
 * <p>The body goes out in pieces and only while the socket takes them, so that a request of many
 * megabytes never stands a second time, encrypted, in memory.
 */
final class Connection extends ChannelInboundHandlerAdapter implements Exchange.Carrier {

    private static final int PIECE_BYTES = 16 << 10;

    private final ConnectionPool pool;
    private final int maxAnswerBytes;
    private final boolean slow;

    private @Nullable Channel channel;
    private @Nullable Exchange current;
    private boolean used;
    private boolean reused;
    private boolean written;
    private boolean pumping;

    private @Nullable HttpResponse head;
    private boolean interim;
    private boolean answered;
    private ByteArrayOutputStream body = new ByteArrayOutputStream();

    /**
     * @param slow made for a slow link
     */
    Connection(ConnectionPool pool, int maxAnswerBytes, boolean slow) {
        this.pool = pool;
        this.slow = slow;
        this.maxAnswerBytes = maxAnswerBytes;
    }

    @Override
    public void handlerAdded(ChannelHandlerContext context) {
        channel = context.channel();
    }

    boolean slow() {
        return slow;
    }

    boolean usable() {
        return channel != null && channel.isActive();
    }

    void close() {
        if (channel != null) {
            var _ = channel.close();
        }
    }

    /** Sends a request; the connection must be idle. */
    void start(Exchange exchange, String authority) {
        if (current != null || channel == null)
            throw new IllegalStateException("connection is busy or not open");
        current = exchange;
        exchange.carrier = this;
        exchange.progress();
        reused = used;
        used = true;
        written = false;
        head = null;
        answered = false;
        body = new ByteArrayOutputStream();
        var request =
                new DefaultHttpRequest(
                        HttpVersion.HTTP_1_1, HttpMethod.POST, exchange.path, exchange.headers);
        request.headers()
                .set("Host", authority)
                .set("Content-Length", exchange.body.readableBytes());
        write(channel, request, exchange);
        pump();
    }

    /**
     * Hands pieces over as long as the socket takes them. A write may change the writability and so
     * call back in here, in the middle of the encoder's work on the piece before: only the
     * outermost call goes on.
     */
    private void pump() {
        Exchange exchange = current;
        if (exchange == null || channel == null || written || pumping) return;
        pumping = true;
        try {
            ByteBuf rest = exchange.body;
            do {
                while (current == exchange && rest.isReadable() && channel.isWritable()) {
                    int bytes = Math.min(PIECE_BYTES, rest.readableBytes());
                    ByteBuf piece = rest.readRetainedSlice(bytes);
                    write(channel, new DefaultHttpContent(piece), exchange);
                }
                if (current == exchange && !rest.isReadable() && !written) {
                    written = true;
                    write(channel, LastHttpContent.EMPTY_LAST_CONTENT, exchange);
                }
                channel.flush();
            } while (current == exchange && !written && channel.isWritable());
        } finally {
            pumping = false;
        }
    }

    private void write(Channel to, HttpObject part, Exchange exchange) {
        var _ =
                to.write(part)
                        .addListener(sent -> {
                            if (sent.isSuccess()) exchange.progress();
                            else broken(exchange, sent.cause());
                        });
    }

    /**
     * A write failed. The peer may have answered before it closed (a server that refuses a large
     * body does), and that answer may still lie unread: only the end of the input decides.
     */
    private void broken(Exchange exchange, Throwable why) {
        if (current != exchange || (why instanceof IOException && usable())) return;
        lost(why);
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext context) {
        pump();
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        try {
            read((HttpObject) message);
        } finally {
            ReferenceCountUtil.release(message);
        }
    }

    private void read(HttpObject message) {
        Exchange exchange = current;
        if (exchange == null) {
            // Nobody asked: for example a 408 for a connection that was idle too long.
            close();
            return;
        }
        exchange.progress();
        if (message.decoderResult().isFailure()) {
            lost(new IOException("the answer is not HTTP/1.1: " + message.decoderResult().cause()));
            return;
        }
        if (message instanceof HttpResponse response) {
            answered = true;
            interim =
                    response.status().codeClass() == HttpStatusClass.INFORMATIONAL
                            && !response.status().equals(HttpResponseStatus.SWITCHING_PROTOCOLS);
            if (!interim) {
                head = response;
                if (HttpUtil.getContentLength(response, 0L) > maxAnswerBytes) {
                    tooLarge(exchange, response);
                    return;
                }
            }
        }
        if (message instanceof HttpContent content && !interim && head != null) {
            if (body.size() + content.content().readableBytes() > maxAnswerBytes) {
                tooLarge(exchange, head);
                return;
            }
            append(content.content());
        }
        if (message instanceof LastHttpContent) {
            if (interim) interim = false;
            else if (head != null) complete(exchange, head);
        }
    }

    private void append(ByteBuf content) {
        byte[] bytes = new byte[content.readableBytes()];
        content.readBytes(bytes);
        body.writeBytes(bytes);
    }

    private void tooLarge(Exchange exchange, HttpResponse response) {
        var answer =
                answer(
                        response,
                        new byte[0],
                        Optional.of("it is larger than " + maxAnswerBytes + " bytes"));
        end(false);
        exchange.answer(answer);
    }

    private void complete(Exchange exchange, HttpResponse response) {
        byte[] bytes = body.toByteArray();
        Optional<String> unreadable = Optional.empty();
        String encoding = response.headers().get("Content-Encoding", "identity");
        if (encoding.equalsIgnoreCase("gzip") || encoding.equalsIgnoreCase("x-gzip")) {
            try {
                bytes = Gzip.decompress(bytes, maxAnswerBytes);
            } catch (ZipException e) {
                unreadable = Optional.of(String.valueOf(e.getMessage()));
                bytes = new byte[0];
            }
        } else if (!encoding.equalsIgnoreCase("identity")) {
            unreadable = Optional.of("it has an encoding that was not asked for");
            bytes = new byte[0];
        }
        var answer = answer(response, bytes, unreadable);
        // A peer that answers before it has the whole request reads the rest as the next one.
        end(
                written
                        && HttpUtil.isKeepAlive(response)
                        && !response.status().equals(HttpResponseStatus.SWITCHING_PROTOCOLS));
        exchange.answer(answer);
    }

    private static HttpAnswer answer(
            HttpResponse response, byte[] body, Optional<String> unreadable) {
        Map<String, List<String>> headers = new HashMap<>();
        for (Map.Entry<String, String> header : response.headers())
            headers.computeIfAbsent(
                            header.getKey().toLowerCase(Locale.ROOT), name -> new ArrayList<>())
                    .add(header.getValue());
        return new HttpAnswer(
                response.status().code(),
                response.status().reasonPhrase(),
                headers,
                body,
                unreadable);
    }

    private void end(boolean keep) {
        current = null;
        head = null;
        body = new ByteArrayOutputStream();
        if (keep && usable()) pool.idle(this);
        else close();
    }

    private void lost(Throwable why) {
        Exchange exchange = current;
        current = null;
        close();
        if (exchange == null) return;
        if (reused && !answered && !exchange.resent && !exchange.done()) {
            exchange.resent = true;
            pool.resend(exchange);
        } else {
            exchange.fail(why);
        }
    }

    @Override
    public void abandon(Exchange exchange) {
        if (current != exchange) return;
        current = null;
        close();
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        lost(
                new IOException(
                        answered
                                ? "the connection was closed in the middle of the answer"
                                : "the connection was closed without an answer"));
        pool.closed(this);
        context.fireChannelInactive();
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        lost(cause);
    }
}
