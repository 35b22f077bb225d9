package io.edged.receiver;

import io.edged.otlp.ExportResponse;
import io.edged.otlp.Skim;
import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http2.Http2Stream;

import org.jspecify.annotations.Nullable;

/**
 * One request on a stream of an HTTP/2 connection, and its answer. What comes in goes through
 * {@link RequestBody} into the log; the kinds of exchange differ in how a request is taken apart
 * and how an answer looks.
 *
 * <p>A refused request is read to its end and thrown away before it is answered, so that neither
 * side has to reset the stream. Only where that end may be far is it answered at once and the
 * stream reset, which HTTP/2 has a code for.
 *
 * <p>All on the event loop of the connection.
 */
abstract class Exchange {

    enum Phase {
        /** The request comes in. */
        BODY,
        /** The rest of a refused request comes in and is thrown away. */
        DISCARD,
        /** A worker or the log has it. */
        LOG,
        /** Answered; the peer has not seen all of the answer. */
        ANSWERED
    }

    final Http2Link link;
    final Http2Stream stream;
    final Intake intake;
    final long startedNanos;

    private Phase phase = Phase.BODY;
    private final Pace pace = new Pace();

    /** When the request must have come in. */
    private final long slowNanos;

    /** When it is looked at again. */
    private long deadlineNanos;

    private @Nullable Skim skim;
    private @Nullable RequestBody body;
    private @Nullable Refused refused;
    private @Nullable Runnable passedOver;
    private long discardedBytes;

    /** What is to be said when the rest of the request has been thrown away. */
    private record Refused(Refusal refusal, String message) {}

    Exchange(Http2Link link, Http2Stream stream, Intake intake) {
        this.link = link;
        this.stream = stream;
        this.intake = intake;
        startedNanos = link.now();
        slowNanos = startedNanos + link.bodyNanos();
        deadlineNanos = startedNanos + Math.min(link.bodyNanos(), Pace.WINDOW_NANOS);
        pace.begin(startedNanos);
    }

    /** What is sent, once it is known. */
    abstract @Nullable Topic topic();

    /** A part of the request, which stays the caller's. */
    abstract void take(ByteBuf content);

    /** The request is complete. */
    abstract void taken();

    /** Writes an answer to a request whose items are durable, or that had none. */
    abstract void answerSuccess(ExportResponse response);

    /** Writes an answer to a request whose events are durable. */
    void answerEvents(long[] seqs) {
        throw new IllegalStateException("no events come this way");
    }

    /** Writes any other answer. */
    abstract void answerRefusal(Refusal refusal, String message, int retryAfterSeconds);

    // ------------------------------------------------------------------ what the stream says

    final void data(ByteBuf content) {
        switch (phase) {
            case BODY -> take(content);
            case DISCARD -> {
                discardedBytes += content.readableBytes();
                if (discardedBytes > intake.limits().bodyBytes()) answerRefused(true);
            }
            case LOG, ANSWERED -> {} // reset already, or about to be
        }
    }

    final void end() {
        if (phase == Phase.BODY) taken();
        if (phase == Phase.DISCARD) answerRefused(false);
    }

    /** The stream is over, whoever ended it. */
    void closed() {
        RequestBody body = this.body;
        if (phase == Phase.BODY && body != null) intake.abandoned(body, link.peer());
        letGo();
        phase = Phase.ANSWERED;
    }

    /** Looks at the deadline. */
    void check(long now) {
        if (now - deadlineNanos < 0) return;
        switch (phase) {
            case BODY -> {
                if (now - slowNanos < 0) giveUpIfStill(now);
                else refuseAtOnce(Refusal.SLOW, "the request took too long to come in");
            }
            case DISCARD -> answerRefused(true);
            case LOG -> deadlineNanos = now + link.idleNanos(); // the log answers or fails
            case ANSWERED -> link.reset(stream.id()); // nobody reads the answer
        }
    }

    private void giveUpIfStill(long now) {
        RequestBody body = this.body;
        if (body != null && intake.mustGiveUp(body, pace, now))
            refuseAtOnce(Refusal.MEMORY, Pace.ADVICE);
        else deadlineNanos = Math.min(slowNanos, now + Pace.WINDOW_NANOS);
    }

    long deadlineNanos() {
        return deadlineNanos;
    }

    final Phase phase() {
        return phase;
    }

    // ------------------------------------------------------------------ what a kind may do

    /** Opens the body; false if there is no memory for it, and the request is refused then. */
    final boolean open(Announced announced) {
        Skim taken = intake.workspace().takeSkim();
        RequestBody opened = intake.open(announced, link.context().alloc(), taken);
        if (opened == null) {
            intake.workspace().giveBack(taken);
            refuse(Refusal.MEMORY, Answers.advice(Refusal.MEMORY));
            return false;
        }
        skim = taken;
        body = opened;
        return true;
    }

    /** The open body. */
    final RequestBody body() {
        RequestBody opened = body;
        if (opened == null) throw new IllegalStateException("no body is open");
        return opened;
    }

    /** Keeps a part of the body. */
    final void keep(ByteBuf part) {
        Refusal refusal = body().add(part);
        if (refusal != null) refuse(refusal, body().explain(refusal));
    }

    /** Gives the complete body to the log, by way of a worker if it has to be converted first. */
    final void offer() {
        RequestBody body = body();
        Refusal refusal = body.end();
        if (refusal == null && body.isToBeConverted()) {
            if (body.isLarge()) {
                convertAside(body);
                return;
            }
            refusal = body.convert(intake.workspace().json());
        }
        if (refusal == null) offer(body);
        else refuse(refusal, body.explain(refusal));
    }

    private void convertAside(RequestBody body) {
        Refusal busy =
                intake.convert(
                        body,
                        link.eventLoop(),
                        refusal -> {
                            converted(body, refusal);
                            body.close();
                            link.flushSoon();
                        });
        if (busy != null) {
            refuse(busy, Answers.advice(busy));
            return;
        }
        this.body = null; // the worker's
        toTheLog();
    }

    private void converted(RequestBody body, @Nullable Refusal refusal) {
        if (refusal == null) offer(body);
        else refuseComplete(body, refusal, body.explain(refusal));
    }

    private void offer(RequestBody body) {
        if (body.announced().topic() == Topic.EVENTS) {
            Refusal refusal = intake.offer(new StreamEvents(this, body));
            if (refusal == null) toTheLog();
            else refuseComplete(body, refusal, Answers.advice(refusal));
            return;
        }
        if (body.items() == 0) {
            ExportResponse response = body.response();
            intake.receivedNothing(body.announced(), response, link.now() - startedNanos);
            letGo();
            if (phase != Phase.ANSWERED) success(response);
            return;
        }
        Refusal refusal = intake.offer(new StreamAppend(this, body));
        if (refusal == null) toTheLog();
        else refuseComplete(body, refusal, Answers.advice(refusal));
    }

    /** Whoever has the request now answers or fails. */
    private void toTheLog() {
        letGo();
        if (phase == Phase.ANSWERED) return;
        phase = Phase.LOG;
        deadlineNanos = link.now() + link.idleNanos();
    }

    /** The request has come in and is answered for as long as the client listens. */
    final void waiting() {
        phase = Phase.LOG;
    }

    /** The connection is about to end; what only listens must end now. */
    void leave() {}

    /** Refuses a request that has come in; its client may have gone in the meantime. */
    private void refuseComplete(RequestBody body, Refusal refusal, String message) {
        if (phase == Phase.BODY) {
            refuse(refusal, message);
            return;
        }
        intake.refused(topic(), refusal, body, link.peer(), message);
        if (phase == Phase.LOG) answer(refusal, message);
    }

    /** The log is done. */
    final void completed(StreamAppend append) {
        boolean answerable = phase == Phase.LOG;
        intake.completed(append, link.now(), answerable);
        if (!answerable) return;
        if (append.isDurable()) {
            success(append.response);
        } else {
            Refusal refusal = append.refusal();
            answer(refusal, Answers.advice(refusal));
        }
        link.flushSoon();
    }

    /** The log is done with events. */
    final void completed(StreamEvents events) {
        boolean answerable = phase == Phase.LOG;
        intake.completed(events, link.now(), answerable);
        if (!answerable) return;
        Refusal refusal = events.refusal();
        if (refusal == null) {
            answerEvents(events.seqs());
            answered();
        } else {
            answer(refusal, events.explain(refusal));
        }
        link.flushSoon();
    }

    /** Refuses the request; it is answered when the rest of it has been thrown away. */
    final void refuse(Refusal refusal, String message) {
        intake.refused(topic(), refusal, body, link.peer(), message);
        letGo();
        refused = new Refused(refusal, message);
        phase = Phase.DISCARD;
        deadlineNanos = slowNanos;
    }

    /** Answers what is no request for anything when the rest of it has been thrown away. */
    final void passOver(Runnable answer) {
        passedOver = answer;
        phase = Phase.DISCARD;
        deadlineNanos = slowNanos;
    }

    /** Refuses the request and answers before the rest of it has come in, if it ever does. */
    final void refuseAtOnce(Refusal refusal, String message) {
        refuse(refusal, message);
        answerRefused(true);
    }

    /** Answers a request that the log still has. */
    final void answerEarly(Refusal refusal, String message) {
        answer(refusal, message);
        link.flushSoon();
    }

    /** The answer has been written by the kind itself. */
    final void answered() {
        phase = Phase.ANSWERED;
        deadlineNanos = link.now() + link.idleNanos();
        link.answered();
    }

    final ChannelHandlerContext context() {
        return link.context();
    }

    private void answerRefused(boolean reset) {
        Runnable passed = passedOver;
        if (passed != null) {
            passed.run();
            answered();
            if (reset) link.stopSending(stream.id());
            link.flushSoon();
            return;
        }
        Refused what = refused;
        if (what == null) throw new IllegalStateException("nothing was refused");
        answer(what.refusal, what.message);
        if (reset) link.stopSending(stream.id());
        link.flushSoon();
    }

    private void success(ExportResponse response) {
        answerSuccess(response);
        answered();
    }

    private void answer(Refusal refusal, String message) {
        answerRefusal(refusal, message, intake.retryAfterSeconds(refusal));
        answered();
    }

    private void letGo() {
        if (body != null) body.close();
        if (skim != null) intake.workspace().giveBack(skim);
        body = null;
        skim = null;
    }

    /** A request of a stream on its way through the log. */
    static final class StreamAppend extends RequestAppend {

        private final Exchange exchange;

        StreamAppend(Exchange exchange, RequestBody body) {
            super(exchange.link.eventLoop(), body, exchange.startedNanos);
            this.exchange = exchange;
        }

        @Override
        void completed() {
            exchange.completed(this);
        }
    }

    /** Events of a stream on their way through the log. */
    static final class StreamEvents extends EventsInFlight {

        private final Exchange exchange;

        StreamEvents(Exchange exchange, RequestBody body) {
            super(exchange.link.eventLoop(), body, exchange.startedNanos);
            this.exchange = exchange;
        }

        @Override
        void completed() {
            exchange.completed(this);
        }
    }
}
