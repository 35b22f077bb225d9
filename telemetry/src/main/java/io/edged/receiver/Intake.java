package io.edged.receiver;

import static java.lang.System.Logger.Level.WARNING;

import io.edged.otlp.ExportResponse;
import io.edged.otlp.Skim;
import io.edged.wal.Appender;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.EventLoop;

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
    private final Converters converters;
    private final Account account;

    /** Who sends, when no token tells. */
    private final String peer;

    /** How long the client of the last request that was over its quota should wait. */
    private int quotaSeconds;

    /**
     * What all connections of an event loop have in common.
     *
     * @param appender the log
     */
    record Shared(
            Admission admission, Appender appender, Workspace workspace, Converters converters) {}

    /**
     * @param account of the connection
     * @param peer the address at the other end, without its port
     */
    Intake(Shared shared, ReceiverMetrics metrics, Account account, String peer) {
        this.admission = shared.admission;
        this.appender = shared.appender;
        this.workspace = shared.workspace;
        this.converters = shared.converters;
        this.metrics = metrics;
        this.account = account;
        this.peer = peer;
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
        return refusal == Refusal.QUOTA
                ? admission.hints().spread(quotaSeconds)
                : admission.hints().seconds(refusal);
    }

    /** A body for this request, or null if there is no memory for it. */
    @Nullable RequestBody open(Announced announced, ByteBufAllocator allocator, Skim skim) {
        return RequestBody.open(
                admission,
                account,
                allocator,
                workspace,
                skim,
                appender.asksForSeverity(),
                announced);
    }

    /**
     * Has a complete body converted by a worker.
     *
     * @param told what became of it, on the event loop
     * @return null, or why that cannot be; nothing will be told then
     */
    @Nullable Refusal convert(RequestBody body, EventLoop eventLoop, Converters.Converted told) {
        return converters.convert(body, eventLoop, told) ? null : Refusal.BUSY;
    }

    /** Gives a request to the log; null if the log has it, else why not, and nothing is held. */
    @Nullable Refusal offer(RequestAppend append) {
        if (isOverQuota(append.client, append.items, append.bytes)) {
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

    /** The same for events. */
    @Nullable Refusal offer(EventsInFlight events) {
        if (isOverQuota(events.client, events.items, events.bytes)) {
            events.release();
            return Refusal.QUOTA;
        }
        return events.offer(appender);
    }

    private boolean isOverQuota(String client, int items, long bytes) {
        quotaSeconds = admission.quotas().take(client.isEmpty() ? peer : client, items, bytes);
        return quotaSeconds > 0;
    }

    /**
     * A request was well formed and held nothing that could be kept: a success that the log need
     * not see.
     */
    void receivedNothing(Announced announced, ExportResponse response, long nanos) {
        metrics.received(announced.topic(), announced.encoding(), 0, 0, nanos);
        leftOut(announced.topic(), response);
    }

    /** Counts the records that a success leaves out, and says so. */
    private void leftOut(Topic topic, ExportResponse response) {
        if (response.equals(ExportResponse.SUCCESS)) return;
        metrics.leftOut(topic, response.rejected());
        LOG.log(
                WARNING,
                "took a request only in part; signal={0} left_out={1} reason={2}",
                topic.label(),
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
                    append.topic,
                    append.sentAs,
                    append.items,
                    append.bytes,
                    nowNanos - append.startedNanos);
            leftOut(append.topic, append.response);
            if (!answerable) metrics.unanswered();
        } else {
            metrics.refused(append.topic, append.refusal(), append.items, append.bytes);
            LOG.log(
                    WARNING,
                    "a request could not be made durable; signal={0} reason={1}",
                    append.topic.label(),
                    append.failure());
        }
    }

    /** The same for events: those at the beginning may be durable without the others. */
    void completed(EventsInFlight events, long nowNanos, boolean answerable) {
        Refusal refusal = events.refusal();
        if (refusal == null) {
            metrics.received(
                    Topic.EVENTS,
                    events.sentAs,
                    events.items,
                    events.bytes,
                    nowNanos - events.startedNanos);
            if (!answerable) metrics.unanswered();
            return;
        }
        int durable = events.durable();
        metrics.taken(Topic.EVENTS, events.sentAs, durable);
        metrics.refused(Topic.EVENTS, refusal, events.items - durable, events.bytes);
        LOG.log(
                WARNING,
                "events could not all be made durable; durable={0} of={1} reason={2}",
                durable,
                events.items,
                refusal.label());
    }

    /**
     * A request is not taken.
     *
     * @param topic null if the request did not come so far as to name one
     * @param body what has come in of it, if anything has
     */
    void refused(
            @Nullable Topic topic,
            Refusal refusal,
            @Nullable RequestBody body,
            SocketAddress peer,
            String message) {
        int items = refusal.knowsItems() && body != null ? body.items() : 0;
        metrics.refused(topic, refusal, items, body == null ? 0 : body.bytes());
        LOG.log(
                WARNING,
                "refused a request; reason={0} signal={1} peer={2} detail={3}",
                refusal.label(),
                topic == null ? "unknown" : topic.label(),
                peer,
                message);
    }

    /** Whether a body stands still while others need what it holds. */
    boolean mustGiveUp(RequestBody body, Pace pace, long now) {
        return pace.isStill(now, body.bytes()) && admission.scarce() && account.isAboveShare();
    }

    /** A client went away in the middle of a body. */
    void abandoned(RequestBody body, SocketAddress peer) {
        Topic topic = body.announced().topic();
        metrics.refused(topic, Refusal.DISCONNECTED, 0, body.bytes());
        LOG.log(
                WARNING,
                "a client left in the middle of a request; signal={0} bytes={1} peer={2}",
                topic.label(),
                body.bytes(),
                peer);
    }
}
