package io.edged.drain;

import static org.assertj.core.api.Assertions.assertThat;

import io.edged.otlp.Signal;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http.DefaultHttpHeaders;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.security.KeyStore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

import javax.net.ServerSocketFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLServerSocket;

/** What networks do to a destination, by either protocol. In all of it nothing is lost. */
class UpstreamFaultTest {

    @TempDir private Path directory;

    private final MemoryLog log = new MemoryLog();

    private static DestinationOptions options(
            DestinationOptions.Protocol protocol, URI endpoint, Duration timeout) {
        return options(protocol, endpoint, timeout, Duration.ofSeconds(2));
    }

    private static DestinationOptions options(
            DestinationOptions.Protocol protocol,
            URI endpoint,
            Duration timeout,
            Duration connectTimeout) {
        DestinationOptions usual = DestinationTest.options(URI.create("http://127.0.0.1"));
        return new DestinationOptions(
                usual.name(),
                new DestinationOptions.Target(
                        protocol,
                        endpoint,
                        Map.of(),
                        timeout,
                        connectTimeout,
                        Optional.empty(),
                        Optional.empty(),
                        Optional.empty()),
                usual.batching(),
                usual.inFlight(),
                usual.retry());
    }

    private static DestinationOptions options(DestinationOptions.Protocol protocol, URI endpoint) {
        return options(protocol, endpoint, Duration.ofSeconds(30));
    }

    /** An upstream that takes everything, of either protocol. */
    private static final class Taking implements AutoCloseable {
        private final @Nullable Upstream http;
        private final @Nullable GrpcUpstream grpc;

        Taking(DestinationOptions.Protocol protocol) throws IOException {
            boolean overHttp = protocol == DestinationOptions.Protocol.HTTP;
            http = overHttp ? new Upstream(request -> Upstream.ok()) : null;
            grpc = overHttp ? null : new GrpcUpstream(request -> 0);
        }

        int port() {
            if (http != null) return http.port();
            return java.util.Objects.requireNonNull(grpc).uri().getPort();
        }

        @Override
        public void close() throws IOException {
            if (http != null) http.close();
            if (grpc != null) grpc.close();
        }
    }

    private void logs() {
        log.batch(Signal.LOGS, 1, Otlp.logs("a"));
        log.commit();
    }

    private boolean delivered() {
        return log.cursor("cloud", "all").settledTo() == 1;
    }

    private static double failures(TurnedDestination drain, SendResult.Reason reason) {
        return drain.metric("edged.drain.retried", "reason", reason.label());
    }

    @ParameterizedTest
    @EnumSource
    void aNameThatIsKnownLaterIsFoundThen(DestinationOptions.Protocol protocol) throws Exception {
        String name = "later-" + protocol.name().toLowerCase(Locale.ROOT) + ".edged-test";
        TestNames.set(name);
        logs();
        try (var upstream = new Taking(protocol);
                var drain =
                        new TurnedDestination(
                                log,
                                options(
                                        protocol,
                                        URI.create("http://" + name + ":" + upstream.port())))) {
            drain.turnUntil(() -> failures(drain, SendResult.Reason.CONNECT) >= 3);
            assertThat(drain.destination.status().lastError())
                    .hasValueSatisfying(error -> assertThat(error).contains(name));
            TestNames.set(name, "127.0.0.2"); // nobody listens there
            double before = failures(drain, SendResult.Reason.CONNECT);
            drain.turnUntil(() -> failures(drain, SendResult.Reason.CONNECT) >= before + 2);
            TestNames.set(name, "127.0.0.1");
            drain.turnUntil(this::delivered);
        }
    }

    @ParameterizedTest
    @EnumSource
    void ofSeveralAddressesTheFirstThatAnswersIsTaken(DestinationOptions.Protocol protocol)
            throws Exception {
        String name = "several-" + protocol.name().toLowerCase(Locale.ROOT) + ".edged-test";
        TestNames.set(name, "127.0.0.2", "127.0.0.3", "127.0.0.1");
        logs();
        try (var upstream = new Taking(protocol);
                var drain =
                        new TurnedDestination(
                                log,
                                options(
                                        protocol,
                                        URI.create("http://" + name + ":" + upstream.port())))) {
            drain.turnUntil(this::delivered);
            assertThat(failures(drain, SendResult.Reason.CONNECT)).isZero();
        }
    }

    /** The queue of an address is full, so that the kernel answers nothing to who wants in. */
    private static final class Silent implements AutoCloseable {
        private final ServerSocket server;
        private final List<SocketChannel> queued = new ArrayList<>();

        Silent(String address, int port) throws Exception {
            server = new ServerSocket(port, 1, InetAddress.ofLiteral(address));
            while (queued.isEmpty() || queued.getLast().finishConnect()) {
                SocketChannel next = SocketChannel.open();
                next.configureBlocking(false);
                next.connect(server.getLocalSocketAddress());
                queued.add(next);
                Thread.sleep(20);
            }
        }

        @Override
        public void close() throws IOException {
            for (SocketChannel each : queued) each.close();
            server.close();
        }
    }

    @ParameterizedTest
    @EnumSource
    void anAddressThatSaysNothingIsNotWaitedFor(DestinationOptions.Protocol protocol)
            throws Exception {
        String name = "silent-" + protocol.name().toLowerCase(Locale.ROOT) + ".edged-test";
        TestNames.set(name, "127.0.0.2", "127.0.0.1");
        logs();
        try (var upstream = new Taking(protocol);
                var _ = new Silent("127.0.0.2", upstream.port());
                var drain =
                        new TurnedDestination(
                                log,
                                options(
                                        protocol,
                                        URI.create("http://" + name + ":" + upstream.port()),
                                        Duration.ofSeconds(90),
                                        Duration.ofSeconds(60)))) {
            // Which fails when nothing happens for ten seconds.
            drain.turnUntil(this::delivered);
            assertThat(failures(drain, SendResult.Reason.CONNECT)).isZero();
        }
    }

    /** Resets the first connections in the middle of the request. */
    private static final class Resetting extends ServerSocketFactory {
        private final AtomicInteger left = new AtomicInteger(3);

        @Override
        public ServerSocket createServerSocket(int port, int backlog, InetAddress address)
                throws IOException {
            return new ServerSocket(port, backlog, address) {
                @Override
                public Socket accept() throws IOException {
                    Socket socket = super.accept();
                    while (left.getAndDecrement() > 0) {
                        socket.getInputStream().readNBytes(1000);
                        socket.setSoLinger(true, 0);
                        socket.close();
                        socket = super.accept();
                    }
                    return socket;
                }
            };
        }

        @Override
        public ServerSocket createServerSocket(int port) {
            throw new UnsupportedOperationException();
        }

        @Override
        public ServerSocket createServerSocket(int port, int backlog) {
            throw new UnsupportedOperationException();
        }
    }

    @Test
    void aResetInTheMiddleOfTheRequestIsRepeatedWhole() throws Exception {
        byte[] body = Otlp.logs("x".repeat(500_000));
        log.batch(Signal.LOGS, 1, body);
        log.commit();
        try (var upstream = new Upstream(new Resetting(), request -> Upstream.ok());
                var drain =
                        new TurnedDestination(
                                log, options(DestinationOptions.Protocol.HTTP, upstream.uri()))) {
            drain.turnUntil(this::delivered);
            assertThat(failures(drain, SendResult.Reason.CLOSED)).isEqualTo(3);
            assertThat(upstream.requests()).hasSize(1);
            assertThat(upstream.requests().getFirst().body()).isEqualTo(body);
        }
    }

    @Test
    void aHangingUpstreamHoldsUpNothingForEver() throws Exception {
        logs();
        try (var upstream =
                        new Upstream(request ->
                                request.number() <= 2 ? Upstream.hang() : Upstream.ok());
                var drain =
                        new TurnedDestination(
                                log,
                                options(
                                        DestinationOptions.Protocol.HTTP,
                                        upstream.uri(),
                                        Duration.ofMillis(100)))) {
            drain.turnUntil(this::delivered);
            assertThat(failures(drain, SendResult.Reason.TIMEOUT)).isEqualTo(2);
        }
    }

    @Test
    void silenceLastsNoLongerHoweverOftenItComes() {
        Duration timeout = Duration.ofSeconds(10);
        for (int bytes : new int[] {0, 8 << 10, 2 << 20, 60 << 20}) {
            var first = exchange(timeout, bytes);
            var second = exchange(timeout, bytes);
            second.onSlowLink();
            long longest = Math.min(bytes / 4096, 24) + 10L;
            assertThat(Duration.ofNanos(first.remainingNanos())).isLessThanOrEqualTo(timeout);
            assertThat(Duration.ofNanos(second.remainingNanos()))
                    .isBetween(Duration.ofSeconds(longest - 9), Duration.ofSeconds(longest));
        }
    }

    private static Exchange exchange(Duration timeout, int bytes) {
        return new Exchange(
                "/",
                new DefaultHttpHeaders(),
                Unpooled.wrappedBuffer(new byte[bytes]),
                timeout.toNanos(),
                Long.MAX_VALUE / 2,
                answer -> {},
                why -> {});
    }

    /** To the one of two upstreams that speaks the protocol. */
    private TurnedDestination drain(
            DestinationOptions.Protocol protocol,
            Upstream http,
            GrpcUpstream grpc,
            Duration timeout) {
        return new TurnedDestination(
                log,
                options(
                        protocol,
                        protocol == DestinationOptions.Protocol.HTTP ? http.uri() : grpc.uri(),
                        timeout));
    }

    @ParameterizedTest
    @EnumSource
    void anUpstreamThatHangsForEverIsGivenUpAgainAndAgain(DestinationOptions.Protocol protocol)
            throws Exception {
        logs();
        var never = new CountDownLatch(1);
        try (var http = new Upstream(request -> Upstream.hang());
                var grpc =
                        new GrpcUpstream(request -> {
                            try {
                                never.await();
                            } catch (InterruptedException e) {
                                Thread.currentThread().interrupt();
                            }
                            return 0;
                        });
                var drain = drain(protocol, http, grpc, Duration.ofMillis(50))) {
            // With the time of silence doubled after each, the last ones would take minutes.
            drain.turnUntil(() -> failures(drain, SendResult.Reason.TIMEOUT) >= 12);
            assertThat(log.cursor("cloud", "all").settlements()).isEmpty();
        } finally {
            never.countDown();
        }
    }

    /**
     * Takes a few kilobytes at a time, each after less than the timeout, so that the kernel hides
     * most of a large request for much longer than the timeout.
     */
    @Test
    void aSlowReaderGetsALargeRequestOnceItHasProvenSlow() throws Exception {
        byte[] body = Otlp.logs("x".repeat(400_000));
        log.batch(Signal.LOGS, 1, body);
        log.commit();
        try (var upstream = new Upstream(new SlowReading(), request -> Upstream.ok());
                var drain =
                        new TurnedDestination(
                                log,
                                options(
                                        DestinationOptions.Protocol.HTTP,
                                        upstream.uri(),
                                        Duration.ofMillis(250)))) {
            drain.turnUntil(this::delivered);
            assertThat(failures(drain, SendResult.Reason.TIMEOUT)).isPositive();
            // What the kernel had taken of those given up may arrive as well.
            assertThat(upstream.requests().getLast().body()).isEqualTo(body);
        }
    }

    /** Sockets with the smallest window that are read at about 400 kB a second. */
    private static final class SlowReading extends ServerSocketFactory {
        @Override
        public ServerSocket createServerSocket(int port, int backlog, InetAddress address)
                throws IOException {
            var server =
                    new ServerSocket() {
                        @Override
                        public Socket accept() throws IOException {
                            var socket =
                                    new Socket() {
                                        @Override
                                        public InputStream getInputStream() throws IOException {
                                            return new SlowStream(super.getInputStream());
                                        }
                                    };
                            implAccept(socket);
                            return socket;
                        }
                    };
            server.setReceiveBufferSize(4 << 10);
            server.bind(new InetSocketAddress(address, port), backlog);
            return server;
        }

        @Override
        public ServerSocket createServerSocket(int port) {
            throw new UnsupportedOperationException();
        }

        @Override
        public ServerSocket createServerSocket(int port, int backlog) {
            throw new UnsupportedOperationException();
        }
    }

    private static final class SlowStream extends FilterInputStream {
        SlowStream(InputStream input) {
            super(input);
        }

        @Override
        public int read(byte[] into, int offset, int length) throws IOException {
            LockSupport.parkNanos(20_000_000);
            return super.read(into, offset, Math.min(length, 4 << 10));
        }
    }

    @ParameterizedTest
    @EnumSource
    void aLinkThatIsSlowerThanTheTimeoutIsGivenMoreTime(DestinationOptions.Protocol protocol)
            throws Exception {
        // The kernel takes the whole request at once; the answer takes six times the timeout.
        log.batch(Signal.LOGS, 1, Otlp.logs("x".repeat(40_000)));
        log.commit();
        var requests = new AtomicInteger();
        Runnable slow =
                () -> {
                    requests.incrementAndGet();
                    try {
                        Thread.sleep(600);
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    }
                };
        try (var http =
                        new Upstream(request -> {
                            slow.run();
                            return Upstream.ok();
                        });
                var grpc =
                        new GrpcUpstream(request -> {
                            slow.run();
                            return 0;
                        });
                var drain = drain(protocol, http, grpc, Duration.ofMillis(100))) {
            drain.turnUntil(this::delivered);
            assertThat(requests.get()).isBetween(2, 5);
        }
    }

    @Test
    void aCertificateThatHasExpiredKeepsDataHereAndIsNamed() throws Exception {
        var store = Certificates.expired(directory);
        isRefused(Certificates.server(store).getServerSocketFactory(), store, "expired");
    }

    @Test
    void aCertificateThatIsNotValidYetKeepsDataHereAndIsNamed() throws Exception {
        var store = Certificates.notYetValid(directory);
        isRefused(
                Certificates.server(store).getServerSocketFactory(),
                store,
                "validity check failed");
    }

    @Test
    void aServerThatSpeaksAnOldTlsOnlyIsRefused() throws Exception {
        var store = Certificates.selfSigned(directory, "DNS:localhost");
        store.setCertificateEntry("ca", store.getCertificate("server"));
        isRefused(new OldTls(Certificates.server(store)), store, "cannot connect to localhost");
    }

    /** Listens with TLS 1.1 and nothing newer. */
    private static final class OldTls extends ServerSocketFactory {
        private final SSLContext context;

        OldTls(SSLContext context) {
            this.context = context;
        }

        @Override
        public ServerSocket createServerSocket(int port, int backlog, InetAddress address)
                throws IOException {
            var server =
                    (SSLServerSocket)
                            context.getServerSocketFactory()
                                    .createServerSocket(port, backlog, address);
            server.setEnabledProtocols(new String[] {"TLSv1.1"});
            return server;
        }

        @Override
        public ServerSocket createServerSocket(int port) {
            throw new UnsupportedOperationException();
        }

        @Override
        public ServerSocket createServerSocket(int port, int backlog) {
            throw new UnsupportedOperationException();
        }
    }

    /** Data waits, and the status says a word about why. */
    private void isRefused(ServerSocketFactory server, KeyStore trusted, String word)
            throws Exception {
        logs();
        try (var upstream = new Upstream(server, request -> Upstream.ok())) {
            var usual = options(DestinationOptions.Protocol.HTTP, upstream.uri());
            var options =
                    new DestinationOptions(
                            usual.name(),
                            new DestinationOptions.Target(
                                    URI.create("https://localhost:" + upstream.port()),
                                    Map.of(),
                                    Duration.ofSeconds(30),
                                    Duration.ofSeconds(10),
                                    Optional.of(
                                            Certificates.trusting(trusted.getCertificate("ca")))),
                            usual.batching(),
                            usual.inFlight(),
                            usual.retry());
            try (var drain = new TurnedDestination(log, options)) {
                drain.turnUntil(() -> failures(drain, SendResult.Reason.CONNECT) >= 3);
                assertThat(drain.destination.status().lastError())
                        .hasValueSatisfying(error -> assertThat(error).containsIgnoringCase(word));
                assertThat(log.cursor("cloud", "all").settlements()).isEmpty();
                assertThat(upstream.requests()).isEmpty();
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void whereNobodyAnswersAConnectionIsGivenUp(DestinationOptions.Protocol protocol)
            throws Exception {
        logs();
        // The queue of a listener that accepts nobody is soon full; then the kernel is silent.
        try (var server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            var waiting = new ArrayList<Socket>();
            try {
                for (int i = 0; i < 8; i++) {
                    var socket = new Socket();
                    waiting.add(socket);
                    try {
                        socket.connect(server.getLocalSocketAddress(), 200);
                    } catch (SocketTimeoutException e) {
                        break;
                    }
                }
                URI endpoint = URI.create("http://127.0.0.1:" + server.getLocalPort());
                try (var drain = new TurnedDestination(log, options(protocol, endpoint))) {
                    drain.turnUntil(() -> failures(drain, SendResult.Reason.CONNECT) >= 1);
                    assertThat(log.cursor("cloud", "all").settlements()).isEmpty();
                }
            } finally {
                for (Socket socket : waiting) socket.close();
            }
        }
    }
}
