package io.edged.drain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.edged.otlp.Signal;
import io.grpc.netty.GrpcSslContexts;
import io.netty.channel.EventLoop;
import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.Key;
import java.security.KeyStore;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Base64;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;

import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLServerSocketFactory;

/** Files as an operator writes them, against a server on the JDK's TLS. */
class TlsFilesTest {

    @TempDir Path directory;

    private final MemoryLog log = new MemoryLog();

    private Path certificate(String name, KeyStore store) throws Exception {
        return pem(name, "CERTIFICATE", store.getCertificate("server").getEncoded());
    }

    private Path key(String name, KeyStore store) throws Exception {
        Key key = store.getKey("server", "changeit".toCharArray());
        return pem(name, "PRIVATE KEY", key.getEncoded());
    }

    private Path pem(String name, String kind, byte[] content) throws Exception {
        String base64 = Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(content);
        return Files.writeString(
                directory.resolve(name),
                "-----BEGIN " + kind + "-----\n" + base64 + "\n-----END " + kind + "-----\n");
    }

    /** A server that only talks to clients with a certificate that it trusts. */
    private static SSLServerSocketFactory strict(SSLContext context) {
        SSLServerSocketFactory factory = context.getServerSocketFactory();
        return new StrictFactory(factory);
    }

    private static final class StrictFactory extends SSLServerSocketFactory {
        private final SSLServerSocketFactory factory;

        StrictFactory(SSLServerSocketFactory factory) {
            this.factory = factory;
        }

        @Override
        public String[] getDefaultCipherSuites() {
            return factory.getDefaultCipherSuites();
        }

        @Override
        public String[] getSupportedCipherSuites() {
            return factory.getSupportedCipherSuites();
        }

        @Override
        public java.net.ServerSocket createServerSocket(int port) throws java.io.IOException {
            throw new UnsupportedOperationException();
        }

        @Override
        public java.net.ServerSocket createServerSocket(int port, int backlog) {
            throw new UnsupportedOperationException();
        }

        @Override
        public java.net.ServerSocket createServerSocket(
                int port, int backlog, java.net.InetAddress address) throws java.io.IOException {
            var socket = (SSLServerSocket) factory.createServerSocket(port, backlog, address);
            socket.setNeedClientAuth(true);
            return socket;
        }
    }

    private static DestinationOptions https(DestinationOptions plain, int port, TlsFiles files)
            throws Exception {
        var target = (DestinationOptions.Target) plain.route();
        return new DestinationOptions(
                plain.name(),
                new DestinationOptions.Target(
                        target.protocol(),
                        URI.create("https://127.0.0.1:" + port),
                        target.headers(),
                        target.timeout(),
                        target.connectTimeout(),
                        Optional.of(files.open()),
                        Optional.empty(),
                        Optional.empty()),
                plain.batching(),
                plain.inFlight(),
                plain.retry());
    }

    @Test
    void bothSidesProveWhoTheyAre() throws Exception {
        KeyStore server = Certificates.selfSigned(directory, "ip:127.0.0.1");
        KeyStore device = Certificates.selfSigned(directory, "dns:device");
        var context = SSLContext.getInstance("TLS");
        context.init(keyManagers(server), trustManagers(device), null);
        log.batch(Signal.LOGS, 1, Otlp.logs("a"));
        log.commit();
        var files =
                new TlsFiles(
                        Optional.of(certificate("ca.pem", server)),
                        Optional.of(certificate("device.pem", device)),
                        Optional.of(key("device.key", device)));
        try (var upstream = new Upstream(strict(context), request -> Upstream.ok());
                var drain =
                        new TurnedDestination(
                                log,
                                https(
                                        DestinationTest.options(upstream.uri()),
                                        upstream.port(),
                                        files))) {
            drain.turnUntil(() -> log.cursor("cloud", "all").settledTo() == 1);
            assertThat(upstream.requests()).hasSize(1);
        }
    }

    @Test
    void bothSidesProveWhoTheyAreOverGrpc() throws Exception {
        KeyStore server = Certificates.selfSigned(directory, "ip:127.0.0.1");
        KeyStore device = Certificates.selfSigned(directory, "dns:device");
        var strict =
                GrpcSslContexts.configure(
                                SslContextBuilder.forServer(keyFactory(server)), SslProvider.JDK)
                        .trustManager((X509Certificate) device.getCertificate("server"))
                        .clientAuth(ClientAuth.REQUIRE)
                        .build();
        log.batch(Signal.LOGS, 1, Otlp.logs("a"));
        log.commit();
        Path authority = certificate("ca.pem", server);
        Path certificate = certificate("device.pem", device);
        var proving =
                new TlsFiles(
                        Optional.of(authority),
                        Optional.of(certificate),
                        Optional.of(key("device.key", device)));
        var nameless = new TlsFiles(Optional.of(authority), Optional.empty(), Optional.empty());
        try (var upstream = new GrpcUpstream(request -> 0, strict)) {
            try (var drain = overGrpc(upstream, nameless)) {
                drain.turnUntil(
                        () -> drain.destination.status().state() == DrainStatus.State.WAITING);
                assertThat(upstream.requests()).isEmpty();
            }
            try (var drain = overGrpc(upstream, proving)) {
                drain.turnUntil(() -> log.cursor("cloud", "all").settledTo() == 1);
                assertThat(upstream.requests()).hasSize(1);
            }
        }
    }

    private TurnedDestination overGrpc(GrpcUpstream upstream, TlsFiles files) throws Exception {
        var plain = DestinationTest.options(URI.create("http://127.0.0.1:1"));
        var https = https(plain, upstream.uri().getPort(), files);
        return new TurnedDestination(
                log,
                new DestinationOptions(
                        plain.name(),
                        ((DestinationOptions.Target) https.route()).overGrpc(),
                        plain.batching(),
                        plain.inFlight(),
                        plain.retry()));
    }

    private static KeyManagerFactory keyFactory(KeyStore store) throws Exception {
        var keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        keys.init(store, "changeit".toCharArray());
        return keys;
    }

    @Test
    void theEndOfBothCertificatesIsKnown() throws Exception {
        KeyStore server = Certificates.selfSigned(directory, "ip:127.0.0.1");
        KeyStore device = Certificates.selfSigned(directory, "dns:device");
        var nanos = new AtomicLong();
        Path certificate = certificate("device.pem", device);
        Path key = key("device.key", device);
        var tls =
                new TlsFiles(
                                Optional.of(certificate("ca.pem", server)),
                                Optional.of(certificate),
                                Optional.of(key))
                        .open(nanos::get);
        var expiry = new CertificateExpiry(Optional.of(tls));
        assertThat(expiry.ownSeconds()).isEqualTo(endOf(device));
        assertThat(expiry.serverSeconds()).isZero();
        try (var upstream =
                new Upstream(
                        Certificates.server(server).getServerSocketFactory(),
                        request -> Upstream.ok())) {
            var group = NettyHttpSenderProvider.newGroup("test-io");
            var target =
                    new DestinationOptions.Target(
                            DestinationOptions.Protocol.HTTP,
                            URI.create("https://127.0.0.1:" + upstream.port()),
                            Map.of(),
                            Duration.ofSeconds(20),
                            Duration.ofSeconds(20),
                            Optional.of(tls),
                            Optional.empty(),
                            Optional.empty());
            var sender =
                    new OtlpHttpSender(
                            new SenderConfig(target, expiry),
                            new Answers(InstantSource.system()),
                            1,
                            (EventLoop) group.next());
            var result = new CompletableFuture<SendResult>();
            sender.send(Shipment.empty(Signal.LOGS), result::complete);
            assertThat(result.get()).isInstanceOf(SendResult.Delivered.class);
            sender.abort();
            NettyHttpSenderProvider.end(group);
        }
        assertThat(expiry.serverSeconds()).isEqualTo(endOf(server));
        // A new one of another end takes the place of the first when a connection is made.
        KeyStore next = Certificates.expired(directory);
        certificate("device.pem", next);
        key("device.key", next);
        nanos.addAndGet(2_000_000_000L);
        var _ = tls.get();
        assertThat(expiry.ownSeconds()).isEqualTo(endOf(next)).isLessThan(endOf(device));
    }

    private static long endOf(KeyStore store) throws Exception {
        return ((X509Certificate) store.getCertificate("server"))
                .getNotAfter()
                .toInstant()
                .getEpochSecond();
    }

    @Test
    void aServerThatNoAuthorityVouchesForGetsNothing() throws Exception {
        KeyStore server = Certificates.selfSigned(directory, "ip:127.0.0.1");
        KeyStore other = Certificates.selfSigned(directory, "ip:127.0.0.1");
        log.batch(Signal.LOGS, 1, Otlp.logs("a"));
        log.commit();
        var files =
                new TlsFiles(
                        Optional.of(certificate("ca.pem", other)),
                        Optional.empty(),
                        Optional.empty());
        try (var upstream =
                        new Upstream(
                                Certificates.server(server).getServerSocketFactory(),
                                request -> Upstream.ok());
                var drain =
                        new TurnedDestination(
                                log,
                                https(
                                        DestinationTest.options(upstream.uri()),
                                        upstream.port(),
                                        files))) {
            drain.turnUntil(() -> drain.metric("edged.drain.retried", "reason", "connect") >= 3);
            assertThat(upstream.requests()).isEmpty();
            assertThat(log.cursor("cloud", "all").settlements()).isEmpty();
        }
    }

    private static javax.net.ssl.KeyManager[] keyManagers(KeyStore store) throws Exception {
        var keys =
                javax.net.ssl.KeyManagerFactory.getInstance(
                        javax.net.ssl.KeyManagerFactory.getDefaultAlgorithm());
        keys.init(store, "changeit".toCharArray());
        return keys.getKeyManagers();
    }

    private static javax.net.ssl.TrustManager[] trustManagers(KeyStore trusted) throws Exception {
        var store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        store.setCertificateEntry("device", trusted.getCertificate("server"));
        var trust =
                javax.net.ssl.TrustManagerFactory.getInstance(
                        javax.net.ssl.TrustManagerFactory.getDefaultAlgorithm());
        trust.init(store);
        return trust.getTrustManagers();
    }

    @Test
    void whatIsWrongWithAFileIsSaid() throws Exception {
        KeyStore one = Certificates.selfSigned(directory, "dns:one");
        KeyStore two = Certificates.selfSigned(directory, "dns:two");
        Path certificate = certificate("one.pem", one);
        Path otherKey = key("two.key", two);
        Path text = Files.writeString(directory.resolve("text.pem"), "hello");
        assertThatThrownBy(() -> load(certificate, otherKey))
                .hasMessageContaining("not the key of");
        assertThatThrownBy(() -> load(certificate, text))
                .hasMessageContaining("text.pem holds no private key");
        assertThatThrownBy(() -> load(text, otherKey)).hasMessageContaining("text.pem");
        assertThatThrownBy(() -> load(directory.resolve("none"), otherKey))
                .hasMessageContaining("none does not exist");
    }

    @Test
    void replacedFilesAreTakenAndBadOnesAreNot() throws Exception {
        KeyStore one = Certificates.selfSigned(directory, "dns:one");
        KeyStore two = Certificates.selfSigned(directory, "dns:two");
        Path certificate = certificate("own.pem", one);
        Path key = key("own.key", one);
        var nanos = new AtomicLong();
        var current =
                new TlsFiles(Optional.empty(), Optional.of(certificate), Optional.of(key))
                        .open(nanos::get);
        SSLContext first = current.get();
        nanos.addAndGet(1_500_000_000);
        assertThat(current.get()).isSameAs(first);

        certificate("own.pem", two); // the key is still the other one's
        nanos.addAndGet(1_500_000_000);
        assertThat(current.get()).isSameAs(first);

        key("own.key", two);
        assertThat(current.get()).describedAs("not looked at yet").isSameAs(first);
        nanos.addAndGet(1_500_000_000);
        assertThat(current.get()).isNotSameAs(first);

        Files.delete(certificate);
        SSLContext second = current.get();
        nanos.addAndGet(1_500_000_000);
        assertThat(current.get()).isSameAs(second);
    }

    @Test
    void anEllipticKeyInItsOlderFormIsRead() throws Exception {
        KeyStore one = Certificates.selfSigned(directory, "dns:one");
        var encoded = one.getKey("server", "changeit".toCharArray()).getEncoded();
        // PKCS #8 wraps SEC 1 into its last octet string; the curve has to be named in [0].
        int at = encoded.length;
        byte[] sec1 = null;
        for (int i = 20; i < encoded.length - 2 && sec1 == null; i++)
            if (encoded[i] == 0x04 && i + 2 + (encoded[i + 1] & 0xff) == at)
                sec1 = java.util.Arrays.copyOfRange(encoded, i + 2, at);
        assertThat(sec1).isNotNull();
        byte[] oid = java.util.Arrays.copyOfRange(encoded, 16, 16 + 2 + encoded[17]);
        var withCurve = new java.io.ByteArrayOutputStream();
        withCurve.write(0x30);
        withCurve.write(sec1.length - 2 + 2 + oid.length);
        withCurve.write(sec1, 2, sec1.length - 2);
        withCurve.write(0xa0);
        withCurve.write(oid.length);
        withCurve.writeBytes(oid);
        Path key =
                Files.writeString(
                        directory.resolve("sec1.key"),
                        "-----BEGIN EC PRIVATE KEY-----\n"
                                + java.util.Base64.getMimeEncoder()
                                        .encodeToString(withCurve.toByteArray())
                                + "\n-----END EC PRIVATE KEY-----\n");
        load(certificate("one.pem", one), key);
    }

    private static void load(Path certificate, Path key) throws Exception {
        new TlsFiles(Optional.empty(), Optional.of(certificate), Optional.of(key)).open();
    }
}
