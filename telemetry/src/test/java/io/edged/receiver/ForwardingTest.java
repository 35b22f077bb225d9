package io.edged.receiver;

import static io.edged.receiver.FrameClient.grpc;
import static io.edged.receiver.FrameClient.message;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.github.luben.zstd.Zstd;

import io.edged.otlp.ContentEncoding;
import io.edged.otlp.Requests;
import io.edged.otlp.RpcStatus;
import io.edged.receiver.ReceiverOptions.Forwarding;
import io.edged.receiver.ReceiverOptions.Security;
import io.edged.receiver.ReceiverOptions.Token;
import io.edged.wal.MemoryLog;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Optional;

/** Headers that travel with a body, the tenant among them. */
@Timeout(30)
class ForwardingTest {

    private static final String EXPORT =
            "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
    private static final byte[] LOGS = Requests.typicalLogs(3);
    private static final Security TWO_TOKENS =
            new Security(
                    List.of(new Token("north", "n-secret"), new Token("", "anybody")),
                    Optional.empty());

    private final MemoryLog log = new MemoryLog();

    @SuppressWarnings("NullAway.Init") // each test starts its own
    private Receiver receiver;

    @SuppressWarnings("NullAway.Init")
    private RawClient client;

    private void start(Forwarding forwarding, Security security, int itemsPerSecond)
            throws Exception {
        var limits =
                new ReceiverOptions.Limits(
                        4 << 20, 1 << 20, 256, 16 << 20, 8, 0, 8, 4096, 8192, itemsPerSecond, 0);
        receiver =
                Receiver.start(
                        ReceiverOptions.at(
                                        new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                                .withLimits(limits)
                                .withSecurity(security)
                                .withForwarding(forwarding),
                        log,
                        new SimpleMeterRegistry());
        client = new RawClient(receiver.address());
    }

    @AfterEach
    void stop() throws Exception {
        client.close();
        receiver.close();
        log.close();
        assertThat(receiver.admission().reservedBytes()).isZero();
    }

    @Test
    void listedHeadersStandInTheMetadataInTheOrderOfTheConfiguration() throws Exception {
        start(new Forwarding(List.of("x-b", "x-a"), Optional.empty(), false), Security.NONE, 0);
        post("X-A: 1", "x-b:  say \"hi\" ", "x-c: 3");
        post("x-b: say \"hi\"", "x-a: 1");
        post("x-c: 3");
        post("x-a:");
        try (var http2 = new FrameClient(receiver.address())) {
            http2.request(1, grpc(EXPORT, "x-a", "1"), message(0, LOGS), 16_384);
            assertThat(http2.answer(1).grpcStatus()).isZero();
        }
        String both = "{\"headers\":{\"x-b\":\"say \\\"hi\\\"\",\"x-a\":\"1\"}}";
        assertThat(log.metadata())
                .containsExactly(both, both, "", "", "{\"headers\":{\"x-a\":\"1\"}}");
    }

    @Test
    void withoutConfigurationNothingIsKept() throws Exception {
        start(Forwarding.NONE, TWO_TOKENS, 0);
        post("Authorization: Bearer n-secret", "x-scope-orgid: acme");
        assertThat(log.metadata()).containsExactly("");
    }

    @Test
    void aHeaderNamesTheTenantAndGoesUpstream() throws Exception {
        start(tenantIn("x-scope-orgid", false), Security.NONE, 0);
        post("X-Scope-OrgID: acme");
        assertThat(log.metadata())
                .containsExactly("{\"tenant\":\"acme\",\"headers\":{\"x-scope-orgid\":\"acme\"}}");
    }

    @Test
    void aNamedTokenIsTheTenantWhateverTheHeaderSays() throws Exception {
        start(tenantIn("x-scope-orgid", true), TWO_TOKENS, 0);
        post("Authorization: Bearer n-secret", "X-Scope-OrgID: somebody-else");
        post("Authorization: Bearer anybody", "X-Scope-OrgID: acme");
        assertThat(log.metadata())
                .containsExactly(
                        "{\"tenant\":\"north\",\"headers\":{\"x-scope-orgid\":\"north\"}}",
                        "{\"tenant\":\"acme\",\"headers\":{\"x-scope-orgid\":\"acme\"}}");
    }

    @Test
    void aTokenNamesTheTenantWithoutAnyHeaderToo() throws Exception {
        start(new Forwarding(List.of(), Optional.empty(), true), TWO_TOKENS, 0);
        post("Authorization: Bearer n-secret");
        post("Authorization: Bearer anybody");
        assertThat(log.metadata()).containsExactly("{\"tenant\":\"north\"}", "");
    }

    @Test
    void whatNoHeaderMayBeIsRefused() throws Exception {
        start(tenantIn("x-scope-orgid", false), Security.NONE, 0);
        for (String bad :
                List.of(
                        "x-scope-orgid: a\r\nx-scope-orgid: b",
                        "x-scope-orgid: \u00e9",
                        "x-scope-orgid: a\tb",
                        "x-scope-orgid: " + "v".repeat(1025))) {
            assertThat(client.post("/v1/logs", LOGS, bad).read().status()).isEqualTo(400);
        }
        post("x-scope-orgid: " + "v".repeat(1024));
        try (var http2 = new FrameClient(receiver.address())) {
            http2.request(
                    1,
                    grpc(EXPORT, "x-scope-orgid", "a", "x-scope-orgid", "b"),
                    message(0, LOGS),
                    16_384);
            assertThat(http2.answer(1).grpcStatus()).isEqualTo(RpcStatus.INVALID_ARGUMENT);
        }
        assertThat(log.stored()).hasSize(1);
    }

    @Test
    void eachTenantHasItsOwnQuota() throws Exception {
        start(tenantIn("x-scope-orgid", false), Security.NONE, 2);
        for (String tenant : List.of("acme", "globex")) {
            String header = "X-Scope-OrgID: " + tenant;
            byte[] ten = Requests.typicalLogs(10);
            assertThat(client.post("/v1/logs", ten, header).read().status()).isEqualTo(200);
            assertThat(client.post("/v1/logs", ten, header).read().status()).isEqualTo(429);
        }
    }

    @Test
    void tokensMayBeReplacedWhileItRuns() throws Exception {
        start(Forwarding.NONE, TWO_TOKENS, 0);
        post("Authorization: Bearer anybody");
        receiver.replaceTokens(List.of(new Token("south", "s-secret")));
        assertThat(client.post("/v1/logs", LOGS, "Authorization: Bearer anybody").read().status())
                .isEqualTo(401);
        post("Authorization: Bearer s-secret");
        // Nobody is let in without a token because a file has become empty.
        assertThatThrownBy(() -> receiver.replaceTokens(List.of()))
                .isInstanceOf(IllegalArgumentException.class);
        assertThat(client.post("/v1/logs", LOGS).read().status()).isEqualTo(401);
        post("Authorization: Bearer s-secret");
    }

    @Test
    void zstdIsTakenOverGrpcWhereTheFlagSaysSo() throws Exception {
        start(Forwarding.NONE, Security.NONE, 0);
        try (var http2 = new FrameClient(receiver.address())) {
            byte[] head = grpc(EXPORT, "grpc-encoding", "zstd");
            http2.request(1, head, message(1, Zstd.compress(LOGS)), 16_384);
            assertThat(http2.answer(1).grpcStatus()).isZero();
            http2.request(3, head, message(0, LOGS), 16_384);
            assertThat(http2.answer(3).grpcStatus()).isZero();
            http2.request(5, head, message(1, LOGS), 16_384);
            assertThat(http2.answer(5).grpcStatus()).isEqualTo(RpcStatus.INVALID_ARGUMENT);
        }
        assertThat(log.stored())
                .extracting(MemoryLog.Stored::encoding)
                .containsExactly(ContentEncoding.ZSTD, ContentEncoding.IDENTITY);
    }

    private void post(String... headers) throws Exception {
        assertThat(client.post("/v1/logs", LOGS, headers).read().status()).isEqualTo(200);
    }

    private static Forwarding tenantIn(String header, boolean fromToken) {
        return new Forwarding(List.of(), Optional.of(header), fromToken);
    }
}
