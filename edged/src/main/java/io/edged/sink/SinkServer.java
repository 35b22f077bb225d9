package io.edged.sink;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.codec.http.HttpObjectAggregator;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.timeout.IdleStateHandler;
import io.netty.util.concurrent.DefaultThreadFactory;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.concurrent.TimeUnit;

/**
 * Listens for OTLP/HTTP (protobuf; identity, gzip and zstd) and for requests about itself: {@code
 * GET /sink/stats}, {@code POST /sink/fail?seconds=N&status=503&retryAfter=1}, {@code POST
 * /sink/silent?seconds=N}, {@code POST /sink/ok}.
 *
 * <p>For trying things out: what it received is in memory only, so its answers promise nothing.
 */
public final class SinkServer implements AutoCloseable {
    static final int MAX_BODY_BYTES = 64 << 20;
    private static final int IDLE_SECONDS = 300;

    private final MultiThreadIoEventLoopGroup loop;
    private final Channel listener;
    private final Tally tally;
    private final Mood mood;

    private SinkServer(MultiThreadIoEventLoopGroup loop, Channel listener, Tally tally, Mood mood) {
        this.loop = loop;
        this.listener = listener;
        this.tally = tally;
        this.mood = mood;
    }

    /**
     * Listens when it returns.
     *
     * @throws IOException the address cannot be listened on or the record file not be written
     */
    public static SinkServer start(SinkOptions options) throws IOException {
        var tally = new Tally(options.discardRepeats(), options.record());
        var mood = new Mood(System::nanoTime);
        mood.set(new Mood.Answer.Fail(503, 1), options.failFor());
        if (options.silentFor().isPositive())
            mood.set(new Mood.Answer.Silent(), options.silentFor());
        var loop =
                new MultiThreadIoEventLoopGroup(
                        1, new DefaultThreadFactory("sink", true), NioIoHandler.newFactory());
        var bound =
                new ServerBootstrap()
                        .group(loop)
                        .channel(NioServerSocketChannel.class)
                        .option(ChannelOption.SO_REUSEADDR, true)
                        .childHandler(
                                new ChannelInitializer<SocketChannel>() {
                                    @Override
                                    protected void initChannel(SocketChannel channel) {
                                        channel.pipeline()
                                                .addLast(
                                                        new IdleStateHandler(0, 0, IDLE_SECONDS),
                                                        new HttpServerCodec(),
                                                        new HttpObjectAggregator(
                                                                MAX_BODY_BYTES, true),
                                                        new SinkHandler(tally, mood));
                                    }
                                })
                        .bind(options.address())
                        .awaitUninterruptibly();
        if (!bound.isSuccess()) {
            tally.close();
            loop.shutdownGracefully(0, 0, TimeUnit.SECONDS).awaitUninterruptibly();
            throw new IOException(
                    "the sink cannot listen on " + options.address() + ": " + bound.cause(),
                    bound.cause());
        }
        return new SinkServer(loop, bound.channel(), tally, mood);
    }

    /** Where it listens, with the port that was taken. */
    public InetSocketAddress address() {
        return (InetSocketAddress) listener.localAddress();
    }

    /** What arrived until now. */
    public SinkStats stats() throws IOException {
        return tally.stats();
    }

    /** Answers uploads with success from now on, whatever it was told before. */
    public void answerWithSuccess() {
        mood.well();
    }

    @Override
    public void close() throws IOException {
        listener.close().awaitUninterruptibly();
        loop.shutdownGracefully(0, 2, TimeUnit.SECONDS).awaitUninterruptibly(5, TimeUnit.SECONDS);
        tally.close();
    }
}
