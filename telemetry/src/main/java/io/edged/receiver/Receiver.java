package io.edged.receiver;

import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;

import io.edged.wal.Appender;
import io.micrometer.core.instrument.MeterRegistry;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.channel.AdaptiveRecvByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.netty.util.concurrent.FastThreadLocal;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/**
 * Takes OTLP/HTTP with protobuf bodies on {@code /v1/logs}, {@code /v1/metrics} and {@code
 * /v1/traces}. A request is answered 200 when the log says that it is durable, never before.
 *
 * <p>Running from {@link #start} to {@link #close}.
 */
public final class Receiver implements AutoCloseable {

    private static final System.Logger LOG = System.getLogger(Receiver.class.getName());

    private static final int BACKLOG = 1024;
    private static final int SMALLEST_READ_BYTES = 2 << 10;
    private static final int FIRST_READ_BYTES = 16 << 10;
    private static final int LARGEST_READ_BYTES = 256 << 10;

    private final ReceiverOptions options;
    private final Admission admission;
    private final MultiThreadIoEventLoopGroup eventLoops;
    private final DefaultChannelGroup connections;
    private final PooledByteBufAllocator allocator;
    private final Channel server;

    private Receiver(ReceiverOptions options, Appender appender, MeterRegistry registry)
            throws IOException {
        this.options = options;
        admission = new Admission(options.limits());
        ReceiverMetrics.shared(registry, admission);
        var metrics = new ReceiverMetrics(registry, "http");
        eventLoops =
                new MultiThreadIoEventLoopGroup(
                        options.eventLoopThreads(),
                        new DefaultThreadFactory("edged-receiver"),
                        NioIoHandler.newFactory());
        connections = new DefaultChannelGroup(eventLoops.next());
        allocator = newAllocator(options.eventLoopThreads());
        var workspaces =
                new FastThreadLocal<Workspace>() {
                    @Override
                    protected Workspace initialValue() {
                        return new Workspace();
                    }

                    @Override
                    protected void onRemoval(Workspace workspace) {
                        workspace.close();
                    }
                };
        var bound =
                new ServerBootstrap()
                        .group(eventLoops)
                        .channel(NioServerSocketChannel.class)
                        .option(ChannelOption.SO_BACKLOG, BACKLOG)
                        .option(ChannelOption.SO_REUSEADDR, true)
                        .childOption(ChannelOption.ALLOCATOR, allocator)
                        .childOption(
                                ChannelOption.RECVBUF_ALLOCATOR,
                                new AdaptiveRecvByteBufAllocator(
                                        SMALLEST_READ_BYTES, FIRST_READ_BYTES, LARGEST_READ_BYTES))
                        .childOption(ChannelOption.TCP_NODELAY, true)
                        .childOption(ChannelOption.SO_KEEPALIVE, true)
                        // A client may close its sending side and still wait for the answer.
                        .childOption(ChannelOption.ALLOW_HALF_CLOSURE, true)
                        .childOption(
                                ChannelOption.WRITE_BUFFER_WATER_MARK,
                                new WriteBufferWaterMark(16 << 10, 64 << 10))
                        .childHandler(
                                new ChannelInitializer<SocketChannel>() {
                                    @Override
                                    protected void initChannel(SocketChannel channel) {
                                        accept(channel, appender, metrics, workspaces.get());
                                    }
                                })
                        .bind(options.listen())
                        .awaitUninterruptibly();
        if (!bound.isSuccess()) {
            shutDown();
            throw new IOException(
                    "cannot listen on "
                            + options.listen()
                            + ": "
                            + bound.cause().getMessage()
                            + "; is another program using the port?",
                    bound.cause());
        }
        server = bound.channel();
    }

    /**
     * Binds and starts to take requests.
     *
     * @throws IOException the address cannot be bound; nothing runs then
     */
    public static Receiver start(ReceiverOptions options, Appender appender, MeterRegistry registry)
            throws IOException {
        var receiver = new Receiver(options, appender, registry);
        LOG.log(
                INFO,
                "receiving OTLP/HTTP; address={0} threads={1}",
                receiver.address(),
                options.eventLoopThreads());
        return receiver;
    }

    /** Where it listens; with the real port if any was asked for. */
    public InetSocketAddress address() {
        return (InetSocketAddress) server.localAddress();
    }

    public int port() {
        return address().getPort();
    }

    /**
     * Stops accepting, lets requests that have begun come in and be answered within the close
     * timeout, then closes every connection. Close the receiver before the log: what the log still
     * holds afterwards becomes durable or not, but is no longer answered.
     */
    @Override
    public void close() {
        admission.stop();
        server.close().awaitUninterruptibly();
        for (Channel channel : connections) {
            var connection = channel.pipeline().get(Connection.class);
            if (connection != null) channel.eventLoop().execute(connection::leave);
        }
        Duration patience = options.timeouts().close();
        if (!connections
                .newCloseFuture()
                .awaitUninterruptibly(patience.toMillis(), TimeUnit.MILLISECONDS)) {
            LOG.log(
                    WARNING,
                    "closing connections that were not answered in time; connections={0}"
                            + " seconds={1}",
                    connections.size(),
                    patience.toSeconds());
            connections.close().awaitUninterruptibly();
        }
        shutDown();
    }

    /** For tests: what of the allocator is in use. */
    PooledByteBufAllocator allocator() {
        return allocator;
    }

    Admission admission() {
        return admission;
    }

    @SuppressWarnings("FutureReturnValueIgnored") // a close that fails has nobody to tell
    private void accept(
            SocketChannel channel,
            Appender appender,
            ReceiverMetrics metrics,
            Workspace workspace) {
        Admission.Entry entry = admission.connected();
        channel.closeFuture().addListener(_ -> admission.disconnected());
        if (entry == Admission.Entry.WELCOME && !admission.stopping()) {
            var connection =
                    new Connection(
                            new Intake(admission, appender, metrics, workspace),
                            options.timeouts());
            connections.add(channel);
            channel.pipeline()
                    .addLast(new RequestDecoder(options.limits(), connection::headerBegun))
                    .addLast(connection);
            return;
        }
        metrics.refused(null, Refusal.CONNECTIONS, 0, 0);
        LOG.log(
                WARNING,
                "refused a connection; peer={0} open={1} limit={2}",
                channel.remoteAddress(),
                admission.connections(),
                options.limits().connections());
        if (entry == Admission.Entry.DROPPED) channel.close();
        else channel.pipeline().addLast(new RefusedConnection(admission));
    }

    /**
     * Direct memory in chunks of 1 MiB, one arena for each event loop: idle memory stays small, and
     * what is in use is bounded by {@link Admission}.
     */
    private static PooledByteBufAllocator newAllocator(int threads) {
        return new PooledByteBufAllocator(true, 0, threads, 8 << 10, 7, 256, 64, false);
    }

    private void shutDown() {
        eventLoops
                .shutdownGracefully(0, 1, TimeUnit.SECONDS)
                .awaitUninterruptibly(5, TimeUnit.SECONDS);
    }
}
