package io.edged.drain;

import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.ServerInterceptors;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import io.netty.handler.ssl.SslContext;
import io.opentelemetry.proto.collector.logs.v1.ExportLogsServiceRequest;
import io.opentelemetry.proto.collector.logs.v1.ExportLogsServiceResponse;
import io.opentelemetry.proto.collector.logs.v1.LogsServiceGrpc;
import io.opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceRequest;
import io.opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceResponse;
import io.opentelemetry.proto.collector.metrics.v1.MetricsServiceGrpc;
import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;
import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceResponse;
import io.opentelemetry.proto.collector.trace.v1.TraceServiceGrpc;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/**
 * An upstream that nobody here wrote: grpc-java with the official stubs of OTLP. What it answers is
 * decided per request.
 */
final class GrpcUpstream implements AutoCloseable {

    /** A request as it came; metadata by lower-case name. */
    static final class Request {
        private final int number;
        private final String service;
        private final byte[] body;
        private final Map<String, String> metadata;

        Request(int number, String service, byte[] body, Map<String, String> metadata) {
            this.number = number;
            this.service = service;
            this.body = body;
            this.metadata = metadata;
        }

        /** From 1, over all connections. */
        int number() {
            return number;
        }

        String service() {
            return service;
        }

        /** Decoded and encoded again by the official classes. */
        byte[] body() {
            return body;
        }

        Map<String, String> metadata() {
            return metadata;
        }
    }

    /** Returns to accept, throws a {@link StatusRuntimeException} to refuse. */
    interface Script {
        /** How many items are rejected for good. */
        long reply(Request request);
    }

    private static final io.grpc.Context.Key<Map<String, String>> METADATA =
            io.grpc.Context.key("metadata");

    private final Server server;
    private final boolean tls;
    private final Script script;
    private final List<Request> requests = new CopyOnWriteArrayList<>();
    private final AtomicInteger number = new AtomicInteger();
    private final Map<String, Boolean> peers = new ConcurrentHashMap<>();

    GrpcUpstream(Script script) throws IOException {
        this(script, builder -> {});
    }

    GrpcUpstream(Script script, SslContext tls) throws IOException {
        this(script, true, builder -> builder.sslContext(tls));
    }

    GrpcUpstream(Script script, Consumer<NettyServerBuilder> settings) throws IOException {
        this(script, false, settings);
    }

    private GrpcUpstream(Script script, boolean tls, Consumer<NettyServerBuilder> settings)
            throws IOException {
        this.script = script;
        this.tls = tls;
        var builder =
                NettyServerBuilder.forAddress(
                        new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
        settings.accept(builder);
        var keep = new Keep();
        server =
                builder.addService(ServerInterceptors.intercept(new Logs(), keep))
                        .addService(ServerInterceptors.intercept(new Metrics(), keep))
                        .addService(ServerInterceptors.intercept(new Traces(), keep))
                        .build()
                        .start();
    }

    URI uri() {
        return URI.create((tls ? "https://localhost:" : "http://127.0.0.1:") + server.getPort());
    }

    List<Request> requests() {
        return List.copyOf(requests);
    }

    int connections() {
        return peers.size();
    }

    /** Asks clients to go, lets calls that are under way end. */
    void leave() {
        server.shutdown();
    }

    static StatusRuntimeException status(Status.Code code) {
        return code.toStatus().withDescription("as the test wants it").asRuntimeException();
    }

    private static <T> void answer(
            GrpcUpstream self,
            String service,
            byte[] body,
            StreamObserver<T> observer,
            java.util.function.LongFunction<T> response) {
        var request = new Request(self.number.incrementAndGet(), service, body, METADATA.get());
        self.requests.add(request);
        try {
            long rejected = self.script.reply(request);
            observer.onNext(response.apply(rejected));
            observer.onCompleted();
        } catch (StatusRuntimeException e) {
            observer.onError(e);
        }
    }

    private final class Logs extends LogsServiceGrpc.LogsServiceImplBase {
        @Override
        public void export(
                ExportLogsServiceRequest request,
                StreamObserver<ExportLogsServiceResponse> observer) {
            answer(
                    GrpcUpstream.this,
                    "logs",
                    request.toByteArray(),
                    observer,
                    rejected -> {
                        var response = ExportLogsServiceResponse.newBuilder();
                        if (rejected > 0)
                            response.getPartialSuccessBuilder().setRejectedLogRecords(rejected);
                        return response.build();
                    });
        }
    }

    private final class Metrics extends MetricsServiceGrpc.MetricsServiceImplBase {
        @Override
        public void export(
                ExportMetricsServiceRequest request,
                StreamObserver<ExportMetricsServiceResponse> observer) {
            answer(
                    GrpcUpstream.this,
                    "metrics",
                    request.toByteArray(),
                    observer,
                    rejected -> ExportMetricsServiceResponse.getDefaultInstance());
        }
    }

    private final class Traces extends TraceServiceGrpc.TraceServiceImplBase {
        @Override
        public void export(
                ExportTraceServiceRequest request,
                StreamObserver<ExportTraceServiceResponse> observer) {
            answer(
                    GrpcUpstream.this,
                    "traces",
                    request.toByteArray(),
                    observer,
                    rejected -> ExportTraceServiceResponse.getDefaultInstance());
        }
    }

    /** Keeps the metadata of a call for its handler. */
    private final class Keep implements ServerInterceptor {
        @Override
        public <A, B> ServerCall.Listener<A> interceptCall(
                ServerCall<A, B> call, Metadata headers, ServerCallHandler<A, B> next) {
            peers.put(
                    String.valueOf(
                            call.getAttributes().get(io.grpc.Grpc.TRANSPORT_ATTR_REMOTE_ADDR)),
                    true);
            Map<String, String> seen = new ConcurrentHashMap<>();
            for (String name : headers.keys()) {
                if (name.endsWith(Metadata.BINARY_HEADER_SUFFIX)) continue;
                String value = headers.get(Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER));
                if (value != null) seen.put(name, value);
            }
            return io.grpc.Contexts.interceptCall(
                    io.grpc.Context.current().withValue(METADATA, seen), call, headers, next);
        }
    }

    @Override
    public void close() {
        try {
            server.shutdownNow().awaitTermination(10, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
