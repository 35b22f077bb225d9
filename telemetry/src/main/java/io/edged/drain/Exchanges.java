package io.edged.drain;

import io.netty.buffer.ByteBuf;
import io.netty.channel.EventLoop;
import io.netty.handler.codec.http.HttpHeaders;
import io.opentelemetry.sdk.common.CompletableResultCode;
import io.opentelemetry.sdk.common.export.RetryPolicy;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.function.Predicate;

/**
 * The requests of one sender that are under way: how many, how long, and how they end when the
 * sender does. Any thread may call what is not private.
 */
final class Exchanges {

    /** Requests without an answer; one more is refused rather than queued. */
    static final int MAX_PENDING = 1024;

    /**
     * The slowest link that a large upload is given time for. Its deadline is the configured
     * timeout plus its size at this rate; a stall still ends it after the timeout alone.
     */
    private static final long SLOWEST_BYTES_PER_SECOND = 4 << 10;

    private final EventLoop loop;
    private final Connections connections;
    private final Executor callbacks;
    private final Runnable release;

    /** Only on the event loop. */
    private final Set<Exchange> pending = new HashSet<>();

    /**
     * Whether silence has ended a request, and no quick answer came since. The kernel takes
     * megabytes before a slow link has carried any of them, so silence does not tell a dead peer
     * from a slow link. From then on connections take little ahead of the link, so that every
     * progress shows, and silence may last as much longer as that little explains. Only on the
     * event loop.
     */
    private boolean slow;

    /** Messages that wait for their next attempt; only on the event loop, like the next field. */
    private int backingOff;

    private boolean terminated;

    private volatile boolean stopped;
    private final CompletableResultCode closed = new CompletableResultCode();

    /**
     * @param callbacks runs them
     * @param release called once when the sender has ended
     */
    Exchanges(EventLoop loop, Connections connections, Executor callbacks, Runnable release) {
        this.loop = loop;
        this.connections = connections;
        this.callbacks = callbacks;
        this.release = release;
    }

    /** How long a request of that many bytes may take on the slowest link. */
    static long totalNanos(Duration timeout, long bytes) {
        return timeout.toNanos() + slowNanos(bytes);
    }

    /** What the slowest link needs for so many bytes. */
    static long slowNanos(long bytes) {
        return TimeUnit.SECONDS.toNanos(1) * bytes / SLOWEST_BYTES_PER_SECOND;
    }

    private void slow(boolean slow) {
        if (this.slow == slow) return;
        this.slow = slow;
        connections.slow(slow);
    }

    /**
     * Sends it once; silence ends it after the timeout, on a link that has proven slow as much
     * later as what cannot be seen of the request explains.
     */
    void once(
            String path,
            HttpHeaders headers,
            ByteBuf body,
            Duration timeout,
            Consumer<HttpAnswer> onAnswer,
            Consumer<Throwable> onError) {
        var exchange =
                new Exchange(
                        path,
                        headers,
                        body,
                        timeout.toNanos(),
                        totalNanos(timeout, body.readableBytes()),
                        answer -> callbacks.execute(() -> onAnswer.accept(answer)),
                        why -> callbacks.execute(() -> onError.accept(why)));
        exchange.patient = true;
        run(() -> submit(exchange), exchange::fail);
    }

    /** Sends it as often as its exporter asked for. */
    void retried(Retried request) {
        run(new Retrying(request)::attempt, request.onError);
    }

    /**
     * A message of someone else's.
     *
     * @param retry null for one attempt
     * @param retryable which answers are no answer yet
     */
    record Retried(
            String path,
            HttpHeaders headers,
            ByteBuf body,
            Duration timeout,
            @Nullable RetryPolicy retry,
            Predicate<HttpAnswer> retryable,
            Consumer<HttpAnswer> onAnswer,
            Consumer<Throwable> onError) {}

    private void run(Runnable task, Consumer<Throwable> onError) {
        if (stopped) {
            onError.accept(new IOException("the sender is shut down"));
            return;
        }
        try {
            loop.execute(task);
        } catch (RejectedExecutionException e) {
            onError.accept(new IOException("the sender is shut down", e));
        }
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
        if (exchange.patient && slow) exchange.onSlowLink();
        exchange.onEnd(() -> {
            pending.remove(exchange);
            if (exchange.patient && exchange.quick()) slow(false);
            // After the callback, which may begin another attempt.
            if (stopped) loop.execute(this::endWhenIdle);
        });
        watch(exchange);
        connections.submit(exchange);
    }

    /** One timer at a time per exchange, set again while it makes progress. */
    private void watch(Exchange exchange) {
        exchange.timer =
                loop.schedule(
                        () -> {
                            if (exchange.remainingNanos() > 0) {
                                watch(exchange);
                                return;
                            }
                            if (exchange.patient) slow(true);
                            connections.giveUp(
                                    exchange,
                                    new TimeoutException(
                                            "no answer within the request's deadline"));
                        },
                        Math.max(0, exchange.remainingNanos()),
                        TimeUnit.NANOSECONDS);
    }

    /** Fails what is still under way, and shuts down. */
    void abort() {
        stopped = true;
        runOnLoop(() -> {
            for (Exchange exchange : List.copyOf(pending))
                connections.giveUp(exchange, new IOException("the sender was stopped"));
            endWhenIdle();
        });
    }

    /** Takes nothing more; what was accepted runs to its end. */
    CompletableResultCode shutdown() {
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
        connections.close();
        closed.succeed();
        release.run();
    }

    /** The attempts of one message. */
    private final class Retrying {
        private final Retried request;
        private final long startedNanos = System.nanoTime();
        private int attempts;

        Retrying(Retried request) {
            this.request = request;
        }

        void attempt() {
            attempts++;
            long left = remainingNanos();
            submit(
                    new Exchange(
                            request.path,
                            request.headers.copy(),
                            request.body.retainedDuplicate(),
                            left,
                            left,
                            this::answered,
                            this::failed));
        }

        private long remainingNanos() {
            return request.timeout.toNanos() - (System.nanoTime() - startedNanos);
        }

        private void answered(HttpAnswer answer) {
            if (request.retryable.test(answer) && again()) return;
            callbacks.execute(() -> {
                if (answer.unreadable().isPresent())
                    request.onError.accept(
                            new IOException(
                                    "the answer cannot be read: " + answer.unreadable().get()));
                else request.onAnswer.accept(answer);
            });
        }

        private void failed(Throwable why) {
            if (request.retry != null && why instanceof IOException e) {
                var chosen = request.retry.getRetryExceptionPredicate();
                if ((chosen == null || chosen.test(e)) && again()) return;
            }
            callbacks.execute(() -> request.onError.accept(why));
        }

        /** Whether another attempt was scheduled. */
        private boolean again() {
            RetryPolicy retry = request.retry;
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
