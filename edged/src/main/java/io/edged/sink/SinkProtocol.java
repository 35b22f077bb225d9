package io.edged.sink;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelPipeline;
import io.netty.handler.codec.ByteToMessageDecoder;
import io.netty.handler.codec.http.HttpObjectAggregator;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.codec.http2.Http2FrameCodecBuilder;
import io.netty.handler.codec.http2.Http2MultiplexHandler;
import io.netty.handler.codec.http2.Http2Settings;
import io.netty.handler.codec.http2.Http2StreamFrameToHttpObjectCodec;

import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * Finds out by its first bytes whether a connection speaks HTTP/1.1 or HTTP/2, and gRPC over it.
 */
final class SinkProtocol extends ByteToMessageDecoder {

    /** What the preface of HTTP/2 begins with, and no method of HTTP/1.1. */
    private static final byte[] PREFACE = "PRI ".getBytes(StandardCharsets.US_ASCII);

    private static final int WINDOW_BYTES = 1 << 20;

    private final Tally tally;
    private final Mood mood;

    SinkProtocol(Tally tally, Mood mood) {
        this.tally = tally;
        this.mood = mood;
    }

    @Override
    protected void decode(ChannelHandlerContext context, ByteBuf in, List<Object> out) {
        int compared = Math.min(in.readableBytes(), PREFACE.length);
        boolean http2 = true;
        for (int i = 0; i < compared; i++) http2 &= in.getByte(in.readerIndex() + i) == PREFACE[i];
        if (http2 && compared < PREFACE.length) return;
        ChannelPipeline pipeline = context.pipeline();
        if (http2) http2(pipeline);
        else
            pipeline.addLast(
                    new HttpServerCodec(),
                    new HttpObjectAggregator(SinkServer.MAX_BODY_BYTES, true),
                    new SinkHandler(tally, mood));
        pipeline.remove(this);
    }

    private void http2(ChannelPipeline pipeline) {
        pipeline.addLast(
                Http2FrameCodecBuilder.forServer()
                        .initialSettings(
                                Http2Settings.defaultSettings().initialWindowSize(WINDOW_BYTES))
                        .build(),
                new Http2MultiplexHandler(
                        new ChannelInitializer<Channel>() {
                            @Override
                            protected void initChannel(Channel stream) {
                                stream.pipeline()
                                        .addLast(
                                                new Http2StreamFrameToHttpObjectCodec(true),
                                                new HttpObjectAggregator(
                                                        SinkServer.MAX_BODY_BYTES
                                                                + GrpcFrame.HEAD_BYTES),
                                                new GrpcFrame(),
                                                new SinkHandler(tally, mood));
                            }
                        }));
    }
}
