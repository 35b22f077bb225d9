package io.edged.drain;

import static org.assertj.core.api.Assertions.assertThat;

import io.edged.otlp.Signal;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Supplier;

import javax.net.ssl.SSLContext;

/** Destinations behind a proxy. */
class ProxyTest {

    @TempDir private Path directory;

    private final MemoryLog log = new MemoryLog();

    /** A proxy that opens tunnels and writes down what it was asked. */
    private static final class Tunnels implements AutoCloseable {
        private final ServerSocket server =
                new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        private final List<String> heads = new CopyOnWriteArrayList<>();
        private final String answer;

        Tunnels(String answer) throws IOException {
            this.answer = answer;
            Thread.ofPlatform().daemon().start(this::accept);
        }

        private void accept() {
            while (!server.isClosed()) {
                try {
                    Socket socket = server.accept();
                    Thread.ofPlatform().daemon().start(() -> serve(socket));
                } catch (IOException e) {
                    return;
                }
            }
        }

        private void serve(Socket client) {
            try (client) {
                var head = new StringBuilder();
                while (head.indexOf("\r\n\r\n") < 0) {
                    int next = client.getInputStream().read();
                    if (next < 0) return;
                    head.append((char) next);
                }
                heads.add(head.toString());
                client.getOutputStream().write(answer.getBytes(StandardCharsets.US_ASCII));
                if (!answer.contains(" 200 ")) return;
                int port = Integer.parseInt(head.substring(head.indexOf(":") + 1).split(" ", 2)[0]);
                try (var upstream = new Socket(InetAddress.getLoopbackAddress(), port)) {
                    Thread.ofPlatform().daemon().start(() -> copy(upstream, client));
                    copy(client, upstream);
                }
            } catch (IOException e) {
                // one of the two is gone
            }
        }

        private static void copy(Socket from, Socket to) {
            try (InputStream in = from.getInputStream();
                    OutputStream out = to.getOutputStream()) {
                in.transferTo(out);
            } catch (IOException e) {
                // one of the two is gone
            }
        }

        URI uri() {
            return URI.create("http://127.0.0.1:" + server.getLocalPort());
        }

        @Override
        public void close() throws IOException {
            server.close();
        }
    }

    private static final String OPEN = "HTTP/1.1 200 Connection established\r\n\r\n";

    private DestinationOptions through(
            URI proxy,
            DestinationOptions.Protocol protocol,
            URI endpoint,
            Optional<SSLContext> tls,
            Optional<CredentialFile> credentials) {
        DestinationOptions usual = DestinationTest.options(URI.create("http://127.0.0.1"));
        return new DestinationOptions(
                usual.name(),
                new DestinationOptions.Target(
                        protocol,
                        endpoint,
                        Map.of(),
                        Duration.ofSeconds(30),
                        Duration.ofSeconds(10),
                        tls.map(context -> (Supplier<SSLContext>) () -> context),
                        Optional.empty(),
                        Optional.of(ProxyServer.of(proxy, credentials))),
                usual.batching(),
                usual.inFlight(),
                usual.retry());
    }

    private Optional<CredentialFile> credentials() throws IOException {
        return Optional.of(
                CredentialFile.basic(
                        Files.writeString(directory.resolve("proxy"), "Aladdin:open sesame\n")));
    }

    private void deliver(DestinationOptions options) throws Exception {
        log.batch(Signal.LOGS, 1, Otlp.logs("a"));
        log.commit();
        try (var drain = new TurnedDestination(log, options)) {
            drain.turnUntil(() -> log.cursor("cloud", "all").settledTo() == 1);
        }
    }

    @Test
    void plainHttpIsPassedOn() throws Exception {
        // The other end of the proxy is not needed: it sees the whole URI and answers itself.
        try (var proxy = new Upstream(request -> Upstream.ok())) {
            deliver(
                    through(
                            proxy.uri(),
                            DestinationOptions.Protocol.HTTP,
                            URI.create("http://collector.invalid:4318/otlp"),
                            Optional.empty(),
                            credentials()));
            Upstream.Request request = proxy.requests().getFirst();
            assertThat(request.path()).isEqualTo("http://collector.invalid:4318/otlp/v1/logs");
            assertThat(request.headers())
                    .containsEntry("host", "collector.invalid:4318")
                    .containsEntry("proxy-authorization", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        }
    }

    @Test
    void httpsGoesThroughATunnelThatTheProxyCannotRead() throws Exception {
        var store = Certificates.selfSigned(directory, "DNS:localhost,IP:127.0.0.1");
        try (var proxy = new Tunnels(OPEN);
                var upstream =
                        new Upstream(
                                Certificates.server(store).getServerSocketFactory(),
                                request -> Upstream.ok())) {
            deliver(
                    through(
                            proxy.uri(),
                            DestinationOptions.Protocol.HTTP,
                            URI.create("https://localhost:" + upstream.port()),
                            Optional.of(Certificates.client(store)),
                            credentials()));
            assertThat(proxy.heads)
                    .singleElement()
                    .asString()
                    .startsWith("CONNECT localhost:" + upstream.port() + " HTTP/1.1\r\n")
                    .contains("Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n");
            assertThat(upstream.requests().getFirst().headers())
                    .doesNotContainKey("proxy-authorization");
        }
    }

    @Test
    void grpcGoesThroughATunnelToo() throws Exception {
        try (var proxy = new Tunnels(OPEN);
                var upstream = new GrpcUpstream(request -> 0)) {
            deliver(
                    through(
                            proxy.uri(),
                            DestinationOptions.Protocol.GRPC,
                            upstream.uri(),
                            Optional.empty(),
                            Optional.empty()));
            assertThat(proxy.heads).singleElement().asString().startsWith("CONNECT 127.0.0.1:");
            assertThat(upstream.requests()).hasSize(1);
        }
    }

    @Test
    void aProxyThatRefusesTheTunnelIsNamed() throws Exception {
        log.batch(Signal.LOGS, 1, Otlp.logs("a"));
        log.commit();
        try (var proxy = new Tunnels("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
                var drain =
                        new TurnedDestination(
                                log,
                                through(
                                        proxy.uri(),
                                        DestinationOptions.Protocol.GRPC,
                                        URI.create("http://127.0.0.1:4317"),
                                        Optional.empty(),
                                        Optional.empty()))) {
            drain.turnUntil(() -> drain.metric("edged.drain.retried", "reason", "connect") >= 2);
            assertThat(drain.destination.status().lastError())
                    .hasValueSatisfying(
                            error -> assertThat(error).contains("407").contains("credentials"));
            assertThat(log.cursor("cloud", "all").settlements()).isEmpty();
        }
    }
}
