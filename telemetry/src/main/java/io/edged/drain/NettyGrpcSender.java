package io.edged.drain;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.EventLoop;
import io.netty.handler.codec.http.DefaultHttpHeaders;
import io.netty.handler.codec.http.HttpHeaders;
import io.opentelemetry.sdk.common.CompletableResultCode;
import io.opentelemetry.sdk.common.export.Compressor;
import io.opentelemetry.sdk.common.export.GrpcResponse;
import io.opentelemetry.sdk.common.export.GrpcSender;
import io.opentelemetry.sdk.common.export.GrpcSenderConfig;
import io.opentelemetry.sdk.common.export.GrpcStatusCode;
import io.opentelemetry.sdk.common.export.MessageWriter;
import io.opentelemetry.sdk.common.export.RetryPolicy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;

/**
 * Unary gRPC over HTTP/2 on Netty's NIO transport behind the OpenTelemetry sender interface. Any
 * thread may call; exactly one of the two callbacks follows, on the event loop unless the
 * configuration names an executor.
 *
 * <p>An {@link Upload} is one message as it is, to the method that is its path; its {@code
 * content-encoding} becomes {@code grpc-encoding} and the message's flag. It is sent once and
 * answered with a {@link GrpcReply}. Every other message is written and compressed on the calling
 * thread and sent to the configured method under the configured retry policy.
 *
 * <p>With http the connection begins with HTTP/2 at once (h2c with prior knowledge), with https it
 * is agreed on by ALPN.
 */
final class NettyGrpcSender implements GrpcSender {

    private static final int PREFIX_BYTES = 5;

    /** Headers that gRPC or HTTP/2 own; only the sender sets them. */
    private static final Set<String> FRAMING =
            Set.of(
                    "host",
                    "content-length",
                    "content-type",
                    "content-encoding",
                    "transfer-encoding",
                    "connection",
                    "keep-alive",
                    "proxy-connection",
                    "proxy-authorization",
                    "upgrade",
                    "te",
                    "user-agent",
                    "grpc-timeout",
                    "grpc-encoding",
                    "grpc-accept-encoding");

    private static final Set<GrpcStatusCode> RETRYABLE =
            Set.of(
                    GrpcStatusCode.CANCELLED,
                    GrpcStatusCode.DEADLINE_EXCEEDED,
                    GrpcStatusCode.RESOURCE_EXHAUSTED,
                    GrpcStatusCode.ABORTED,
                    GrpcStatusCode.OUT_OF_RANGE,
                    GrpcStatusCode.UNAVAILABLE,
                    GrpcStatusCode.DATA_LOSS);

    private final GrpcSenderConfig config;
    private final int maxAnswerBytes;
    private final Exchanges exchanges;

    /**
     * @param loop runs everything
     * @param release called once when the sender has ended, for example to end the loop
     */
    NettyGrpcSender(
            GrpcSenderConfig config, KeepAlive keepAlive, EventLoop loop, Runnable release) {
        this.config = config;
        this.maxAnswerBytes = (int) Math.min(Integer.MAX_VALUE, config.getMaxResponseBodySize());
        Endpoint endpoint = Endpoint.of(config.getEndpoint());
        Optional<SenderConfig> own =
                config instanceof SenderConfig known ? Optional.of(known) : Optional.empty();
        var tls =
                new TlsClient(
                        NettyHttpSender.tlsContext(
                                own.flatMap(SenderConfig::tls), config.getSslContext()),
                        Optional.ofNullable(config.getEnabledProtocols()),
                        Optional.of("h2"),
                        own.map(SenderConfig::certificates)
                                .orElseGet(() -> new CertificateExpiry(Optional.empty())));
        var connector =
                new Connector(
                        loop,
                        endpoint,
                        endpoint.tls() ? Optional.of(tls) : Optional.empty(),
                        own.flatMap(SenderConfig::proxy),
                        true,
                        NettyHttpSender.millis(config.getConnectTimeout()));
        this.exchanges =
                new Exchanges(
                        loop,
                        new Http2Connections(connector, maxAnswerBytes, keepAlive),
                        NettyHttpSender.callbacks(config.getExecutorService()),
                        release);
    }

    @Override
    public void send(
            MessageWriter message, Consumer<GrpcResponse> onResponse, Consumer<Throwable> onError) {
        try {
            if (message instanceof Upload upload) send(upload, onResponse, onError);
            else sendPlain(message, onResponse, onError);
        } catch (IOException | RuntimeException e) {
            onError.accept(e);
        }
    }

    private void send(
            Upload upload, Consumer<GrpcResponse> onResponse, Consumer<Throwable> onError) {
        Optional<String> encoding = Optional.ofNullable(upload.headers().get("content-encoding"));
        HttpHeaders headers =
                headers(
                        encoding,
                        Exchanges.totalNanos(config.getTimeout(), upload.getContentLength()));
        upload.headers().forEach((name, value) -> set(headers, name, List.of(value)));
        exchanges.once(
                upload.path(),
                headers,
                framed(encoding.isPresent(), upload),
                config.getTimeout(),
                answer -> onResponse.accept(reply(answer)),
                onError);
    }

    private void sendPlain(
            MessageWriter message, Consumer<GrpcResponse> onResponse, Consumer<Throwable> onError)
            throws IOException {
        Compressor compressor = config.getCompressor();
        byte[] body = NettyHttpSender.written(message, compressor);
        Optional<String> encoding = Optional.ofNullable(compressor).map(Compressor::getEncoding);
        RetryPolicy retry = config.getRetryPolicy();
        exchanges.retried(
                new Exchanges.Retried(
                        "/" + config.getFullMethodName(),
                        headers(encoding, config.getTimeout().toNanos()),
                        framed(encoding.isPresent(), body),
                        config.getTimeout(),
                        retry,
                        answer -> RETRYABLE.contains(reply(answer).getStatusCode()),
                        answer -> {
                            GrpcReply reply = reply(answer);
                            if (reply.unreadable().isPresent())
                                onError.accept(new IOException(reply.unreadable().get()));
                            else onResponse.accept(reply);
                        },
                        onError));
    }

    private GrpcReply reply(HttpAnswer answer) {
        return GrpcReply.of(answer, maxAnswerBytes);
    }

    private HttpHeaders headers(Optional<String> encoding, long timeoutNanos) {
        var headers = new DefaultHttpHeaders();
        Map<String, List<String>> configured = config.getHeadersSupplier().get();
        if (configured != null) configured.forEach((name, values) -> set(headers, name, values));
        headers.set("content-type", "application/grpc");
        headers.set("te", "trailers");
        headers.set("user-agent", "edged");
        headers.set("grpc-accept-encoding", "identity,gzip");
        headers.set("grpc-timeout", Duration.ofNanos(timeoutNanos).toMillis() + "m");
        encoding.ifPresent(name -> headers.set("grpc-encoding", name));
        return headers;
    }

    private static void set(HttpHeaders headers, String name, List<String> values) {
        String lower = name.toLowerCase(Locale.ROOT);
        if (!FRAMING.contains(lower)) headers.set(lower, values);
    }

    /** Flag, length, message. */
    private static ByteBuf framed(boolean compressed, Upload upload) {
        return NettyHttpSender.wrapped(
                List.of(prefix(compressed, upload.getContentLength())), upload);
    }

    private static ByteBuf framed(boolean compressed, byte[] body) {
        return Unpooled.wrappedBuffer(2, prefix(compressed, body.length), ByteBuffer.wrap(body));
    }

    private static ByteBuffer prefix(boolean compressed, int length) {
        // Direct as the bodies are: one that is not would have all of them copied.
        return ByteBuffer.allocateDirect(PREFIX_BYTES)
                .put((byte) (compressed ? 1 : 0))
                .putInt(length)
                .flip();
    }

    /** Fails what is still under way, and shuts down. Any thread. */
    void abort() {
        exchanges.abort();
    }

    @Override
    public CompletableResultCode shutdown() {
        return exchanges.shutdown();
    }
}
