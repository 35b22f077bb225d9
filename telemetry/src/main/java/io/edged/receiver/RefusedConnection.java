package io.edged.receiver;

import io.edged.otlp.BodyFormat;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.channel.socket.SocketChannel;
import io.netty.util.ReferenceCountUtil;

import java.util.concurrent.TimeUnit;

/**
 * A connection above a limit: hears 503 and is closed. What it sends is thrown away for a moment,
 * because closing with unread data would reset the connection and could take the answer with it.
 */
@SuppressWarnings("FutureReturnValueIgnored") // a close that fails has nobody to tell
final class RefusedConnection extends ChannelInboundHandlerAdapter {

    private static final long LINGER_SECONDS = 1;

    private final Admission admission;
    private final Refusal refusal;

    RefusedConnection(Admission admission, Refusal refusal) {
        this.admission = admission;
        this.refusal = refusal;
    }

    @Override
    public void channelActive(ChannelHandlerContext context) {
        context.writeAndFlush(
                        Answers.refusal(
                                context.alloc(),
                                BodyFormat.PROTOBUF,
                                refusal,
                                Answers.advice(refusal),
                                admission.hints().seconds(refusal),
                                true,
                                true))
                .addListener(_ -> ((SocketChannel) context.channel()).shutdownOutput());
        context.executor().schedule(() -> context.close(), LINGER_SECONDS, TimeUnit.SECONDS);
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        ReferenceCountUtil.release(message);
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext context, Object event) {
        if (event instanceof ChannelInputShutdownEvent) context.close();
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        context.close();
    }
}
