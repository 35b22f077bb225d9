package io.edged.drain;

import io.netty.buffer.ByteBuf;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.util.concurrent.ScheduledFuture;

import org.jspecify.annotations.Nullable;

import java.util.function.Consumer;

/**
 * One request on its way to one answer. Belongs to the sender's event loop; exactly one of the two
 * callbacks is called, once.
 */
final class Exchange {

    /** A connection, as its exchange sees it. */
    interface Carrier {
        /** Lets go of an exchange that was given up. */
        void abandon(Exchange exchange);
    }

    final String path;
    final HttpHeaders headers;
    final ByteBuf body;

    /** How long nothing may move before the exchange is given up; may grow before it is sent. */
    private long stallNanos;

    /** Whether silence is explained by a slow link, and proves one. */
    boolean patient;

    /** How long the whole exchange may take. */
    final long totalNanos;

    final long startedNanos;
    long progressNanos;

    /** Where it is being sent; null while it waits for a connection. */
    @Nullable Carrier carrier;

    /**
     * Whether it was sent again because a kept connection turned out to be closed. Once is enough:
     * the second connection is new.
     */
    boolean resent;

    /** Wakes the sender when the deadline may have passed. */
    @Nullable ScheduledFuture<?> timer;

    private final Consumer<HttpAnswer> onAnswer;
    private final Consumer<Throwable> onFailure;
    private Runnable onEnd = () -> {};
    private boolean done;
    private boolean answered;
    private final long timeoutNanos;
    private final int bytes;

    Exchange(
            String path,
            HttpHeaders headers,
            ByteBuf body,
            long stallNanos,
            long totalNanos,
            Consumer<HttpAnswer> onAnswer,
            Consumer<Throwable> onFailure) {
        this.path = path;
        this.headers = headers;
        this.body = body;
        this.stallNanos = stallNanos;
        this.timeoutNanos = stallNanos;
        this.bytes = body.readableBytes();
        this.totalNanos = totalNanos;
        this.startedNanos = System.nanoTime();
        this.progressNanos = startedNanos;
        this.onAnswer = onAnswer;
        this.onFailure = onFailure;
    }

    /** Runs {@code onEnd} before the callback. */
    void onEnd(Runnable onEnd) {
        this.onEnd = onEnd;
    }

    boolean done() {
        return done;
    }

    void progress() {
        progressNanos = System.nanoTime();
    }

    /** Nanoseconds until the exchange is overdue if nothing moves; 0 or less: it is. */
    long remainingNanos() {
        long now = System.nanoTime();
        return Math.min(progressNanos + stallNanos - now, startedNanos + totalNanos - now);
    }

    /**
     * Whether it was answered so fast that all that a slow connection hides would have been carried
     * in half the time that silence may last.
     */
    boolean quick() {
        double part = Math.min(1, (double) bytes / Connector.UNSEEN_BYTES);
        return answered
                && (double) (System.nanoTime() - startedNanos) < part * (double) timeoutNanos / 2;
    }

    /** The link is slow: what cannot be seen of it explains a longer silence. */
    void onSlowLink() {
        stallNanos = timeoutNanos + Exchanges.slowNanos(Math.min(bytes, Connector.UNSEEN_BYTES));
    }

    void answer(HttpAnswer answer) {
        answered = !done;
        if (finish()) onAnswer.accept(answer);
    }

    void fail(Throwable why) {
        if (finish()) onFailure.accept(why);
    }

    private boolean finish() {
        if (done) return false;
        done = true;
        body.release();
        // A timer that stays would hold the body until the deadline.
        if (timer != null) timer.cancel(false);
        onEnd.run();
        return true;
    }
}
