package io.edged.drain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.channel.EventLoop;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.opentelemetry.sdk.common.export.HttpResponse;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

import javax.net.ssl.SSLContext;

class NettyHttpSenderTest {

    private static final Duration LONG = Duration.ofSeconds(60);
    private static final Duration SHORT = Duration.ofMillis(200);

    private final MultiThreadIoEventLoopGroup group = NettyHttpSenderProvider.newGroup("test-io");
    private final List<NettyHttpSender> senders = new ArrayList<>();

    @AfterEach
    void endLoop() {
        senders.forEach(NettyHttpSender::abort);
        NettyHttpSenderProvider.end(group);
    }

    private NettyHttpSender sender(URI endpoint, Duration timeout, Optional<SSLContext> tls) {
        var target =
                new DestinationOptions.Target(
                        endpoint, Map.of("x-key", "secret"), timeout, Duration.ofSeconds(5), tls);
        var sender =
                new NettyHttpSender(
                        new SenderConfig(target), 2, (EventLoop) group.next(), () -> {});
        senders.add(sender);
        return sender;
    }

    private NettyHttpSender sender(URI endpoint) {
        return sender(endpoint, LONG, Optional.empty());
    }

    private static CompletableFuture<HttpAnswer> send(NettyHttpSender sender, ByteBuffer... body) {
        var answer = new CompletableFuture<HttpAnswer>();
        sender.send(
                new Upload("/v1/logs", Map.of("edge-batch", "x"), List.of(body), () -> {}),
                (HttpResponse response) -> answer.complete((HttpAnswer) response),
                answer::completeExceptionally);
        return answer;
    }

    private static HttpAnswer answerTo(NettyHttpSender sender) throws Exception {
        return send(sender, bytes("body")).get(20, TimeUnit.SECONDS);
    }

    private static Throwable failureOf(NettyHttpSender sender) throws Exception {
        try {
            HttpAnswer answer = answerTo(sender);
            throw new AssertionError("answered with " + answer.getStatusCode());
        } catch (ExecutionException e) {
            return java.util.Objects.requireNonNull(e.getCause());
        }
    }

    private static ByteBuffer bytes(String text) {
        return ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void buffersGoOutInOrderWithTheHeadersOfBoth() throws Exception {
        try (var upstream =
                new Upstream(
                        request -> Upstream.answer(200, new byte[] {1, 2}, "Retry-After: 7"))) {
            byte[] large = new byte[3_000_000];
            new java.util.Random(1).nextBytes(large);
            HttpAnswer answer =
                    send(sender(upstream.uri()), bytes("ab"), bytes("c"), ByteBuffer.wrap(large))
                            .get(20, TimeUnit.SECONDS);

            assertThat(answer.getStatusCode()).isEqualTo(200);
            assertThat(answer.getResponseBody()).containsExactly(1, 2);
            assertThat(answer.header("Retry-After")).contains("7");
            Upstream.Request request = upstream.requests().getFirst();
            assertThat(request.path()).isEqualTo("/v1/logs");
            assertThat(request.headers())
                    .containsEntry("edge-batch", "x")
                    .containsEntry("x-key", "secret")
                    .containsEntry("host", "127.0.0.1:" + upstream.port());
            assertThat(request.body()).startsWith('a', 'b', 'c').hasSize(3_000_003);
            assertThat(java.util.Arrays.copyOfRange(request.body(), 3, 3_000_003)).isEqualTo(large);
        }
    }

    @Test
    void connectionsAreKeptAndBounded() throws Exception {
        var latch = new CountDownLatch(1);
        try (var upstream =
                new Upstream(request ->
                        request.number() <= 2
                                ? Upstream.after(latch, Upstream.ok())
                                : Upstream.ok())) {
            var sender = sender(upstream.uri());
            var answers = new ArrayList<CompletableFuture<HttpAnswer>>();
            for (int i = 0; i < 10; i++) answers.add(send(sender, bytes("b")));
            latch.countDown();
            for (var answer : answers)
                assertThat(answer.get(20, TimeUnit.SECONDS).getStatusCode()).isEqualTo(200);
            assertThat(upstream.connections()).isBetween(1, 2);
            assertThat(upstream.requests()).hasSize(10);
        }
    }

    @Test
    void aKeptConnectionThatTheUpstreamClosedIsReplacedWithoutAnError() throws Exception {
        try (var upstream =
                new Upstream(request ->
                        request.number() == 2 ? Upstream.closeWithoutAnswer() : Upstream.ok())) {
            var sender = sender(upstream.uri());
            assertThat(answerTo(sender).getStatusCode()).isEqualTo(200);
            assertThat(answerTo(sender).getStatusCode()).isEqualTo(200);
            assertThat(upstream.requests()).hasSize(3);
            assertThat(upstream.requests().get(2).body()).isEqualTo(bytes("body").array());
            assertThat(upstream.connections()).isEqualTo(2);
        }
    }

    @Test
    void connectionCloseIsRespected() throws Exception {
        try (var upstream = new Upstream(request -> Upstream.status(200, "Connection: close"))) {
            var sender = sender(upstream.uri());
            answerTo(sender);
            answerTo(sender);
            assertThat(upstream.connections()).isEqualTo(2);
        }
    }

    @Test
    void aNewConnectionThatIsClosedWithoutAnAnswerIsAnError() throws Exception {
        try (var upstream = new Upstream(request -> Upstream.closeWithoutAnswer())) {
            assertThat(failureOf(sender(upstream.uri())))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("without an answer");
            assertThat(upstream.requests()).hasSize(1);
        }
    }

    @Test
    void aResetInTheMiddleOfASuccessIsNoSuccess() throws Exception {
        try (var upstream = new Upstream(request -> Upstream.resetInTheAnswer())) {
            assertThat(failureOf(sender(upstream.uri()))).isInstanceOf(IOException.class);
        }
    }

    @Test
    void silenceEndsAtTheDeadline() throws Exception {
        try (var upstream = new Upstream(request -> Upstream.hang())) {
            assertThat(failureOf(sender(upstream.uri(), SHORT, Optional.empty())))
                    .isInstanceOf(TimeoutException.class);
        }
    }

    @Test
    void anUpstreamThatStopsReadingEndsAtTheDeadlineToo() throws Exception {
        try (var server = new ServerSocket(0)) {
            var sender =
                    sender(
                            URI.create("http://127.0.0.1:" + server.getLocalPort()),
                            SHORT,
                            Optional.empty());
            var answer = send(sender, ByteBuffer.allocate(32 << 20));
            assertThatThrownBy(() -> answer.get(20, TimeUnit.SECONDS))
                    .hasCauseInstanceOf(TimeoutException.class);
        }
    }

    @Test
    void aRefusedPortIsAConnectFailureThatNamesTheEndpoint() throws Exception {
        int port;
        try (var server = new ServerSocket(0)) {
            port = server.getLocalPort();
        }
        assertThat(failureOf(sender(URI.create("http://127.0.0.1:" + port))))
                .isInstanceOf(ConnectFailure.class)
                .hasMessageContaining("127.0.0.1:" + port);
    }

    @Test
    void aHostWithoutAnAddressIsAConnectFailure() throws Exception {
        assertThat(failureOf(sender(URI.create("http://upstream.invalid:4318"))))
                .isInstanceOf(ConnectFailure.class)
                .hasMessageContaining("upstream.invalid");
    }

    @ParameterizedTest
    @ValueSource(strings = {"127.0.0.1", "::1", "2001:db8::7", "192.0.2.1"})
    void literalsAreNeverLookedUp(String literal) {
        assertThat(Addresses.of(literal)).isCompleted();
    }

    @Test
    void anInterimAnswerIsNotTheAnswer() throws Exception {
        try (var upstream =
                new Upstream(request ->
                        Upstream.raw(
                                String.join(
                                        "\r\n",
                                        "HTTP/1.1 100 Continue",
                                        "",
                                        "HTTP/1.1 103 Early Hints",
                                        "Link: x",
                                        "",
                                        "HTTP/1.1 202 Accepted",
                                        "Content-Length: 2",
                                        "",
                                        "ok")))) {
            HttpAnswer answer = answerTo(sender(upstream.uri()));
            assertThat(answer.getStatusCode()).isEqualTo(202);
            assertThat(answer.getResponseBody()).isEqualTo(bytes("ok").array());
        }
    }

    @Test
    void aRedirectIsAnAnswerAndNotFollowed() throws Exception {
        try (var elsewhere = new Upstream(request -> Upstream.ok());
                var upstream =
                        new Upstream(
                                request -> Upstream.status(307, "Location: " + elsewhere.uri()))) {
            assertThat(answerTo(sender(upstream.uri())).getStatusCode()).isEqualTo(307);
            assertThat(elsewhere.connections()).isZero();
        }
    }

    @Test
    void whatIsNotHttpIsAnError() throws Exception {
        try (var upstream = new Upstream(request -> Upstream.raw("SSH-2.0-OpenSSH_9.6\r\n\r\n"))) {
            assertThat(failureOf(sender(upstream.uri())))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("not HTTP");
        }
    }

    @Test
    void anEarlyAnswerToALargeBodyArrives() throws Exception {
        // Reads the head only, answers and closes: the rest of the body meets a reset.
        try (var server = new ServerSocket(0)) {
            Thread.ofPlatform()
                    .daemon()
                    .start(() -> {
                        try (var socket = server.accept()) {
                            var _ = socket.getInputStream().read(new byte[512]);
                            socket.getOutputStream()
                                    .write(
                                            "HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n"
                                                    .getBytes(StandardCharsets.US_ASCII));
                            socket.shutdownOutput();
                            while (socket.getInputStream().read(new byte[65536]) >= 0) {
                                // until the client has closed
                            }
                        } catch (IOException e) {
                            throw new IllegalStateException(e);
                        }
                    });
            var sender = sender(URI.create("http://127.0.0.1:" + server.getLocalPort()));
            HttpAnswer answer =
                    send(sender, ByteBuffer.allocate(32 << 20)).get(20, TimeUnit.SECONDS);
            assertThat(answer.getStatusCode()).isEqualTo(413);
        }
    }

    @Test
    void aGzipAnswerIsReadAndABombIsNot() throws Exception {
        byte[] small = Gzip.compress(List.of(bytes("answer")));
        byte[] bomb = Gzip.compress(List.of(ByteBuffer.allocate(64 << 20)));
        try (var upstream =
                new Upstream(request ->
                        Upstream.answer(
                                200,
                                request.number() == 1 ? small : bomb,
                                "Content-Encoding: gzip"))) {
            var sender = sender(upstream.uri());
            assertThat(answerTo(sender).getResponseBody()).isEqualTo(bytes("answer").array());
            HttpAnswer answer = answerTo(sender);
            assertThat(answer.getStatusCode()).isEqualTo(200);
            assertThat(answer.unreadable())
                    .hasValueSatisfying(why -> assertThat(why).contains("4194304"));
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void anAnswerLargerThanTheBoundKeepsItsStatusOnly(boolean announced) throws Exception {
        try (var upstream =
                new Upstream(request ->
                        (socket, output) -> {
                            output.write(
                                    ("HTTP/1.1 200 OK\r\n"
                                                    + (announced
                                                            ? "Content-Length: 1000000000" + "\r\n"
                                                            : "")
                                                    + "\r\n")
                                            .getBytes(StandardCharsets.US_ASCII));
                            byte[] piece = new byte[1 << 20];
                            for (int i = 0; i < 1000; i++) output.write(piece);
                            return false;
                        })) {
            HttpAnswer answer = answerTo(sender(upstream.uri()));
            assertThat(answer.getStatusCode()).isEqualTo(200);
            assertThat(answer.unreadable()).isPresent();
            assertThat(answer.getResponseBody()).isEmpty();
        }
    }

    @Test
    void tlsNeedsATrustedCertificateForTheHost(@TempDir Path directory) throws Exception {
        var good = Certificates.selfSigned(directory, "DNS:localhost,IP:127.0.0.1");
        var other = Certificates.selfSigned(directory, "DNS:elsewhere.example");
        try (var upstream =
                        new Upstream(
                                Certificates.server(good).getServerSocketFactory(),
                                request -> Upstream.ok());
                var misnamed =
                        new Upstream(
                                Certificates.server(other).getServerSocketFactory(),
                                request -> Upstream.ok())) {
            URI endpoint = URI.create("https://localhost:" + upstream.port());
            byte[] large = new byte[2_000_000];
            HttpAnswer answer =
                    send(
                                    sender(endpoint, LONG, Optional.of(Certificates.client(good))),
                                    ByteBuffer.wrap(large))
                            .get(20, TimeUnit.SECONDS);
            assertThat(answer.getStatusCode()).isEqualTo(200);
            assertThat(upstream.requests().getFirst().body()).hasSize(large.length);

            assertThat(failureOf(sender(endpoint, LONG, Optional.of(Certificates.client(other)))))
                    .as("another authority")
                    .isInstanceOf(ConnectFailure.class);
            assertThat(failureOf(sender(endpoint)))
                    .as("the JDK's authorities")
                    .isInstanceOf(ConnectFailure.class);
            assertThat(
                            failureOf(
                                    sender(
                                            URI.create("https://localhost:" + misnamed.port()),
                                            LONG,
                                            Optional.of(Certificates.client(other)))))
                    .as("another name")
                    .isInstanceOf(ConnectFailure.class)
                    .hasMessageContaining("localhost");
            assertThat(upstream.requests()).hasSize(1);
            assertThat(misnamed.requests()).isEmpty();
        }
    }

    @Test
    void shutdownLetsWhatIsUnderWayEndAndTakesNothingMore() throws Exception {
        var latch = new CountDownLatch(1);
        try (var upstream = new Upstream(request -> Upstream.after(latch, Upstream.ok()))) {
            var sender = sender(upstream.uri());
            var answer = send(sender, bytes("b"));
            var ended = sender.shutdown();
            assertThat(send(sender, bytes("c"))).isCompletedExceptionally();
            assertThat(ended.isDone()).isFalse();
            latch.countDown();
            assertThat(answer.get(20, TimeUnit.SECONDS).getStatusCode()).isEqualTo(200);
            assertThat(ended.join(20, TimeUnit.SECONDS).isSuccess()).isTrue();
            assertThat(sender.shutdown().isSuccess()).isTrue();
        }
    }

    @Test
    void abortFailsWhatIsUnderWay() throws Exception {
        try (var upstream = new Upstream(request -> Upstream.hang())) {
            var sender = sender(upstream.uri());
            var answer = send(sender, bytes("b"));
            sender.abort();
            assertThatThrownBy(() -> answer.get(20, TimeUnit.SECONDS))
                    .hasCauseInstanceOf(IOException.class);
            assertThat(sender.shutdown().join(20, TimeUnit.SECONDS).isSuccess()).isTrue();
        }
    }
}
