package io.edged.drain;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.ByteToMessageDecoder;
import io.netty.util.concurrent.ScheduledFuture;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Asks an HTTP proxy for a tunnel (RFC 9110, section 9.3.6). Does nothing else: whoever waits for
 * its end puts the protocol in its place. Bytes that came behind the proxy's answer are passed on
 * when it is removed.
 */
final class ProxyTunnel extends ByteToMessageDecoder {

    private static final int MAX_ANSWER_BYTES = 16 << 10;
    private static final Pattern STATUS = Pattern.compile("HTTP/1\\.[01] ([0-9]{3})( .*)?");
    private static final byte[] END = {'\r', '\n', '\r', '\n'};

    private final String hostAndPort;
    private final Optional<String> authorization;
    private final int millis;
    private Runnable onOpen = () -> {};
    private Consumer<Throwable> onFailure = why -> {};
    private @Nullable ScheduledFuture<?> timer;
    private boolean done;

    ProxyTunnel(String hostAndPort, Optional<String> authorization, int millis) {
        this.hostAndPort = hostAndPort;
        this.authorization = authorization;
        this.millis = millis;
    }

    /** Exactly one of the two runs, on the event loop. */
    void onEnd(Runnable onOpen, Consumer<Throwable> onFailure) {
        this.onOpen = onOpen;
        this.onFailure = onFailure;
    }

    @Override
    public void handlerAdded(ChannelHandlerContext context) {
        var request = new StringBuilder();
        request.append("CONNECT ").append(hostAndPort).append(" HTTP/1.1\r\nHost: ");
        request.append(hostAndPort).append("\r\nUser-Agent: edged\r\n");
        authorization.ifPresent(
                value -> request.append("Proxy-Authorization: ").append(value).append("\r\n"));
        request.append("\r\n");
        var _ = context.writeAndFlush(Unpooled.copiedBuffer(request, StandardCharsets.ISO_8859_1));
        timer =
                context.executor()
                        .schedule(
                                () -> fail("the proxy does not answer"),
                                millis,
                                TimeUnit.MILLISECONDS);
    }

    @Override
    protected void decode(ChannelHandlerContext context, ByteBuf in, List<Object> out) {
        if (done) return;
        int length = endOfHead(in);
        if (length < 0) {
            if (in.readableBytes() > MAX_ANSWER_BYTES) fail("the proxy's answer has no end");
            return;
        }
        String head = in.readCharSequence(length, StandardCharsets.ISO_8859_1).toString();
        Matcher status = STATUS.matcher(head.lines().findFirst().orElse(""));
        if (!status.matches()) {
            fail("what answers in the proxy's place is not HTTP");
        } else if (status.group(1).startsWith("1")) {
            return; // the answer proper follows
        } else if (status.group(1).startsWith("2")) {
            end();
            onOpen.run();
        } else {
            String advice =
                    status.group(1).equals("407")
                            ? "; it wants credentials: check the file with them"
                            : "";
            fail("the proxy refuses the tunnel with status " + status.group(1) + advice);
        }
    }

    private static int endOfHead(ByteBuf in) {
        for (int at = in.readerIndex(); at + END.length <= in.writerIndex(); at++) {
            int matching = 0;
            while (matching < END.length && in.getByte(at + matching) == END[matching]) matching++;
            if (matching == END.length) return at + END.length - in.readerIndex();
        }
        return -1;
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        fail("the proxy closed the connection");
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        fail("the proxy closed the connection: " + cause.getMessage());
    }

    private void fail(String why) {
        if (done) return;
        end();
        onFailure.accept(new IOException(why));
    }

    private void end() {
        done = true;
        if (timer != null) timer.cancel(false);
    }
}
