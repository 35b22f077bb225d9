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
import io.netty.util.concurrent.EventExecutor;
import io.netty.util.concurrent.FastThreadLocal;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.random.RandomGenerator;

/**
 * Takes OTLP over HTTP (on {@code /v1/logs}, {@code /v1/metrics} and {@code /v1/traces}) and over
 * gRPC, and events over HTTP (on {@code /v1/events}). Every address takes HTTP/1.1 and HTTP/2, and
 * on HTTP/2 both kinds of OTLP: what a client speaks is told by its first bytes and its content
 * type. A request succeeds when the log says that it is durable, never before.
 *
 * <p>Running from {@link #start} to {@link #close}.
 */
public final class Receiver implements AutoCloseable {

    private static final System.Logger LOG = System.getLogger(Receiver.class.getName());

    private static final int BACKLOG = 1024;
    private static final int SMALLEST_READ_BYTES = 2 << 10;
    private static final int FIRST_READ_BYTES = 16 << 10;
    private static final int LARGEST_READ_BYTES = 256 << 10;

    /** What new connections get; replaced as a whole. */
    private volatile ReceiverOptions.Timeouts timeouts;

    private final Admission admission;
    private final MultiThreadIoEventLoopGroup eventLoops;
    private final DefaultChannelGroup connections;
    private final PooledByteBufAllocator allocator;
    private final List<Channel> servers = new ArrayList<>();
    private final Door door;
    private final ReceiverMetrics grpcMetrics;
    private final ReceiverMetrics httpMetrics;
    private final GrpcServices services;
    private final Converters converters;
    private final @Nullable TlsFiles tls;
    private final List<LoopEcho> echoes = new ArrayList<>();

    private Receiver(
            ReceiverOptions options,
            Appender appender,
            MeterRegistry registry,
            BooleanSupplier ready,
            RetryHints hints)
            throws IOException {
        timeouts = options.timeouts();
        ReceiverOptions.Tls files = options.security().tls().orElse(null);
        tls = files == null ? null : TlsFiles.open(files);
        admission = new Admission(options.limits(), hints);
        ReceiverMetrics.shared(registry, admission);
        httpMetrics = new ReceiverMetrics(registry, "http", EnumSet.allOf(Topic.class));
        grpcMetrics =
                new ReceiverMetrics(
                        registry, "grpc", EnumSet.complementOf(EnumSet.of(Topic.EVENTS)));
        converters = new Converters(options.eventLoopThreads());
        door = Door.of(options);
        services = new GrpcServices(new GrpcHealth(ready), new GrpcReflection());
        eventLoops =
                new MultiThreadIoEventLoopGroup(
                        options.eventLoopThreads(),
                        new DefaultThreadFactory("edged-receiver"),
                        NioIoHandler.newFactory());
        eventLoops.forEach(Receiver::letSleep);
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
        var bootstrap =
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
                                        accept(channel, appender, workspaces.get());
                                    }
                                });
        eventLoops.forEach(loop -> echoes.add(new LoopEcho(loop, System::nanoTime)));
        for (InetSocketAddress address : options.listen()) {
            var bound = bootstrap.bind(address).awaitUninterruptibly();
            if (!bound.isSuccess()) {
                shutDown();
                throw new IOException(
                        "cannot listen on "
                                + address
                                + ": "
                                + bound.cause().getMessage()
                                + "; is another program using the port?",
                        bound.cause());
            }
            servers.add(bound.channel());
        }
    }

    /**
     * Binds and starts to take requests.
     *
     * @param ready what gRPC's health service says
     * @param pressure what hints to refused clients are computed from
     * @param random spreads them
     * @throws TlsException the files of TLS cannot be used; nothing runs then
     * @throws IOException an address cannot be bound; nothing runs then
     */
    public static Receiver start(
            ReceiverOptions options,
            Appender appender,
            MeterRegistry registry,
            BooleanSupplier ready,
            Pressure pressure,
            RandomGenerator random)
            throws IOException {
        var receiver =
                new Receiver(options, appender, registry, ready, new RetryHints(pressure, random));
        LOG.log(
                INFO,
                "receiving OTLP over HTTP and gRPC; addresses={0} threads={1} tls={2} tokens={3}",
                receiver.addresses(),
                options.eventLoopThreads(),
                options.security().tls().isPresent(),
                options.security().tokens().size());
        return receiver;
    }

    /** The same for a daemon that is ready as long as it receives, without chance in hints. */
    public static Receiver start(ReceiverOptions options, Appender appender, MeterRegistry registry)
            throws IOException {
        return start(options, appender, registry, () -> true, Pressure.UNKNOWN, () -> 0);
    }

    /**
     * From now on these tokens are good and no others, on open connections too. Any thread.
     *
     * @throws IllegalArgumentException whether tokens are asked for at all would change
     */
    public void replaceTokens(List<ReceiverOptions.Token> tokens) {
        door.authenticator().replace(tokens);
    }

    /**
     * From now on these limits hold, and these timeouts for new connections. Nobody is thrown out:
     * connections and requests that were let in go on. Any thread.
     */
    public void change(ReceiverOptions.Limits limits, ReceiverOptions.Timeouts newTimeouts) {
        admission.change(limits);
        timeouts = newTimeouts;
    }

    /** Where it listens, in the order of the options; with the real ports if any were asked for. */
    public List<InetSocketAddress> addresses() {
        return servers.stream().map(each -> (InetSocketAddress) each.localAddress()).toList();
    }

    /** The first of the addresses. */
    public InetSocketAddress address() {
        return addresses().getFirst();
    }

    /**
     * How long the slowest event loop has not come to what this handed to it when it was asked
     * before; zero if all of them come round. Never waits; any thread.
     */
    public Duration stalledFor() {
        return echoes.stream()
                .map(LoopEcho::stalledFor)
                .max(Duration::compareTo)
                .orElse(Duration.ZERO);
    }

    /** Whether every address is still listened on. Any thread. */
    public boolean isListening() {
        return servers.stream().allMatch(Channel::isActive);
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
        for (Channel server : servers) server.close().awaitUninterruptibly();
        for (Channel channel : connections) {
            var connection = channel.pipeline().get(Connection.class);
            if (connection != null) channel.eventLoop().execute(connection::leave);
            var http2 = channel.pipeline().get(Http2Link.class);
            if (http2 != null) channel.eventLoop().execute(http2::leave);
        }
        Duration patience = timeouts.close();
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
    private void accept(SocketChannel channel, Appender appender, Workspace workspace) {
        InetSocketAddress remote = channel.remoteAddress();
        InetSocketAddress local = channel.localAddress();
        if (remote == null || local == null) {
            channel.close(); // it has gone already
            return;
        }
        Admission.Entry entry = admission.connected(remote, local);
        channel.closeFuture().addListener(_ -> admission.disconnected(entry, remote, local));
        switch (entry) {
            case Admission.Welcome() when !admission.stopping() ->
                    welcome(channel, remote, appender, workspace);
            case Admission.Welcome() ->
                    refuse(channel, remote, new Admission.Refused(Refusal.STOPPING, true));
            case Admission.Refused refused -> refuse(channel, remote, refused);
        }
    }

    private void welcome(
            SocketChannel channel,
            InetSocketAddress remote,
            Appender appender,
            Workspace workspace) {
        String peer = remote.getAddress().getHostAddress();
        var shared = new Intake.Shared(admission, appender, workspace, converters);
        var account = new Account(admission);
        var http = new Intake(shared, httpMetrics, account, peer);
        var connection = new Connection(http, door, timeouts);
        var decoder = new RequestDecoder(admission.limits(), connection::headerBegun);
        connections.add(channel);
        if (tls != null) channel.pipeline().addLast(tls.handler(channel, timeouts));
        channel.pipeline()
                .addLast(
                        new ProtocolChooser(
                                decoder,
                                connection,
                                () ->
                                        Http2Link.of(
                                                new Http2Link.Parts(
                                                        new Intake(
                                                                shared, grpcMetrics, account, peer),
                                                        http,
                                                        services,
                                                        door,
                                                        timeouts))))
                .addLast(decoder)
                .addLast(connection);
    }

    @SuppressWarnings("FutureReturnValueIgnored") // a close that fails has nobody to tell
    private void refuse(
            SocketChannel channel, InetSocketAddress remote, Admission.Refused refused) {
        httpMetrics.refused(null, refused.why(), 0, 0);
        LOG.log(
                WARNING,
                "refused a connection; reason={0} peer={1} open={2} limit={3} limit_per_client={4}",
                refused.why().label(),
                remote,
                admission.connections(),
                admission.limits().connections(),
                admission.limits().connectionsPerPeer());
        if (refused.answered())
            channel.pipeline().addLast(new RefusedConnection(admission, refused.why()));
        else channel.close();
    }

    /** A loop that has nothing planned comes round each second to find that out; this is a plan. */
    private static void letSleep(EventExecutor loop) {
        var _ = loop.scheduleAtFixedRate(() -> {}, 1, 1, TimeUnit.DAYS);
    }

    /**
     * Direct memory in chunks of 1 MiB, one arena for each event loop: idle memory stays small, and
     * what is in use is bounded by {@link Admission}.
     */
    private static PooledByteBufAllocator newAllocator(int threads) {
        return new PooledByteBufAllocator(true, 0, threads, 8 << 10, 7, 256, 64, false);
    }

    private void shutDown() {
        converters.close();
        eventLoops
                .shutdownGracefully(0, 1, TimeUnit.SECONDS)
                .awaitUninterruptibly(5, TimeUnit.SECONDS);
    }
}
