package io.edged.drain;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.EventLoop;
import io.netty.handler.codec.http.DefaultHttpHeaders;
import io.netty.handler.codec.http.HttpHeaders;
import io.opentelemetry.sdk.common.CompletableResultCode;
import io.opentelemetry.sdk.common.export.Compressor;
import io.opentelemetry.sdk.common.export.HttpResponse;
import io.opentelemetry.sdk.common.export.HttpSender;
import io.opentelemetry.sdk.common.export.HttpSenderConfig;
import io.opentelemetry.sdk.common.export.MessageWriter;
import io.opentelemetry.sdk.common.export.RetryPolicy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;

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

    /** Requests without an answer; one more is refused rather than queued. */
    static final int MAX_PENDING = 1024;

    /**
     * The slowest link that a large upload is given time for. Its deadline is the configured
     * timeout plus its size at this rate; a stall still ends it after the timeout alone.
     */
    private static final long SLOWEST_BYTES_PER_SECOND = 4 << 10;

    private static final Set<Integer> RETRYABLE = Set.of(429, 502, 503, 504);

    /** Headers that say how the message is framed; only the sender sets them. */
    private static final Set<String> FRAMING =
            Set.of("host", "content-length", "transfer-encoding", "connection", "upgrade", "te");

    private final HttpSenderConfig config;
    private final Endpoint endpoint;
    private final EventLoop loop;
    private final Runnable release;
    private final ConnectionPool pool;
    private final Executor callbacks;

    /** Only on the event loop. */
    private final Set<Exchange> pending = new HashSet<>();

    /** Messages that wait for their next attempt; only on the event loop, like the next field. */
    private int backingOff;

    private boolean terminated;

    private volatile boolean stopped;
    private final CompletableResultCode closed = new CompletableResultCode();

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
        this.loop = loop;
        this.release = release;
        this.pool =
                new ConnectionPool(
                        loop,
                        endpoint,
                        endpoint.tls() ? Optional.of(tls(config)) : Optional.empty(),
                        maxConnections,
                        (int) Math.min(Integer.MAX_VALUE, config.getMaxResponseBodySize()),
                        millis(config.getConnectTimeout()));
        Executor executor = config.getExecutorService();
        this.callbacks = executor == null ? Runnable::run : executor;
    }

    private static TlsClient tls(HttpSenderConfig config) {
        Optional<List<String>> protocols = Optional.ofNullable(config.getEnabledProtocols());
        SSLContext given = config.getSslContext();
        try {
            return new TlsClient(given == null ? SSLContext.getDefault() : given, protocols);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("the JDK has no usable TLS defaults", e);
        }
    }

    private static int millis(Duration duration) {
        return Math.clamp(duration.toMillis(), 1, Integer.MAX_VALUE);
    }

    @Override
    public void send(
            MessageWriter message, Consumer<HttpResponse> onResponse, Consumer<Throwable> onError) {
        if (stopped) {
            onError.accept(new IOException("the sender is shut down"));
            return;
        }
        try {
            if (message instanceof Upload upload) {
                Exchange exchange = exchange(upload, onResponse, onError);
                loop.execute(() -> submit(exchange));
            } else {
                var plain = new PlainRequest(written(message), headers(true), onResponse, onError);
                loop.execute(plain::attempt);
            }
        } catch (RejectedExecutionException e) {
            onError.accept(new IOException("the sender is shut down", e));
        } catch (IOException | RuntimeException e) {
            onError.accept(e);
        }
    }

    private Exchange exchange(
            Upload upload, Consumer<HttpResponse> onResponse, Consumer<Throwable> onError) {
        long timeout = config.getTimeout().toNanos();
        long travel =
                TimeUnit.SECONDS.toNanos(upload.getContentLength() / SLOWEST_BYTES_PER_SECOND);
        HttpHeaders headers = headers(false);
        upload.headers()
                .forEach((name, value) -> {
                    if (!FRAMING.contains(name.toLowerCase(Locale.ROOT))) headers.set(name, value);
                });
        ByteBuffer[] body = upload.body().toArray(ByteBuffer[]::new);
        return new Exchange(
                upload.path(),
                headers,
                // As many components as buffers: one more and Netty would copy them into one.
                Unpooled.wrappedBuffer(Math.max(1, body.length), body),
                timeout,
                timeout + travel,
                answer -> callbacks.execute(() -> onResponse.accept(answer)),
                why -> callbacks.execute(() -> onError.accept(why)));
    }

    private HttpHeaders headers(boolean encoded) {
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
        Compressor compressor = config.getCompressor();
        if (encoded && compressor != null)
            headers.set("Content-Encoding", compressor.getEncoding());
        return headers;
    }

    private ByteBuf written(MessageWriter message) throws IOException {
        var bytes = new ByteArrayOutputStream(Math.max(32, message.getContentLength()));
        Compressor compressor = config.getCompressor();
        try (OutputStream output = compressor == null ? bytes : compressor.compress(bytes)) {
            message.writeMessage(output);
        }
        return Unpooled.wrappedBuffer(bytes.toByteArray());
    }

    private void submit(Exchange exchange) {
        if (pending.size() >= MAX_PENDING || terminated) {
            exchange.fail(
                    new IOException(
                            terminated
                                    ? "the sender is shut down"
                                    : MAX_PENDING + " requests wait for an answer already"));
            return;
        }
        pending.add(exchange);
        exchange.onEnd(() -> {
            pending.remove(exchange);
            // After the callback, which may begin another attempt.
            if (stopped) loop.execute(this::endWhenIdle);
        });
        watch(exchange);
        pool.submit(exchange);
    }

    /** One timer at a time per exchange, set again while it makes progress. */
    private void watch(Exchange exchange) {
        exchange.timer =
                loop.schedule(
                        () -> {
                            if (exchange.remainingNanos() > 0) watch(exchange);
                            else
                                pool.giveUp(
                                        exchange,
                                        new TimeoutException(
                                                "no answer within the request's deadline"));
                        },
                        Math.max(0, exchange.remainingNanos()),
                        TimeUnit.NANOSECONDS);
    }

    /** Fails what is still under way, and shuts down. Any thread. */
    void abort() {
        stopped = true;
        runOnLoop(() -> {
            for (Exchange exchange : List.copyOf(pending))
                pool.giveUp(exchange, new IOException("the sender was stopped"));
            endWhenIdle();
        });
    }

    @Override
    public CompletableResultCode shutdown() {
        stopped = true;
        runOnLoop(this::endWhenIdle);
        return closed;
    }

    private void runOnLoop(Runnable task) {
        try {
            loop.execute(task);
        } catch (RejectedExecutionException e) {
            closed.succeed(); // the loop has ended, and every connection with it
        }
    }

    private void endWhenIdle() {
        if (terminated || !pending.isEmpty() || backingOff > 0) return;
        terminated = true;
        pool.close();
        closed.succeed();
        release.run();
    }

    /** A message of someone else's, with the retries that its exporter asked for. */
    private final class PlainRequest {
        private final ByteBuf body;
        private final HttpHeaders headers;
        private final Consumer<HttpResponse> onResponse;
        private final Consumer<Throwable> onError;
        private final long startedNanos = System.nanoTime();
        private int attempts;

        PlainRequest(
                ByteBuf body,
                HttpHeaders headers,
                Consumer<HttpResponse> onResponse,
                Consumer<Throwable> onError) {
            this.body = body;
            this.headers = headers;
            this.onResponse = onResponse;
            this.onError = onError;
        }

        void attempt() {
            attempts++;
            long left = remainingNanos();
            submit(
                    new Exchange(
                            endpoint.path(),
                            headers.copy(),
                            body.retainedDuplicate(),
                            left,
                            left,
                            this::answered,
                            this::failed));
        }

        private long remainingNanos() {
            return config.getTimeout().toNanos() - (System.nanoTime() - startedNanos);
        }

        private void answered(HttpAnswer answer) {
            boolean retryable = RETRYABLE.contains(answer.getStatusCode());
            if (retryable && again()) return;
            callbacks.execute(() -> {
                if (answer.unreadable().isPresent())
                    onError.accept(
                            new IOException(
                                    "the answer cannot be read: " + answer.unreadable().get()));
                else onResponse.accept(answer);
            });
        }

        private void failed(Throwable why) {
            RetryPolicy retry = config.getRetryPolicy();
            if (retry != null && why instanceof IOException e) {
                var chosen = retry.getRetryExceptionPredicate();
                if ((chosen == null || chosen.test(e)) && again()) return;
            }
            callbacks.execute(() -> onError.accept(why));
        }

        /** Whether another attempt was scheduled. */
        private boolean again() {
            RetryPolicy retry = config.getRetryPolicy();
            if (retry == null || stopped || attempts >= retry.getMaxAttempts()) return false;
            double backoff =
                    retry.getInitialBackoff().toNanos()
                            * Math.pow(retry.getBackoffMultiplier(), attempts - 1);
            long delay =
                    (long)
                            (Math.min(backoff, (double) retry.getMaxBackoff().toNanos())
                                    * ThreadLocalRandom.current().nextDouble(0.8, 1.2));
            if (delay >= remainingNanos()) return false;
            backingOff++;
            var _ =
                    loop.schedule(
                            () -> {
                                backingOff--;
                                attempt();
                            },
                            delay,
                            TimeUnit.NANOSECONDS);
            return true;
        }
    }
}
