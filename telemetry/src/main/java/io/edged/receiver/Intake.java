package io.edged.receiver;

import static java.lang.System.Logger.Level.WARNING;

import io.edged.otlp.Signal;
import io.edged.otlp.Skim;
import io.edged.wal.Appender;
import io.netty.buffer.ByteBufAllocator;

import org.jspecify.annotations.Nullable;

import java.net.SocketAddress;

/**
 * What every transport does with a request: open its body, offer it to the log, count and tell what
 * became of it. How that is said on the wire is the transport's own; which reason has which code is
 * {@link Refusal}'s. Used on one event loop.
 */
final class Intake {

    private static final System.Logger LOG = System.getLogger(Intake.class.getName());

    private final Admission admission;
    private final Appender appender;
    private final ReceiverMetrics metrics;
    private final Workspace workspace;

    Intake(Admission admission, Appender appender, ReceiverMetrics metrics, Workspace workspace) {
        this.admission = admission;
        this.appender = appender;
        this.metrics = metrics;
        this.workspace = workspace;
    }

    Admission admission() {
        return admission;
    }

    ReceiverOptions.Limits limits() {
        return admission.limits();
    }

    Workspace workspace() {
        return workspace;
    }

    /** A body for this request, or null if there is no memory for it. */
    @Nullable RequestBody open(Announced announced, ByteBufAllocator allocator, Skim skim) {
        return RequestBody.open(admission, allocator, workspace, skim, announced);
    }

    /** Gives a request to the log; null if the log has it, else why not, and nothing is held. */
    @Nullable Refusal offer(RequestAppend append) {
        Appender.Offer offer;
        try {
            offer = appender.offer(append);
        } catch (RuntimeException e) {
            append.release();
            throw e;
        }
        if (offer == Appender.Offer.QUEUED) return null;
        append.release();
        return Refusal.of(offer);
    }

    /** A request was well formed and held nothing: a success that the log need not see. */
    void receivedNothing(Signal signal, long nanos) {
        metrics.received(signal, 0, 0, nanos);
    }

    /**
     * The log is done with a request.
     *
     * @param nowNanos on the clock of {@code append.startedNanos}
     * @param answerable whether the client is still there
     */
    void completed(RequestAppend append, long nowNanos, boolean answerable) {
        if (append.isDurable()) {
            metrics.received(
                    append.signal, append.items, append.bytes, nowNanos - append.startedNanos);
            if (!answerable) metrics.unanswered();
        } else {
            metrics.refused(append.signal, append.refusal(), append.items, append.bytes);
            LOG.log(
                    WARNING,
                    "a request could not be made durable; signal={0} reason={1}",
                    append.signal.label(),
                    append.failure());
        }
    }

    /**
     * A request is not taken.
     *
     * @param signal null if the request did not come so far as to name one
     * @param body what has come in of it, if anything has
     */
    void refused(
            @Nullable Signal signal,
            Refusal refusal,
            @Nullable RequestBody body,
            SocketAddress peer,
            String message) {
        int items = refusal.knowsItems() && body != null ? body.items() : 0;
        metrics.refused(signal, refusal, items, body == null ? 0 : body.bytes());
        LOG.log(
                WARNING,
                "refused a request; reason={0} signal={1} peer={2} detail={3}",
                refusal.label(),
                signal == null ? "unknown" : signal.label(),
                peer,
                message);
    }

    /** A client went away in the middle of a body. */
    void abandoned(RequestBody body, SocketAddress peer) {
        Signal signal = body.announced().signal();
        metrics.refused(signal, Refusal.DISCONNECTED, 0, body.bytes());
        LOG.log(
                WARNING,
                "a client left in the middle of a request; signal={0} bytes={1} peer={2}",
                signal.label(),
                body.bytes(),
                peer);
    }
}
