package io.edged.drain;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.CompositeByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.channel.EventLoop;
import io.netty.handler.codec.http.DefaultHttpHeaders;
import io.netty.handler.codec.http.HttpHeaders;
import io.opentelemetry.sdk.common.CompletableResultCode;
import io.opentelemetry.sdk.common.export.Compressor;
import io.opentelemetry.sdk.common.export.HttpResponse;
import io.opentelemetry.sdk.common.export.HttpSender;
import io.opentelemetry.sdk.common.export.HttpSenderConfig;
import io.opentelemetry.sdk.common.export.MessageWriter;

import org.jspecify.annotations.Nullable;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import java.util.function.Supplier;

import javax.net.ssl.SSLContext;

/**
 * HTTP/1.1 over Netty's NIO transport behind the OpenTelemetry sender interface. Any thread may
 * call; exactly one of the two callbacks follows, on the event loop unless the configuration names
 * an executor.
 *
 * <p>An {@link Upload} is sent as it is: its own path, headers and encoding, one attempt, an {@link
 * HttpAnswer} as the answer whatever its size. Every other message is written and compressed on the
 * calling thread and sent to the configured endpoint under the configured retry policy; an answer
 * whose body cannot be read is an error for it.
 *
 * <p>Redirects are not followed. After {@link #shutdown} what was accepted runs to its end, within
 * its deadline, and nothing more is accepted.
 */
final class NettyHttpSender implements HttpSender {

    private static final Set<Integer> RETRYABLE = Set.of(429, 502, 503, 504);

    /** Headers that say how the message is framed; only the sender sets them. */
    private static final Set<String> FRAMING =
            Set.of(
                    "host",
                    "content-length",
                    "transfer-encoding",
                    "connection",
                    "upgrade",
                    "te",
                    "proxy-authorization");

    private final HttpSenderConfig config;
    private final Endpoint endpoint;
    private final Optional<ProxyServer> proxy;
    private final Exchanges exchanges;

    /**
     * @param loop runs everything
     * @param release called once when the sender has ended, for example to end the loop
     * @throws IllegalArgumentException if the configuration asks for what this sender does not have
     */
    NettyHttpSender(HttpSenderConfig config, int maxConnections, EventLoop loop, Runnable release) {
        if (config.getProxyOptions() != null)
            throw new IllegalArgumentException(
                    "a proxy is not supported by this sender; remove the proxy options");
        this.config = config;
        this.endpoint = Endpoint.of(config.getEndpoint());
        this.proxy = config instanceof SenderConfig own ? own.proxy() : Optional.empty();
        var connector =
                new Connector(
                        loop,
                        endpoint,
                        endpoint.tls() ? Optional.of(tls(config)) : Optional.empty(),
                        proxy,
                        false,
                        millis(config.getConnectTimeout()));
        this.exchanges =
                new Exchanges(
                        loop,
                        new ConnectionPool(
                                connector,
                                maxConnections,
                                (int) Math.min(Integer.MAX_VALUE, config.getMaxResponseBodySize())),
                        callbacks(config.getExecutorService()),
                        release);
    }

    private static TlsClient tls(HttpSenderConfig config) {
        return new TlsClient(
                tlsContext(
                        config instanceof SenderConfig own ? own.tls() : Optional.empty(),
                        config.getSslContext()),
                Optional.ofNullable(config.getEnabledProtocols()),
                Optional.empty(),
                config instanceof SenderConfig own
                        ? own.certificates()
                        : new CertificateExpiry(Optional.empty()));
    }

    /** What the drain's own configuration has, or an exporter's, or the JDK. */
    static Supplier<SSLContext> tlsContext(
            Optional<Supplier<SSLContext>> own, @Nullable SSLContext given) {
        if (own.isPresent()) return own.get();
        if (given != null) return () -> given;
        return () -> {
            try {
                return SSLContext.getDefault();
            } catch (NoSuchAlgorithmException e) {
                throw new IllegalStateException("the JDK has no usable TLS defaults", e);
            }
        };
    }

    static int millis(Duration duration) {
        return Math.clamp(duration.toMillis(), 1, Integer.MAX_VALUE);
    }

    static Executor callbacks(@Nullable Executor executor) {
        return executor == null ? Runnable::run : executor;
    }

    @Override
    public void send(
            MessageWriter message, Consumer<HttpResponse> onResponse, Consumer<Throwable> onError) {
        try {
            if (message instanceof Upload upload) {
                exchanges.once(
                        target(upload.path()),
                        headers(upload),
                        wrapped(List.of(), upload),
                        config.getTimeout(),
                        onResponse::accept,
                        onError);
            } else {
                HttpHeaders headers = headers();
                Compressor compressor = config.getCompressor();
                if (compressor != null) headers.set("Content-Encoding", compressor.getEncoding());
                exchanges.retried(
                        new Exchanges.Retried(
                                target(endpoint.path()),
                                headers,
                                Unpooled.wrappedBuffer(written(message, compressor)),
                                config.getTimeout(),
                                config.getRetryPolicy(),
                                answer -> RETRYABLE.contains(answer.getStatusCode()),
                                onResponse::accept,
                                onError));
            }
        } catch (IOException | RuntimeException e) {
            onError.accept(e);
        }
    }

    /** As the request line has it: a proxy that passes requests on needs the whole URI. */
    private String target(String path) {
        return passedOn() ? "http://" + endpoint.authority() + path : path;
    }

    private boolean passedOn() {
        return proxy.isPresent() && !endpoint.tls();
    }

    private HttpHeaders headers(Upload upload) {
        HttpHeaders headers = headers();
        upload.headers()
                .forEach((name, value) -> {
                    if (!FRAMING.contains(name.toLowerCase(Locale.ROOT))) headers.set(name, value);
                });
        return headers;
    }

    /**
     * The bytes of an upload, which is released with the last reference to them.
     *
     * @param before what goes before them
     */
    static ByteBuf wrapped(List<ByteBuffer> before, Upload upload) {
        var all = new ArrayList<ByteBuffer>(before);
        all.addAll(upload.body());
        if (all.isEmpty()) all.add(ByteBuffer.allocate(0)); // a composite of nothing cannot be made
        // As many components as buffers: one more and Netty would copy them into one.
        return new CompositeByteBuf(
                UnpooledByteBufAllocator.DEFAULT,
                true,
                all.size(),
                all.stream().map(Unpooled::wrappedBuffer).toArray(ByteBuf[]::new)) {
            @Override
            protected void deallocate() {
                super.deallocate();
                upload.released().run();
            }
        };
    }

    private HttpHeaders headers() {
        var headers = new DefaultHttpHeaders();
        headers.set("User-Agent", "edged");
        headers.set("Accept-Encoding", "gzip");
        Map<String, List<String>> configured = config.getHeadersSupplier().get();
        if (configured != null) {
            configured.forEach((name, values) -> {
                if (!FRAMING.contains(name.toLowerCase(Locale.ROOT))) headers.set(name, values);
            });
        }
        headers.set("Content-Type", config.getContentType());
        if (passedOn())
            proxy.flatMap(ProxyServer::authorization)
                    .ifPresent(value -> headers.set("Proxy-Authorization", value));
        return headers;
    }

    /** The message's bytes, compressed if asked. */
    static byte[] written(MessageWriter message, @Nullable Compressor compressor)
            throws IOException {
        var bytes = new ByteArrayOutputStream(Math.max(32, message.getContentLength()));
        try (OutputStream output = compressor == null ? bytes : compressor.compress(bytes)) {
            message.writeMessage(output);
        }
        return bytes.toByteArray();
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
