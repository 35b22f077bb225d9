package io.edged.receiver;

import static java.lang.System.Logger.Level.WARNING;

import io.edged.otlp.ExportResponse;
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

    /** Who sends, when no token tells. */
    private final String peer;

    /** How long the client of the last request that was over its quota should wait. */
    private int quotaSeconds;

    /**
     * @param peer the address at the other end, without its port
     */
    Intake(
            Admission admission,
            Appender appender,
            ReceiverMetrics metrics,
            Workspace workspace,
            String peer) {
        this.peer = peer;
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

    /** When a client that was just refused should come back; 0 for never. */
    int retryAfterSeconds(Refusal refusal) {
        return refusal == Refusal.QUOTA ? quotaSeconds : admission.retryAfterSeconds(refusal);
    }

    /** A body for this request, or null if there is no memory for it. */
    @Nullable RequestBody open(Announced announced, ByteBufAllocator allocator, Skim skim) {
        return RequestBody.open(admission, allocator, workspace, skim, announced);
    }

    /** Gives a request to the log; null if the log has it, else why not, and nothing is held. */
    @Nullable Refusal offer(RequestAppend append) {
        String client = append.client.name().isEmpty() ? peer : append.client.name();
        quotaSeconds = admission.quotas().take(client, append.items, append.bytes);
        if (quotaSeconds > 0) {
            append.release();
            return Refusal.QUOTA;
        }
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

    /**
     * A request was well formed and held nothing that could be kept: a success that the log need
     * not see.
     */
    void receivedNothing(Signal signal, ExportResponse response, long nanos) {
        metrics.received(signal, 0, 0, nanos);
        leftOut(signal, response);
    }

    /** Counts the records that a success leaves out, and says so. */
    private void leftOut(Signal signal, ExportResponse response) {
        if (response.equals(ExportResponse.SUCCESS)) return;
        metrics.leftOut(signal, response.rejected());
        LOG.log(
                WARNING,
                "took a request only in part; signal={0} left_out={1} reason={2}",
                signal.label(),
                response.rejected(),
                response.message());
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
            leftOut(append.signal, append.response);
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
