package io.edged.receiver;

import static java.lang.System.Logger.Level.DEBUG;
import static java.lang.System.Logger.Level.ERROR;
import static java.lang.System.Logger.Level.WARNING;

import io.edged.otlp.BodyFormat;
import io.edged.otlp.ExportResponse;
import io.edged.otlp.Skim;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.EventLoop;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.channel.socket.SocketChannel;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.ssl.SslHandler;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.Future;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.concurrent.TimeUnit;

import javax.net.ssl.SSLException;

/**
 * One client: takes its requests apart as they come in and answers them in their order.
 *
 * <p>One request comes in at a time; any number up to a limit may wait for the log. Above the
 * limit, and while the client does not read its answers, the connection is not read from. (What one
 * read of the socket has brought is still taken: the limit may be passed by that much.)
 *
 * <p>A refused request is read to its end and thrown away, so that the connection can go on; if
 * that cannot be, the answer is sent, the sending side is closed and what still comes in is thrown
 * away for a moment: closing at once would reset the connection and could take the answer with it.
 *
 * <p>All on the event loop of the channel.
 */
@SuppressWarnings("FutureReturnValueIgnored") // a close that fails has nobody to tell
final class Connection extends ChannelInboundHandlerAdapter {

    private static final System.Logger LOG = System.getLogger(Connection.class.getName());

    /** How long a connection that was answered for the last time is still read from. */
    private static final long LINGER_NANOS = TimeUnit.SECONDS.toNanos(2);

    private enum Phase {
        /** Between requests. */
        IDLE,
        /** A header has begun. */
        HEADER,
        /** A body comes in. */
        BODY,
        /** The body of a refused request comes in and is thrown away. */
        DISCARD,
        /** Answered for the last time, or about to be; nothing more is taken. */
        CLOSING
    }

    private final Intake intake;
    private final Admission admission;
    private final Door door;
    private final long headerNanos;
    private final long bodyNanos;
    private final long idleNanos;

    /** No deadline is nearer than this, so one timer, renewed this often, serves all of them. */
    private final long shortestNanos;

    private final ArrayDeque<Answer> answers = new ArrayDeque<>(4);
    private final Runnable flush = this::flush;
    private final Skim skim;

    private @Nullable ChannelHandlerContext context;
    private @Nullable Future<?> timer;
    private Phase phase = Phase.IDLE;
    private long deadlineNanos;

    /** Whether the deadline stands still because it is we who do not read. */
    private boolean paused;

    /** How the request that came last is written, as far as its header has told. */
    private BodyFormat format = BodyFormat.PROTOBUF;

    /** What the answer to that says to the page that sent it. */
    private String crossOrigin = "";

    /** The request that comes in. */
    private RequestHead.@Nullable Welcome head;

    private @Nullable RequestBody body;
    private long startedNanos;
    private final Pace pace = new Pace();
    private boolean continueOwed;

    /** The request that is thrown away. */
    private @Nullable Answer refused;

    private long discardedBytes;

    /** Whether the connection ends as soon as nothing is in flight. */
    private boolean leaving;

    private boolean lastAnswerWritten;
    private boolean reading;
    private boolean flushWanted;
    private boolean flushScheduled;
    private boolean closed;

    Connection(Intake intake, Door door, ReceiverOptions.Timeouts timeouts) {
        this.intake = intake;
        this.admission = intake.admission();
        this.door = door;
        this.headerNanos = timeouts.header().toNanos();
        this.bodyNanos = timeouts.body().toNanos();
        this.idleNanos = timeouts.idle().toNanos();
        this.shortestNanos =
                Math.min(Math.min(headerNanos, bodyNanos), Math.min(idleNanos, LINGER_NANOS));
        this.skim = intake.workspace().newSkim();
    }

    // ------------------------------------------------------------------ what the channel says

    @Override
    public void handlerAdded(ChannelHandlerContext context) {
        this.context = context;
        deadlineNanos = now() + idleNanos;
        arm(now());
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        reading = true;
        try {
            if (phase == Phase.CLOSING) return;
            if (message instanceof HttpRequest request) header(request);
            if (message instanceof HttpContent content && phase != Phase.CLOSING) content(content);
        } finally {
            ReferenceCountUtil.release(message);
        }
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext context) {
        reading = false;
        flush();
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext context) {
        readOrPause();
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext context, Object event) {
        if (event instanceof ChannelInputShutdownEvent) inputEnded();
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        ended();
    }

    /** Also when the channel never became active. */
    @Override
    public void handlerRemoved(ChannelHandlerContext context) {
        ended();
    }

    private void ended() {
        if (closed) return;
        closed = true;
        if (timer != null) timer.cancel(false);
        abandonBody();
        answers.clear(); // appends go on and release what they hold when the log is done
        phase = Phase.CLOSING;
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        if (cause instanceof IOException)
            LOG.log(
                    DEBUG,
                    "connection broke; peer={0} reason={1}",
                    context.channel().remoteAddress(),
                    cause.getMessage());
        else if (cause.getCause() instanceof SSLException refused)
            LOG.log(
                    WARNING,
                    "TLS could not be agreed on; peer={0} reason={1}",
                    context.channel().remoteAddress(),
                    refused.getMessage());
        else
            LOG.log(
                    ERROR,
                    "connection closed after an internal error; peer="
                            + context.channel().remoteAddress(),
                    cause);
        context.close();
    }

    // ------------------------------------------------------------------ requests

    /** The first bytes of a request are there, but not all of its header. */
    void headerBegun() {
        if (phase == Phase.IDLE) enter(Phase.HEADER, headerNanos);
    }

    private void header(HttpRequest request) {
        startedNanos = now();
        boolean withBody = !HttpMethod.HEAD.equals(request.method());
        RequestHead told = RequestHead.of(request, admission.limits(), door);
        crossOrigin = door.cors().fields(request.headers());
        format = told.format();
        switch (told) {
            case RequestHead.Preflight preflight -> preflight(preflight.close());
            case RequestHead.Refused refusal ->
                    refuse(
                            refusal.topic(),
                            refusal.refusal(),
                            refusal.message(),
                            refusal.close(),
                            withBody);
            case RequestHead.Welcome welcome -> {
                if (admission.stopping()) {
                    refuse(welcome, Refusal.STOPPING, true);
                    return;
                }
                RequestBody opened = intake.open(welcome.announced(), context().alloc(), skim);
                if (opened == null) {
                    // Who waits for 100 Continue may never send the body that would be skipped.
                    refuse(welcome, Refusal.MEMORY, welcome.close() || welcome.awaitsContinue());
                    return;
                }
                head = welcome;
                body = opened;
                continueOwed = welcome.awaitsContinue();
                enter(Phase.BODY, bodyNanos);
                pace.begin(startedNanos);
                sendContinue();
            }
        }
    }

    private void preflight(boolean close) {
        refused =
                new Answer.Ready(
                        (allocator, last) ->
                                Answers.preflight(allocator, door.cors().preflightFields(), last),
                        close);
        discardedBytes = 0;
        enter(Phase.DISCARD, bodyNanos);
        if (close) answerRefused(true);
    }

    private void content(HttpContent content) {
        if (content.decoderResult().isFailure()) {
            Throwable cause = content.decoderResult().cause();
            Topic topic = head == null ? null : head.topic();
            String message = "not HTTP/1.1: " + cause.getMessage();
            if (phase == Phase.DISCARD) answerRefused(true);
            else refuse(topic, Refusal.MALFORMED_HTTP, message, true, true);
            return;
        }
        boolean last = content instanceof LastHttpContent;
        if (phase == Phase.BODY) take(content.content(), last);
        else if (phase == Phase.DISCARD) discard(content.content().readableBytes(), last);
        else throw new IllegalStateException("content in phase " + phase);
    }

    private void take(ByteBuf content, boolean last) {
        RequestBody body = incoming();
        continueOwed = false;
        Refusal refusal = body.add(content);
        if (refusal == null && last) refusal = body.end();
        if (refusal == null && last && body.isToBeConverted()) {
            if (body.isLarge()) {
                convertAside(welcome(), body);
                return;
            }
            refusal = body.convert(intake.workspace().json());
        }
        if (refusal != null) {
            RequestHead.Welcome welcome = welcome();
            refuse(welcome.topic(), refusal, body.explain(refusal), welcome.close(), true);
            if (last && phase == Phase.DISCARD) answerRefused(false);
        } else if (last) {
            RequestHead.Welcome welcome = welcome();
            Answer answer = offer(welcome, body, startedNanos);
            endRequest();
            enqueue(answer);
        }
    }

    /** Leaves the complete body to a worker; the connection goes on meanwhile. */
    private void convertAside(RequestHead.Welcome head, RequestBody body) {
        var place = new Answer.Later(head.close());
        long started = startedNanos;
        Refusal busy =
                intake.convert(
                        body,
                        eventLoop(),
                        refusal -> {
                            place.is(converted(head, body, refusal, started));
                            body.close();
                            proceed();
                        });
        if (busy != null) {
            refuse(head, busy, head.close());
            if (phase == Phase.DISCARD) answerRefused(false);
            return;
        }
        this.body = null; // the worker's
        endRequest();
        enqueue(place);
    }

    private Answer converted(
            RequestHead.Welcome head,
            RequestBody body,
            @Nullable Refusal refusal,
            long startedNanos) {
        return refusal == null
                ? offer(head, body, startedNanos)
                : refused(head, refusal, body, body.explain(refusal));
    }

    /** Gives a body that is what the log takes to the log; the answer to it, ready or not. */
    private Answer offer(RequestHead.Welcome head, RequestBody body, long startedNanos) {
        if (head.topic() == Topic.EVENTS) {
            var events =
                    new HttpEvents(this, eventLoop(), intake, body, head.close(), startedNanos);
            Refusal refusal = intake.offer(events);
            return refusal == null ? events : refused(head, refusal, body, Answers.advice(refusal));
        }
        if (body.items() == 0) {
            ExportResponse response = body.response();
            intake.receivedNothing(head.announced(), response, now() - startedNanos);
            return new Answer.Ready(
                    (allocator, close) ->
                            Answers.success(
                                    allocator,
                                    head.topic().signal(),
                                    head.format(),
                                    response,
                                    close),
                    head.close());
        }
        var append = new HttpAppend(this, eventLoop(), intake, body, head.close(), startedNanos);
        Refusal refusal = intake.offer(append);
        return refusal == null ? append : refused(head, refusal, body, Answers.advice(refusal));
    }

    /** The answer to a complete request that is not taken. */
    private Answer refused(
            RequestHead.Welcome head, Refusal refusal, RequestBody body, String message) {
        intake.refused(head.topic(), refusal, body, context().channel().remoteAddress(), message);
        int retryAfterSeconds = intake.retryAfterSeconds(refusal);
        return new Answer.Ready(
                (allocator, last) ->
                        Answers.refusal(
                                allocator,
                                head.format(),
                                refusal,
                                message,
                                retryAfterSeconds,
                                last,
                                true),
                head.close());
    }

    private void refuse(RequestHead.Welcome head, Refusal refusal, boolean close) {
        refuse(head.topic(), refusal, Answers.advice(refusal), close, true);
    }

    /**
     * Refuses the request that comes in. It is answered when the rest of it has been thrown away,
     * or at once if the connection ends with it.
     */
    private void refuse(
            @Nullable Topic topic,
            Refusal refusal,
            String message,
            boolean close,
            boolean withBody) {
        intake.refused(topic, refusal, body, context().channel().remoteAddress(), message);
        endRequest();
        int retryAfterSeconds = intake.retryAfterSeconds(refusal);
        BodyFormat format = this.format;
        refused =
                new Answer.Ready(
                        (allocator, last) ->
                                Answers.refusal(
                                        allocator,
                                        format,
                                        refusal,
                                        message,
                                        retryAfterSeconds,
                                        last,
                                        withBody),
                        close);
        discardedBytes = 0;
        enter(Phase.DISCARD, bodyNanos);
        if (close) answerRefused(true);
    }

    private void discard(int bytes, boolean last) {
        discardedBytes += bytes;
        if (last) answerRefused(false);
        else if (discardedBytes > admission.limits().bodyBytes()) answerRefused(true);
    }

    /** Puts the answer to a refused request into its place. */
    private void answerRefused(boolean close) {
        Answer answer = refused;
        if (answer == null) throw new IllegalStateException("nothing was refused");
        refused = null;
        enter(Phase.IDLE, idleNanos);
        enqueue(close && !answer.close() ? new Answer.Ready(answer::encode, true) : answer);
    }

    /** The request that came in is on its way or refused; the next one may begin. */
    private void endRequest() {
        if (body != null) body.close();
        body = null;
        head = null;
        continueOwed = false;
        enter(Phase.IDLE, idleNanos);
    }

    private void abandonBody() {
        if (body != null) {
            intake.abandoned(body, context().channel().remoteAddress());
            body.close();
        }
        body = null;
        head = null;
        refused = null;
    }

    // ------------------------------------------------------------------ answers

    private void enqueue(Answer answer) {
        answers.add(crossOrigin.isEmpty() ? answer : new Answer.CrossOrigin(answer, crossOrigin));
        if (answer.close()) phase = Phase.CLOSING; // what follows the last request is not one
        writeAnswers();
        readOrPause();
    }

    /** The log is done with a request of this connection. */
    void completed(HttpAppend append) {
        intake.completed(append, now(), !closed);
        proceed();
    }

    /** The log is done with the events of a request of this connection. */
    void completed(HttpEvents events) {
        intake.completed(events, now(), !closed);
        proceed();
    }

    /** Something in the answers may be ready now. */
    private void proceed() {
        if (closed) return;
        writeAnswers();
        readOrPause();
        if (!reading && flushWanted && !flushScheduled) {
            // Behind the completions that are queued already: one flush for all of them.
            flushScheduled = true;
            eventLoop().execute(flush);
        }
    }

    private void writeAnswers() {
        // The time that the log took is not the client's: idleness begins with the answer.
        if (phase == Phase.IDLE && !answers.isEmpty()) deadlineNanos = now() + idleNanos;
        for (Answer next = answers.peek(); next != null && next.ready(); next = answers.peek()) {
            answers.remove();
            boolean last = next.close() || (leaving && answers.isEmpty() && !requestComesIn());
            write(next.encode(context().alloc(), last));
            if (last) {
                lastAnswerWritten = true;
                phase = Phase.CLOSING;
                answers.clear();
                break;
            }
        }
        sendContinue();
    }

    private void sendContinue() {
        if (!continueOwed || !answers.isEmpty()) return;
        continueOwed = false;
        write(Answers.proceed());
    }

    private void write(ByteBuf bytes) {
        context().write(bytes, context().voidPromise());
        flushWanted = true;
    }

    private void flush() {
        flushScheduled = false;
        if (closed || !flushWanted) return;
        flushWanted = false;
        if (lastAnswerWritten) {
            linger();
        } else {
            context().flush();
        }
    }

    /** Sends what is written, then the end of the stream, and waits for the client to see it. */
    private void linger() {
        deadlineNanos = now() + LINGER_NANOS;
        paused = false;
        context().channel().config().setAutoRead(true);
        context()
                .writeAndFlush(Unpooled.EMPTY_BUFFER)
                .addListener(_ -> {
                    // TLS has an end of its own to send, which closing does.
                    boolean encrypted = context().pipeline().get(SslHandler.class) != null;
                    if (!encrypted
                            && context().channel() instanceof SocketChannel socket
                            && !socket.isInputShutdown()) socket.shutdownOutput();
                    else context().close();
                });
    }

    // ------------------------------------------------------------------ the end of it

    /** The receiver closes: what is in flight is finished, nothing new is begun. */
    void leave() {
        leaving = true;
        closeIfDone();
    }

    /** The client will send no more, but may still wait for answers. */
    private void inputEnded() {
        abandonBody();
        if (phase != Phase.CLOSING) phase = Phase.IDLE;
        leaving = true;
        if (lastAnswerWritten) context().close();
        else closeIfDone();
    }

    private void closeIfDone() {
        if (closed || !answers.isEmpty() || requestComesIn() || lastAnswerWritten) return;
        phase = Phase.CLOSING;
        // Behind what may be written and not yet sent.
        context().writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(ChannelFutureListener.CLOSE);
    }

    private boolean requestComesIn() {
        return phase == Phase.BODY || phase == Phase.DISCARD;
    }

    // ------------------------------------------------------------------ pace

    private void readOrPause() {
        if (closed || lastAnswerWritten) return;
        boolean tooMany = answers.size() >= admission.limits().pipelinedRequests();
        boolean read = !tooMany && context().channel().isWritable();
        if (paused && !tooMany) deadlineNanos = now() + phaseNanos();
        paused = tooMany;
        context().channel().config().setAutoRead(read);
    }

    private void enter(Phase next, long nanos) {
        phase = next;
        deadlineNanos = now() + nanos;
    }

    private long phaseNanos() {
        return switch (phase) {
            case IDLE -> idleNanos;
            case HEADER -> headerNanos;
            case BODY, DISCARD -> bodyNanos;
            case CLOSING -> LINGER_NANOS;
        };
    }

    private void arm(long now) {
        long delay = Math.clamp(deadlineNanos - now, 1, shortestNanos);
        timer = context().executor().schedule(this::checkDeadline, delay, TimeUnit.NANOSECONDS);
    }

    private void checkDeadline() {
        if (closed) return;
        long now = now();
        if (waitsForTheLog()) deadlineNanos = now + phaseNanos();
        else if (now - deadlineNanos >= 0) expire();
        else if (phase == Phase.BODY && intake.mustGiveUp(incoming(), pace, now)) giveUp();
        if (!closed) arm(now);
    }

    /** Whether it is not the client who is slow. */
    private boolean waitsForTheLog() {
        return paused
                || continueOwed
                || (!requestComesIn() && phase != Phase.HEADER && !answers.isEmpty());
    }

    /** Others need the memory that a body holds which does not come in. */
    private void giveUp() {
        refuse(welcome().topic(), Refusal.MEMORY, Pace.ADVICE, true, true);
        flush();
    }

    private void expire() {
        switch (phase) {
            case IDLE, CLOSING -> context().close();
            case HEADER ->
                    refuse(null, Refusal.SLOW, "the header took too long to come in", true, true);
            case BODY ->
                    refuse(
                            welcome().topic(),
                            Refusal.SLOW,
                            "the body took too long to come in",
                            true,
                            true);
            case DISCARD -> answerRefused(true);
        }
        flush();
    }

    private long now() {
        return context().executor().ticker().nanoTime();
    }

    private EventLoop eventLoop() {
        return context().channel().eventLoop();
    }

    private ChannelHandlerContext context() {
        if (context == null) throw new IllegalStateException("not in a pipeline yet");
        return context;
    }

    private RequestHead.Welcome welcome() {
        if (head == null) throw new IllegalStateException("no request comes in");
        return head;
    }

    private RequestBody incoming() {
        if (body == null) throw new IllegalStateException("no body comes in");
        return body;
    }
}
