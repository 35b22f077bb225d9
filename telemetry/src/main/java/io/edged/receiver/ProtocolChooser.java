package io.edged.receiver;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOption;
import io.netty.handler.codec.ByteToMessageDecoder;
import io.netty.handler.codec.http2.Http2CodecUtil;

import java.util.List;
import java.util.function.Supplier;

/**
 * First in a new connection: a client that begins with HTTP/2's preface (prior knowledge, or what
 * TLS has agreed on) gets HTTP/2, every other HTTP/1.1, whose handlers are there already and keep
 * the deadlines until it is decided. {@code Upgrade: h2c} is not looked at: some clients send it
 * with every request, and answering HTTP/1.1 is what it asks for as the alternative.
 */
final class ProtocolChooser extends ByteToMessageDecoder {

    private final RequestDecoder decoder;
    private final Connection connection;
    private final Supplier<Http2Link> http2;

    ProtocolChooser(RequestDecoder decoder, Connection connection, Supplier<Http2Link> http2) {
        this.decoder = decoder;
        this.connection = connection;
        this.http2 = http2;
    }

    @Override
    protected void decode(ChannelHandlerContext context, ByteBuf in, List<Object> out) {
        ByteBuf preface = Http2CodecUtil.connectionPrefaceBuf();
        int length = Math.min(in.readableBytes(), preface.readableBytes());
        for (int i = 0; i < length; i++) {
            if (in.getByte(in.readerIndex() + i) != preface.getByte(i)) {
                context.pipeline().remove(this);
                return;
            }
        }
        if (length < preface.readableBytes()) {
            connection.headerBegun();
            return;
        }
        var pipeline = context.pipeline();
        // An end of what the client sends is the end of HTTP/2; there are no halves of it.
        context.channel().config().setOption(ChannelOption.ALLOW_HALF_CLOSURE, false);
        pipeline.addAfter(context.name(), null, http2.get());
        pipeline.remove(decoder);
        pipeline.remove(connection);
        pipeline.remove(this);
    }
}
