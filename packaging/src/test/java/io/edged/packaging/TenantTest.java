package io.edged.packaging;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;

import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.MetadataUtils;
import io.grpc.stub.StreamObserver;
import io.opentelemetry.proto.collector.logs.v1.ExportLogsServiceRequest;
import io.opentelemetry.proto.collector.logs.v1.ExportLogsServiceResponse;
import io.opentelemetry.proto.collector.logs.v1.LogsServiceGrpc;
import io.opentelemetry.proto.common.v1.AnyValue;
import io.opentelemetry.proto.logs.v1.LogRecord;
import io.opentelemetry.proto.logs.v1.ResourceLogs;
import io.opentelemetry.proto.logs.v1.ScopeLogs;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * Telemetry of several tenants through a daemon that is restarted while its upstreams are away:
 * each of its records reaches them under the name of its own tenant, over HTTP and over gRPC.
 */
@Timeout(120)
class TenantTest {

    private static final String TENANT = "x-scope-orgid";
    private static final String ZONE = "x-zone";

    /**
     * One record as an upstream has seen it.
     *
     * @param body the record's, which names the tenant and zone that it was sent with
     */
    private record Seen(String body, String tenant, String zone) {}

    private final BlockingQueue<Seen> overHttp = new ArrayBlockingQueue<>(100);
    private final BlockingQueue<Seen> overGrpc = new ArrayBlockingQueue<>(100);

    @TempDir private Path directory;

    @Test
    void eachRecordReachesItsUpstreamsUnderItsOwnTenant() throws Exception {
        Path tokens = Files.writeString(directory.resolve("tokens"), "north:n-secret\nanybody\n");
        Files.setPosixFilePermissions(tokens, PosixFilePermissions.fromString("rw-------"));
        int http = Application.freePort();
        int grpc = Application.freePort();
        var httpUpstream =
                new InetSocketAddress(InetAddress.getLoopbackAddress(), Application.freePort());
        var grpcUpstream =
                new InetSocketAddress(InetAddress.getLoopbackAddress(), Application.freePort());
        URI admin = URI.create("http://127.0.0.1:" + Application.freePort());
        String config =
                Files.writeString(
                                directory.resolve("edge.toml"),
                                """
                                node.id = "test"
                                admin.listen = "127.0.0.1:%d"
                                log.events = false
                                storage = { dir = "state", ceiling_bytes = "256 MiB", reserve_bytes = 0 }
                                limits = { body_bytes = "1 MiB" }
                                wal = { segment_bytes = "4 MiB" }

                                [receiver]
                                http = "127.0.0.1:%d"
                                grpc = "127.0.0.1:%d"
                                bearer_token_file = "tokens"
                                tenant_header = "x-scope-orgid"
                                tenant_from_token = true
                                forward_headers = ["x-zone"]

                                [[drain.destination]]
                                name = "http"
                                endpoint = "http://127.0.0.1:%d"
                                retry_initial = "50ms"
                                retry_max = "200ms"

                                [[drain.destination]]
                                name = "grpc"
                                protocol = "grpc"
                                endpoint = "http://127.0.0.1:%d"
                                retry_initial = "50ms"
                                retry_max = "200ms"
                                """
                                        .formatted(
                                                admin.getPort(),
                                                http,
                                                grpc,
                                                httpUpstream.getPort(),
                                                grpcUpstream.getPort()))
                        .toString();
        try (var daemon = Application.start("run", "--config", config);
                var client = HttpClient.newHttpClient()) {
            daemon.awaitReady(admin);
            for (int round = 0; round < 3; round++) {
                post(client, http, "anybody", "acme", "");
                post(client, http, "anybody", "globex", "cellar");
                post(client, http, "anybody", "", "");
                post(client, http, "n-secret", "", "cellar");
                export(grpc, "anybody", "acme", "cellar");
                export(grpc, "n-secret", "acme", "");
            }
            assertThat(daemon.stop()).isZero();
        }
        HttpServer server = HttpServer.create(httpUpstream, 0);
        server.createContext(
                "/",
                exchange -> {
                    var fields = exchange.getRequestHeaders();
                    var request = ExportLogsServiceRequest.parseFrom(exchange.getRequestBody());
                    see(overHttp, request, fields.getFirst(TENANT), fields.getFirst(ZONE));
                    exchange.getResponseHeaders().set("Content-Type", "application/x-protobuf");
                    exchange.sendResponseHeaders(200, -1);
                    exchange.close();
                });
        server.start();
        Server grpcServer = grpcServer(grpcUpstream).start();
        try (var daemon = Application.start("run", "--config", config)) {
            for (BlockingQueue<Seen> upstream : List.of(overHttp, overGrpc)) {
                var all = new ArrayList<Seen>();
                for (int i = 0; i < 18; i++) {
                    Seen seen = upstream.poll(60, TimeUnit.SECONDS);
                    assertThat(seen).as("record %d of %s", i, daemon.lines()).isNotNull();
                    all.add(seen);
                }
                assertThat(all)
                        .allSatisfy(seen ->
                                assertThat(seen.body).isEqualTo(seen.tenant + " in " + seen.zone));
                assertThat(all.stream().map(Seen::body).distinct())
                        .containsExactlyInAnyOrder(
                                "acme in ",
                                "globex in cellar",
                                " in ",
                                "north in cellar",
                                "acme in cellar",
                                "north in ");
            }
            assertThat(daemon.stop()).isZero();
        } finally {
            server.stop(0);
            grpcServer.shutdownNow();
        }
    }

    /** What the token says goes before what the header says. */
    private static ExportLogsServiceRequest request(String token, String tenant, String zone) {
        String name = token.equals("n-secret") ? "north" : tenant;
        var record =
                LogRecord.newBuilder()
                        .setBody(AnyValue.newBuilder().setStringValue(name + " in " + zone));
        return ExportLogsServiceRequest.newBuilder()
                .addResourceLogs(
                        ResourceLogs.newBuilder()
                                .addScopeLogs(ScopeLogs.newBuilder().addLogRecords(record)))
                .build();
    }

    private static void post(HttpClient client, int port, String token, String tenant, String zone)
            throws IOException, InterruptedException {
        var request =
                HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/v1/logs"))
                        .header("Content-Type", "application/x-protobuf")
                        .header("Authorization", "Bearer " + token);
        if (!tenant.isEmpty()) request.header(TENANT, tenant);
        if (!zone.isEmpty()) request.header(ZONE, zone);
        byte[] body = request(token, tenant, zone).toByteArray();
        assertThat(
                        client.send(
                                        request.POST(HttpRequest.BodyPublishers.ofByteArray(body))
                                                .build(),
                                        HttpResponse.BodyHandlers.discarding())
                                .statusCode())
                .isEqualTo(200);
    }

    private static void export(int port, String token, String tenant, String zone) {
        var fields = new Metadata();
        fields.put(key("authorization"), "Bearer " + token);
        fields.put(key(TENANT), tenant);
        if (!zone.isEmpty()) fields.put(key(ZONE), zone);
        ManagedChannel channel =
                NettyChannelBuilder.forAddress("127.0.0.1", port)
                        .usePlaintext()
                        .intercept(MetadataUtils.newAttachHeadersInterceptor(fields))
                        .build();
        try {
            var answer =
                    LogsServiceGrpc.newBlockingStub(channel).export(request(token, tenant, zone));
            assertThat(answer).isEqualTo(ExportLogsServiceResponse.getDefaultInstance());
        } finally {
            channel.shutdownNow();
        }
    }

    private Server grpcServer(InetSocketAddress address) {
        Context.Key<Metadata> fieldsKey = Context.key("fields");
        var service =
                new LogsServiceGrpc.LogsServiceImplBase() {
                    @Override
                    public void export(
                            ExportLogsServiceRequest request,
                            StreamObserver<ExportLogsServiceResponse> observer) {
                        Metadata fields = fieldsKey.get();
                        see(overGrpc, request, fields.get(key(TENANT)), fields.get(key(ZONE)));
                        observer.onNext(ExportLogsServiceResponse.getDefaultInstance());
                        observer.onCompleted();
                    }
                };
        var interceptor =
                new ServerInterceptor() {
                    @Override
                    public <Q, A> ServerCall.Listener<Q> interceptCall(
                            ServerCall<Q, A> call, Metadata fields, ServerCallHandler<Q, A> next) {
                        return Contexts.interceptCall(
                                Context.current().withValue(fieldsKey, fields), call, fields, next);
                    }
                };
        return NettyServerBuilder.forAddress(address)
                .addService(service)
                .intercept(interceptor)
                .build();
    }

    /** A header that did not come is as one that says nothing. */
    private static void see(
            BlockingQueue<Seen> upstream,
            ExportLogsServiceRequest request,
            @Nullable String tenant,
            @Nullable String zone) {
        for (ResourceLogs resource : request.getResourceLogsList())
            for (ScopeLogs scope : resource.getScopeLogsList())
                for (LogRecord record : scope.getLogRecordsList())
                    upstream.add(
                            new Seen(
                                    record.getBody().getStringValue(),
                                    tenant == null ? "" : tenant,
                                    zone == null ? "" : zone));
    }

    private static Metadata.Key<String> key(String name) {
        return Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER);
    }
}
