package io.edged.admin;

import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.util.AttributeKey;

import java.util.concurrent.atomic.AtomicInteger;

/** Closes connections above a limit before they cost anything. One for all of a listener's. */
@ChannelHandler.Sharable
final class ConnectionGate extends ChannelInboundHandlerAdapter {
    private static final AttributeKey<Boolean> COUNTED =
            AttributeKey.valueOf(ConnectionGate.class, "counted");

    private final int max;
    private final AtomicInteger open = new AtomicInteger();

    ConnectionGate(int max) {
        this.max = max;
    }

    @Override
    public void channelActive(ChannelHandlerContext context) {
        if (open.incrementAndGet() > max) {
            open.decrementAndGet();
            var _ = context.close();
            return;
        }
        context.channel().attr(COUNTED).set(true);
        context.fireChannelActive();
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        if (context.channel().attr(COUNTED).getAndSet(null) == null) return;
        open.decrementAndGet();
        context.fireChannelInactive();
    }
}
