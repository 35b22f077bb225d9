package io.edged.drain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.edged.drain.SendResult.Delivered;
import io.edged.drain.SendResult.Fault;
import io.edged.drain.SendResult.Reason;
import io.edged.drain.SendResult.Refused;
import io.edged.drain.SendResult.RetryAfter;
import io.edged.otlp.ContentEncoding;
import io.edged.otlp.Signal;
import io.grpc.netty.GrpcSslContexts;
import io.netty.channel.EventLoop;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
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
import java.security.KeyStore;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;

/** Servers that are wrong, and what comes of a request to them. */
class NettyGrpcSenderTest {

    private static final Duration LONG = Duration.ofSeconds(60);
    private static final Duration SHORT = Duration.ofMillis(300);
    private static final byte[] NONE = {};

    /** For localhost; made once, because that takes seconds. */
    private static KeyStore store;

    private final MultiThreadIoEventLoopGroup group = NettyHttpSenderProvider.newGroup("test-io");
    private final List<OtlpGrpcSender> senders = new ArrayList<>();

    @BeforeAll
    static void makeCertificate(@TempDir Path directory) throws Exception {
        store = Certificates.selfSigned(directory, "DNS:localhost,IP:127.0.0.1");
    }

    @AfterEach
    void endLoop() {
        senders.forEach(OtlpGrpcSender::abort);
        NettyHttpSenderProvider.end(group);
    }

    private OtlpGrpcSender sender(URI endpoint, Duration timeout, Optional<SSLContext> tls) {
        return sender(endpoint, timeout, tls, KeepAlive.USUAL);
    }

    /** One that asks after moments instead of minutes. */
    private OtlpGrpcSender curious(URI endpoint) {
        return sender(
                endpoint,
                LONG,
                Optional.empty(),
                new KeepAlive(Duration.ofMillis(100), Duration.ofMillis(300)));
    }

    private OtlpGrpcSender sender(
            URI endpoint, Duration timeout, Optional<SSLContext> tls, KeepAlive keepAlive) {
        var target =
                new DestinationOptions.Target(
                                endpoint, Map.of(), timeout, Duration.ofSeconds(2), tls)
                        .overGrpc();
        var sender =
                new OtlpGrpcSender(
                        new SenderConfig(target),
                        new Answers(InstantSource.system()),
                        keepAlive,
                        (EventLoop) group.next());
        senders.add(sender);
        return sender;
    }

    @Test
    void aSilentConnectionIsAskedAndKeptIfItAnswers() throws Exception {
        var script =
                new HostileHttp2.Script() {
                    private volatile int stream;

                    @Override
                    public void answer(HostileHttp2.Peer peer, int request, int streamId) {
                        stream = streamId; // no answer yet
                    }

                    @Override
                    public void pinged(HostileHttp2.Peer peer, int ping) throws IOException {
                        if (ping == 3) peer.good(stream);
                    }
                };
        try (var server = new HostileHttp2(script)) {
            assertThat(resultOf(curious(server.uri())))
                    .isEqualTo(new Delivered(0, Optional.empty()));
            assertThat(server.connections()).isEqualTo(1);
            assertThat(server.requests()).isEqualTo(1);
        }
    }

    @Test
    void aConnectionThatAnswersNoPingIsGivenUp() throws Exception {
        try (var server =
                new HostileHttp2((peer, request, stream) -> {
                    // silence
                })) {
            server.answersPings = false;
            assertThat(resultOf(curious(server.uri())))
                    .isInstanceOfSatisfying(
                            RetryAfter.class,
                            retry -> {
                                assertThat(retry.reason()).isEqualTo(Reason.CLOSED);
                                assertThat(retry.detail()).contains("no answer to a PING");
                            });
            assertThat(server.pings()).isEqualTo(1);
        }
    }

    private OtlpGrpcSender sender(URI endpoint) {
        return sender(endpoint, LONG, Optional.empty());
    }

    private static CompletableFuture<SendResult> send(OtlpGrpcSender sender, byte[] body) {
        var result = new CompletableFuture<SendResult>();
        sender.send(
                new Shipment(
                        Signal.LOGS,
                        ContentEncoding.IDENTITY,
                        Map.of(),
                        List.of(ByteBuffer.wrap(body)),
                        () -> {}),
                result::complete);
        return result;
    }

    private static SendResult resultOf(OtlpGrpcSender sender) throws Exception {
        return send(sender, new byte[] {1, 2, 3}).get(20, TimeUnit.SECONDS);
    }

    private SendResult resultFrom(HostileHttp2.Script script) throws Exception {
        try (var server = new HostileHttp2(script)) {
            return resultOf(sender(server.uri()));
        }
    }

    @Test
    void aGoodAnswerDelivers() throws Exception {
        assertThat(resultFrom((peer, request, stream) -> peer.good(stream)))
                .isEqualTo(new Delivered(0, Optional.empty()));
    }

    @Test
    void trailersOnlyCount() throws Exception {
        assertThat(
                        resultFrom((peer, request, stream) ->
                                peer.headers(
                                        stream,
                                        true,
                                        ":status",
                                        "200",
                                        "content-type",
                                        "application/grpc",
                                        "grpc-status",
                                        "3",
                                        "grpc-message",
                                        "bad%20f%C3%BCr%zz 100%")))
                .isEqualTo(new Refused("INVALID_ARGUMENT", false, "bad für%zz 100%"));
    }

    @Test
    void anInterimAnswerIsNotTheAnswer() throws Exception {
        assertThat(
                        resultFrom((peer, request, stream) -> {
                            peer.headers(stream, false, ":status", "103");
                            peer.good(stream);
                        }))
                .isEqualTo(new Delivered(0, Optional.empty()));
    }

    @Test
    void okWithoutAMessageIsDeliveredWithAWarning() throws Exception {
        assertThat(
                        resultFrom((peer, request, stream) -> {
                            peer.head(stream);
                            peer.headers(stream, true, "grpc-status", "0");
                        }))
                .isInstanceOfSatisfying(
                        Delivered.class, delivered -> assertThat(delivered.warning()).isPresent());
    }

    @Test
    void okWithHalfAMessageIsDeliveredWithAWarning() throws Exception {
        assertThat(
                        resultFrom((peer, request, stream) -> {
                            peer.head(stream);
                            byte[] half = {0, 0, 0, 0, 100, 1, 2, 3};
                            peer.frame(HostileHttp2.DATA, 0, stream, half);
                            peer.headers(stream, true, "grpc-status", "0");
                        }))
                .isInstanceOfSatisfying(
                        Delivered.class,
                        delivered ->
                                assertThat(delivered.warning())
                                        .hasValueSatisfying(warning ->
                                                assertThat(warning).contains("cut off")));
    }

    @ParameterizedTest
    @ValueSource(strings = {"17", "-1", "99999999999999999999", "ok", ""})
    void aStatusThatIsNoneIsAFault(String status) throws Exception {
        assertThat(
                        resultFrom((peer, request, stream) -> {
                            peer.head(stream);
                            peer.frame(HostileHttp2.DATA, 0, stream, new byte[5]);
                            peer.headers(stream, true, "grpc-status", status);
                        }))
                .isInstanceOfSatisfying(
                        Fault.class, fault -> assertThat(fault.status()).isEqualTo("UNKNOWN"));
    }

    @Test
    void anAnswerWithoutTrailersIsNoSuccess() throws Exception {
        assertThat(
                        resultFrom((peer, request, stream) -> {
                            peer.head(stream);
                            peer.frame(
                                    HostileHttp2.DATA,
                                    HostileHttp2.END_STREAM,
                                    stream,
                                    new byte[5]);
                        }))
                .isInstanceOf(Fault.class);
    }

    @Test
    void detailsThatDeclareTwoGigabytesAreNoHint() throws Exception {
        // Status with a details field of length 2^31 - 1.
        String details =
                java.util.Base64.getEncoder()
                        .encodeToString(new byte[] {0x1a, -1, -1, -1, -1, 0x07});
        assertThat(
                        resultFrom((peer, request, stream) ->
                                peer.headers(
                                        stream,
                                        true,
                                        ":status",
                                        "200",
                                        "content-type",
                                        "application/grpc",
                                        "grpc-status",
                                        "14",
                                        "grpc-status-details-bin",
                                        details)))
                .isEqualTo(
                        new RetryAfter(Reason.UNAVAILABLE, "status UNAVAILABLE", Optional.empty()));
    }

    @Test
    void aMessageWithoutAnEndIsCutOffAtTheBound() throws Exception {
        assertThat(
                        resultFrom((peer, request, stream) -> {
                            peer.head(stream);
                            byte[] piece = new byte[16 << 10];
                            // No window is asked for: the client has to stop it.
                            for (int i = 0; i < 400; i++)
                                peer.frame(HostileHttp2.DATA, 0, stream, piece);
                        }))
                .isNotInstanceOf(Delivered.class);
    }

    @Test
    void aRefusedStreamIsSentAgainWithoutAWord() throws Exception {
        try (var server =
                new HostileHttp2((peer, request, stream) -> {
                    if (request == 1)
                        peer.frame(HostileHttp2.RST_STREAM, 0, stream, HostileHttp2.number(7));
                    else peer.good(stream);
                })) {
            assertThat(resultOf(sender(server.uri()))).isInstanceOf(Delivered.class);
            assertThat(server.requests()).isEqualTo(2);
        }
    }

    @Test
    void aResetIsARepeatAndCallsForCalmAreHeard() throws Exception {
        assertThat(
                        resultFrom((peer, request, stream) ->
                                peer.frame(
                                        HostileHttp2.RST_STREAM,
                                        0,
                                        stream,
                                        HostileHttp2.number(2))))
                .isEqualTo(
                        new RetryAfter(
                                Reason.CLOSED,
                                "the request was reset with INTERNAL_ERROR",
                                Optional.empty()));
        assertThat(
                        resultFrom((peer, request, stream) ->
                                peer.frame(
                                        HostileHttp2.RST_STREAM,
                                        0,
                                        stream,
                                        HostileHttp2.number(11))))
                .isInstanceOfSatisfying(
                        RetryAfter.class,
                        retry -> assertThat(retry.reason()).isEqualTo(Reason.THROTTLED));
    }

    @Test
    void whatAServerThatLeavesHasNotSeenGoesToTheNextConnection() throws Exception {
        try (var server =
                new HostileHttp2((peer, request, stream) -> {
                    if (request == 1) {
                        peer.frame(HostileHttp2.GOAWAY, 0, 0, HostileHttp2.goAway(0, 0));
                        peer.close();
                    } else {
                        peer.good(stream);
                    }
                })) {
            assertThat(resultOf(sender(server.uri()))).isInstanceOf(Delivered.class);
            assertThat(server.connections()).isEqualTo(2);
        }
    }

    @Test
    void aServerThatLeavesFinishesWhatItHasSeen() throws Exception {
        try (var server =
                new HostileHttp2((peer, request, stream) -> {
                    peer.frame(HostileHttp2.GOAWAY, 0, 0, HostileHttp2.goAway(stream, 0));
                    peer.good(stream);
                })) {
            var sender = sender(server.uri());
            for (int i = 1; i <= 3; i++) {
                assertThat(resultOf(sender)).isInstanceOf(Delivered.class);
                assertThat(server.connections()).isEqualTo(i);
                assertThat(server.requests()).isEqualTo(i);
            }
        }
    }

    @Test
    void aKeptConnectionThatIsCutIsReplacedOnceWithoutAnError() throws Exception {
        try (var server =
                new HostileHttp2((peer, request, stream) -> {
                    if (request == 2) peer.cut();
                    else peer.good(stream);
                })) {
            var sender = sender(server.uri());
            assertThat(resultOf(sender)).isInstanceOf(Delivered.class);
            assertThat(resultOf(sender)).isInstanceOf(Delivered.class);
            assertThat(server.connections()).isEqualTo(2);
        }
    }

    @Test
    void aNewConnectionThatIsCutIsARepeat() throws Exception {
        assertThat(resultFrom((peer, request, stream) -> peer.cut()))
                .isInstanceOfSatisfying(
                        RetryAfter.class,
                        retry -> assertThat(retry.reason()).isEqualTo(Reason.CLOSED));
    }

    @Test
    void silenceEndsAtTheDeadlineAndWithTheConnection() throws Exception {
        try (var server =
                new HostileHttp2((peer, request, stream) -> {
                    if (request > 1) peer.good(stream);
                })) {
            var sender = sender(server.uri(), SHORT, Optional.empty());
            assertThat(resultOf(sender))
                    .isInstanceOfSatisfying(
                            RetryAfter.class,
                            retry -> assertThat(retry.reason()).isEqualTo(Reason.TIMEOUT));
            assertThat(resultOf(sender)).isInstanceOf(Delivered.class);
        }
    }

    @Test
    void aServerThatAllowsNoStreamsIsWaitedForUntilTheDeadline() throws Exception {
        try (var server =
                new HostileHttp2(
                        HostileHttp2.setting(3, 0), (peer, request, stream) -> peer.good(stream))) {
            assertThat(resultOf(sender(server.uri(), SHORT, Optional.empty())))
                    .isInstanceOfSatisfying(
                            RetryAfter.class,
                            retry -> assertThat(retry.reason()).isEqualTo(Reason.TIMEOUT));
            assertThat(server.requests()).isZero();
        }
    }

    @Test
    void aWindowOfAFewBytesIsEnough() throws Exception {
        try (var server =
                new HostileHttp2(
                        HostileHttp2.setting(4, 1000),
                        (peer, request, stream) -> peer.good(stream))) {
            assertThat(send(sender(server.uri()), new byte[200_000]).get(20, TimeUnit.SECONDS))
                    .isInstanceOf(Delivered.class);
        }
    }

    @Test
    void aStrangeStatusOfHttpIsReadAsWhatStandsBetween() throws Exception {
        assertThat(
                        resultFrom((peer, request, stream) ->
                                peer.headers(stream, true, ":status", "503", "retry-after", "9")))
                .isEqualTo(
                        new RetryAfter(
                                Reason.UNAVAILABLE,
                                "status 503",
                                Optional.of(Duration.ofSeconds(9))));
        assertThat(
                        resultFrom((peer, request, stream) ->
                                peer.headers(stream, true, ":status", "404")))
                .isInstanceOf(Fault.class);
        assertThat(
                        resultFrom((peer, request, stream) ->
                                peer.headers(
                                        stream,
                                        true,
                                        ":status",
                                        "200",
                                        "content-type",
                                        "text/html")))
                .isInstanceOf(Fault.class);
        assertThat(
                        resultFrom((peer, request, stream) ->
                                peer.headers(stream, true, ":status", "413")))
                .isInstanceOfSatisfying(
                        Refused.class, refused -> assertThat(refused.forSize()).isTrue());
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "HTTP/1.1 400 Bad Request\r\n\r\n", "SSH-2.0-OpenSSH_9.6\r\n"})
    void whatDoesNotSpeakHttp2IsAConnectFailure(String greeting) throws Exception {
        try (var server = new ServerSocket(0)) {
            Thread.ofPlatform()
                    .daemon()
                    .start(() -> {
                        try (var socket = server.accept()) {
                            socket.getOutputStream()
                                    .write(greeting.getBytes(StandardCharsets.US_ASCII));
                            while (socket.getInputStream().read() >= 0) {
                                // until the client gives up
                            }
                        } catch (IOException e) {
                            // the test is over
                        }
                    });
            assertThat(resultOf(sender(URI.create("http://127.0.0.1:" + server.getLocalPort()))))
                    .isInstanceOfSatisfying(
                            RetryAfter.class,
                            retry -> {
                                assertThat(retry.reason()).isEqualTo(Reason.CONNECT);
                                assertThat(retry.detail()).contains("HTTP/2");
                            });
        }
    }

    @Test
    void floodsEndTheConnection() throws Exception {
        assertThat(
                        resultFrom((peer, request, stream) -> {
                            peer.head(stream);
                            for (int i = 0; i < 1000; i++)
                                peer.frame(HostileHttp2.DATA, 0, stream, NONE);
                        }))
                .isInstanceOf(RetryAfter.class);
        assertThat(
                        resultFrom((peer, request, stream) ->
                                peer.headers(
                                        stream,
                                        false,
                                        ":status",
                                        "200",
                                        "x-large",
                                        "y".repeat(60_000))))
                .isInstanceOf(RetryAfter.class);
    }

    @Test
    void tlsAgreesOnHttp2AndShowsItsCertificate() throws Exception {
        var keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        keys.init(store, "changeit".toCharArray());
        var server =
                GrpcSslContexts.configure(SslContextBuilder.forServer(keys), SslProvider.JDK)
                        .clientAuth(ClientAuth.NONE)
                        .build();
        try (var upstream = new GrpcUpstream(request -> 0, server)) {
            assertThat(
                            send(
                                            sender(
                                                    upstream.uri(),
                                                    LONG,
                                                    Optional.of(Certificates.client(store))),
                                            Otlp.logs("a"))
                                    .get(20, TimeUnit.SECONDS))
                    .isEqualTo(new Delivered(0, Optional.empty()));
            assertThat(resultOf(sender(upstream.uri(), LONG, Optional.empty())))
                    .isInstanceOfSatisfying(
                            RetryAfter.class,
                            retry -> assertThat(retry.reason()).isEqualTo(Reason.CONNECT));
        }
    }

    @Test
    void tlsWithoutHttp2IsAConnectFailureThatSaysSo() throws Exception {
        try (var upstream =
                new Upstream(
                        Certificates.server(store).getServerSocketFactory(),
                        request -> Upstream.ok())) {
            var sender =
                    sender(
                            URI.create("https://localhost:" + upstream.port()),
                            LONG,
                            Optional.of(Certificates.client(store)));
            assertThat(resultOf(sender))
                    .isInstanceOfSatisfying(
                            RetryAfter.class,
                            retry -> assertThat(retry.detail()).contains("h2").contains("ALPN"));
        }
    }

    @Test
    void anEndpointWithAPathIsRefused() {
        assertThatThrownBy(() -> sender(URI.create("http://127.0.0.1:1/v1/logs")))
                .hasMessageContaining("path");
    }
}
