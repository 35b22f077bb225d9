package io.edged.daemon;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.util.concurrent.DefaultThreadFactory;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** A port that is listened on, with one thread for all of its connections. */
public final class Listener implements AutoCloseable {

    private final MultiThreadIoEventLoopGroup loop;
    private final Channel channel;

    private Listener(MultiThreadIoEventLoopGroup loop, Channel channel) {
        this.loop = loop;
        this.channel = channel;
    }

    /**
     * Listens when it returns.
     *
     * @param name of the thread and in messages
     * @param connection adds the handlers of a new connection; on the thread
     * @throws IOException the address cannot be listened on; the message names it
     */
    public static Listener start(
            String name, InetSocketAddress address, Consumer<ChannelPipeline> connection)
            throws IOException {
        var loop = newLoop(name);
        var bound =
                new ServerBootstrap()
                        .group(loop)
                        .channel(NioServerSocketChannel.class)
                        .option(ChannelOption.SO_REUSEADDR, true)
                        .childHandler(
                                new ChannelInitializer<SocketChannel>() {
                                    @Override
                                    protected void initChannel(SocketChannel channel) {
                                        connection.accept(channel.pipeline());
                                    }
                                })
                        .bind(address)
                        .awaitUninterruptibly();
        if (!bound.isSuccess()) {
            loop.shutdownGracefully(0, 0, TimeUnit.SECONDS).awaitUninterruptibly();
            throw new IOException(
                    name + " cannot listen on " + address + ": " + bound.cause(), bound.cause());
        }
        return new Listener(loop, bound.channel());
    }

    /** One event loop, which sleeps until there is something to do. */
    public static MultiThreadIoEventLoopGroup newLoop(String thread) {
        var loop =
                new MultiThreadIoEventLoopGroup(
                        1, new DefaultThreadFactory(thread, true), NioIoHandler.newFactory());
        // A loop that has nothing planned comes round each second to find that out; this is a plan.
        var _ = loop.next().scheduleAtFixedRate(() -> {}, 1, 1, TimeUnit.DAYS);
        return loop;
    }

    /** Where it listens, with the port that was taken. */
    public InetSocketAddress address() {
        return (InetSocketAddress) channel.localAddress();
    }

    /** Closes the port, and every connection with a little patience. Idempotent. */
    @Override
    public void close() {
        channel.close().awaitUninterruptibly();
        loop.shutdownGracefully(0, 2, TimeUnit.SECONDS).awaitUninterruptibly(5, TimeUnit.SECONDS);
    }
}
