package io.edged.receiver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.edged.otlp.Requests;
import io.edged.otlp.RpcStatus;
import io.edged.pem.PemKey;
import io.edged.receiver.ReceiverOptions.Security;
import io.edged.receiver.ReceiverOptions.Tls;
import io.edged.receiver.ReceiverOptions.Token;
import io.edged.wal.MemoryLog;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;

import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;

/** TLS, client certificates and tokens, on real sockets. */
@Timeout(60)
class SecurityTest {

    private static final byte[] LOGS = Requests.typicalLogs(10);
    private static final String GRPC = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";

    /** A key of nobody, as openssl writes it: {@code openssl ecparam -genkey -noout}. */
    private static final String SEC1 =
            """
            -----BEGIN EC PRIVATE KEY-----
            MHcCAQEEIBebzdVhxeHG6L5jm7uDDdJuekXvWvwugislAh590oMqoAoGCCqGSM49
            AwEHoUQDQgAEiahpDiQjUdyH6Z2fvBThLumCCzIl/lL56jzfRq+/Vxtl+7ruV/7h
            sfMZs38DmmtqolZ2BYNGDCC1bJNU1CHsww==
            -----END EC PRIVATE KEY-----
            """;

    /** Made once: keytool takes its time. */
    private static final PemFiles SERVER = serverFiles();

    @TempDir private Path directory;
    private Path certificate = Path.of("");
    private Path key = Path.of("");

    private final MemoryLog log = new MemoryLog();
    private Optional<Receiver> running = Optional.empty();

    @BeforeEach
    void writeFiles() throws Exception {
        certificate = directory.resolve("server.pem");
        key = directory.resolve("server.key");
        SERVER.write(certificate, key);
    }

    @AfterEach
    void close() {
        running.ifPresent(Receiver::close);
        log.close();
    }

    @ParameterizedTest
    @EnumSource(
            value = HttpClient.Version.class,
            names = {"HTTP_1_1", "HTTP_2"})
    void bothVersionsOfHttpAreAgreedOnUnderTls(HttpClient.Version version) throws Exception {
        var receiver = start(new Security(List.of(), tls()));
        try (var client =
                HttpClient.newBuilder().sslContext(trust(SERVER)).version(version).build()) {
            var answer = client.send(post(receiver), HttpResponse.BodyHandlers.ofByteArray());
            assertThat(answer.statusCode()).isEqualTo(200);
            assertThat(answer.version()).isEqualTo(version);
            assertThat(answer.headers().firstValue("content-type"))
                    .contains("application/x-protobuf");
        }
        assertThat(log.stored()).hasSize(1);
    }

    @Test
    void gRpcWorksUnderTls() throws Exception {
        var receiver = start(new Security(List.of(), tls()));
        try (var client = frames(receiver, trust(SERVER))) {
            client.request(1, FrameClient.grpc(GRPC), FrameClient.message(0, LOGS), 16_384);
            assertThat(client.answer(1).grpcStatus()).isZero();
        }
    }

    /** A hello of 16 MiB is announced in the first of them; that much must not be made ready. */
    @Test
    void whatIsNotTlsEndsItsOwnConnectionAndHoldsNothing() throws Exception {
        var receiver = start(new Security(List.of(), tls()));
        var hostile = new ArrayList<RawClient>();
        try {
            for (int i = 0; i < 50; i++)
                hostile.add(
                        new RawClient(receiver.address())
                                .send(new byte[] {22, 3, 1, 64, 0, 1, -1, -1, -1}));
            var noise = new byte[2_000];
            new Random(1).nextBytes(noise);
            for (byte[] bytes : new byte[][] {noise, bytes("POST /v1/logs HTTP/1.1\r\n\r\n")}) {
                var client = new RawClient(receiver.address()).send(bytes);
                hostile.add(client);
                while (client.hasMore()) {
                    // An alert, perhaps.
                }
            }
            try (var client = frames(receiver, trust(SERVER))) {
                client.request(1, FrameClient.grpc(GRPC), FrameClient.message(0, LOGS), 16_384);
                assertThat(client.answer(1).grpcStatus()).isZero();
            }
            assertThat(receiver.allocator().metric().usedDirectMemory()).isLessThan(8 << 20);
        } finally {
            for (RawClient client : hostile) client.close();
        }
    }

    @Test
    void newFilesAreTakenWithoutARestartAndBadOnesAreNot() throws Exception {
        var files = TlsFiles.open(tls().orElseThrow());
        var other = PemFiles.make(directory, "EC", "other");
        Files.writeString(
                key, "-----BEGIN PRIVATE KEY-----\nnot base64!\n-----END PRIVATE KEY-----\n");
        files.look();
        assertThat(files.certificate()).isEqualTo(SERVER.certificate());
        other.write(certificate, directory.resolve("elsewhere")); // certificate without its key
        SERVER.write(directory.resolve("elsewhere"), key);
        files.look();
        assertThat(files.certificate()).isEqualTo(SERVER.certificate());
        other.write(certificate, key);
        files.look();
        assertThat(files.certificate()).isEqualTo(other.certificate());
    }

    @Test
    void aClientWithoutACertificateIsTurnedAwayWhereOneIsAskedFor() throws Exception {
        var client = PemFiles.make(directory, "EC", "client");
        Path authorities = directory.resolve("clients.pem");
        Files.writeString(authorities, client.certificatePem());
        var receiver =
                start(
                        new Security(
                                List.of(),
                                Optional.of(new Tls(certificate, key, Optional.of(authorities)))));
        try (var stranger = HttpClient.newBuilder().sslContext(trust(SERVER)).build()) {
            assertThatThrownBy(() ->
                            stranger.send(post(receiver), HttpResponse.BodyHandlers.ofByteArray()))
                    .isInstanceOf(IOException.class);
        }
        try (var known = HttpClient.newBuilder().sslContext(context(SERVER, client)).build()) {
            var answer = known.send(post(receiver), HttpResponse.BodyHandlers.ofByteArray());
            assertThat(answer.statusCode()).isEqualTo(200);
        }
    }

    @Test
    void keysInTheOlderFormsAreRead() throws Exception {
        assertThat(PemKey.read(key, bytes(SEC1)).getAlgorithm()).isEqualTo("EC");
        PrivateKey rsa = PemFiles.make(directory, "RSA", "rsa").key();
        byte[] pkcs8 = rsa.getEncoded();
        byte[] pkcs1 = Arrays.copyOfRange(pkcs8, 26, pkcs8.length); // behind version and algorithm
        PrivateKey read = PemKey.read(key, bytes(PemFiles.pem("RSA PRIVATE KEY", pkcs1)));
        assertThat(KeyFactory.getInstance("RSA").translateKey(read)).isEqualTo(rsa);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "CERTIFICATE",
                "ENCRYPTED PRIVATE KEY",
                "PRIVATE KEY",
                "EC PRIVATE KEY",
                "RSA PRIVATE KEY"
            })
    void aKeyThatCannotBeReadIsAnErrorThatNamesTheFile(String what) {
        assertThatThrownBy(() -> PemKey.read(key, bytes(PemFiles.pem(what, new byte[3]))))
                .isInstanceOf(IOException.class)
                .hasMessageContaining(key.toString());
    }

    @Test
    void filesThatAreNotThereStopTheStart() throws IOException {
        Files.delete(key);
        assertThatThrownBy(() -> start(new Security(List.of(), tls())))
                .isInstanceOf(IOException.class)
                .hasMessage(key + " does not exist");
    }

    @Test
    void onlyWhoHasATokenMaySend() throws Exception {
        var receiver =
                start(
                        new Security(
                                List.of(new Token("north", "s3cret"), new Token("", "other")),
                                Optional.empty()));
        try (var client = new RawClient(receiver.address())) {
            for (String bad : List.of("Bearer s3cre", "Bearer s3cretx", "Basic s3cret", "s3cret"))
                unauthorized(client.post("/v1/logs", LOGS, "Authorization: " + bad).read());
            unauthorized(client.post("/v1/logs", LOGS).read());
            unauthorized(client.post("/nothing", LOGS).read());
            for (String good : List.of("Bearer s3cret", "bearer other"))
                assertThat(client.post("/v1/logs", LOGS, "Authorization: " + good).read().status())
                        .isEqualTo(200);
        }
        try (var client = new FrameClient(receiver.address())) {
            client.request(1, FrameClient.grpc(GRPC), FrameClient.message(0, LOGS), 16_384);
            assertThat(client.answer(1).grpcStatus()).isEqualTo(RpcStatus.UNAUTHENTICATED);
            client.request(
                    3,
                    FrameClient.grpc(GRPC, "authorization", "Bearer s3cret"),
                    FrameClient.message(0, LOGS),
                    16_384);
            assertThat(client.answer(3).grpcStatus()).isZero();
            // A probe has no token.
            client.request(
                    5,
                    FrameClient.grpc("/grpc.health.v1.Health/Check"),
                    FrameClient.message(0, new byte[0]),
                    16_384);
            assertThat(client.answer(5).grpcStatus()).isZero();
        }
        assertThat(log.stored()).hasSize(3);
    }

    @Test
    void noTokenIsPrinted() {
        var security = new Security(List.of(new Token("north", "s3cret")), Optional.empty());
        assertThat(security.toString()).contains("north").doesNotContain("s3cret");
    }

    // ------------------------------------------------------------------ helpers

    private static void unauthorized(RawClient.Response response) {
        assertThat(response.status()).isEqualTo(401);
        assertThat(response.header("www-authenticate")).isEqualTo("Bearer");
    }

    private static PemFiles serverFiles() {
        try {
            return PemFiles.make(Files.createTempDirectory("edged-tls"), "EC", "server");
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    private Optional<Tls> tls() {
        return Optional.of(new Tls(certificate, key, Optional.empty()));
    }

    private Receiver start(Security security) throws IOException {
        var listen = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
        var receiver =
                Receiver.start(
                        ReceiverOptions.at(listen).withSecurity(security),
                        log,
                        new SimpleMeterRegistry());
        running = Optional.of(receiver);
        return receiver;
    }

    private static HttpRequest post(Receiver receiver) {
        return HttpRequest.newBuilder(
                        URI.create("https://127.0.0.1:" + receiver.port() + "/v1/logs"))
                .header("Content-Type", "application/x-protobuf")
                .POST(HttpRequest.BodyPublishers.ofByteArray(LOGS))
                .build();
    }

    private static FrameClient frames(Receiver receiver, SSLContext context) throws IOException {
        var socket =
                (SSLSocket)
                        context.getSocketFactory()
                                .createSocket(receiver.address().getAddress(), receiver.port());
        var parameters = socket.getSSLParameters();
        parameters.setApplicationProtocols(new String[] {"h2"});
        socket.setSSLParameters(parameters);
        socket.startHandshake();
        assertThat(socket.getApplicationProtocol()).isEqualTo("h2");
        return new FrameClient(socket)
                .send(bytes(FrameClient.PREFACE))
                .frame(FrameClient.SETTINGS, 0, 0, new byte[0]);
    }

    private static byte[] bytes(String text) {
        return text.getBytes(java.nio.charset.StandardCharsets.US_ASCII);
    }

    private static SSLContext trust(PemFiles server) throws GeneralSecurityException, IOException {
        return context(server, null);
    }

    private static SSLContext context(
            PemFiles server, @org.jspecify.annotations.Nullable PemFiles own)
            throws GeneralSecurityException, IOException {
        var trusted = KeyStore.getInstance("PKCS12");
        trusted.load(null, null);
        trusted.setCertificateEntry("server", server.certificate());
        var trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(trusted);
        var keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        if (own == null) {
            keys.init(null, null);
        } else {
            var store = KeyStore.getInstance("PKCS12");
            store.load(null, null);
            store.setKeyEntry(
                    "own",
                    own.key(),
                    new char[0],
                    new java.security.cert.Certificate[] {own.certificate()});
            keys.init(store, new char[0]);
        }
        var context = SSLContext.getInstance("TLS");
        context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
        return context;
    }
}
