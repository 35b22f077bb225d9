package io.edged.receiver;

import io.edged.otlp.JsonConversion;
import io.netty.channel.EventLoop;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.netty.util.concurrent.FastThreadLocal;

import org.jspecify.annotations.Nullable;

import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * Threads that convert large bodies, so that an event loop does not keep its other clients waiting
 * for as long as that takes. What waits here has its memory reserved, and so there is a bound to
 * it; the queue has one as well.
 *
 * <p>Running from construction to {@link #close}. Any event loop may call.
 */
final class Converters implements AutoCloseable {

    private static final int QUEUED_BODIES = 4_096;
    private static final int CLOSE_SECONDS = 10;

    private final FastThreadLocal<JsonConversion> conversions =
            new FastThreadLocal<>() {
                @Override
                protected JsonConversion initialValue() {
                    return new JsonConversion();
                }
            };

    private final ThreadPoolExecutor workers;

    /** Told on the event loop what became of a body. */
    @FunctionalInterface
    interface Converted {

        /**
         * The body belongs to the event loop again.
         *
         * @param refusal why the request cannot be taken; null if the body is what the log takes
         */
        void accept(@Nullable Refusal refusal);
    }

    Converters(int threads) {
        workers =
                new ThreadPoolExecutor(
                        threads,
                        threads,
                        30,
                        TimeUnit.SECONDS,
                        new ArrayBlockingQueue<>(QUEUED_BODIES),
                        new DefaultThreadFactory("edged-converter"));
        workers.allowCoreThreadTimeOut(true);
    }

    /**
     * Converts a complete body, which nobody else may use until {@code told} is called.
     *
     * @return false if there is too much to do already; nothing will be called then
     */
    boolean convert(RequestBody body, EventLoop eventLoop, Converted told) {
        try {
            workers.execute(() -> run(body, eventLoop, told));
            return true;
        } catch (RejectedExecutionException e) {
            return false;
        }
    }

    private void run(RequestBody body, EventLoop eventLoop, Converted told) {
        Refusal refusal;
        try {
            refusal = body.convert(conversions.get());
        } catch (RuntimeException e) {
            eventLoop.execute(body::close);
            throw e;
        }
        try {
            eventLoop.execute(() -> told.accept(refusal));
        } catch (RejectedExecutionException e) {
            body.close(); // the receiver is closed: nobody is left to answer
        }
    }

    /** Finishes what has begun. Close it while the event loops still run. */
    @Override
    public void close() {
        workers.shutdown();
        try {
            if (!workers.awaitTermination(CLOSE_SECONDS, TimeUnit.SECONDS)) workers.shutdownNow();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
