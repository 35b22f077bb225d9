package io.edged.receiver;

import static java.lang.System.Logger.Level.DEBUG;
import static java.lang.System.Logger.Level.ERROR;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.EventLoop;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http2.AbstractHttp2ConnectionHandlerBuilder;
import io.netty.handler.codec.http2.DefaultHttp2Connection;
import io.netty.handler.codec.http2.DefaultHttp2RemoteFlowController;
import io.netty.handler.codec.http2.Http2CodecUtil;
import io.netty.handler.codec.http2.Http2Connection;
import io.netty.handler.codec.http2.Http2ConnectionAdapter;
import io.netty.handler.codec.http2.Http2ConnectionDecoder;
import io.netty.handler.codec.http2.Http2ConnectionEncoder;
import io.netty.handler.codec.http2.Http2ConnectionHandler;
import io.netty.handler.codec.http2.Http2Error;
import io.netty.handler.codec.http2.Http2EventAdapter;
import io.netty.handler.codec.http2.Http2Exception;
import io.netty.handler.codec.http2.Http2Flags;
import io.netty.handler.codec.http2.Http2Headers;
import io.netty.handler.codec.http2.Http2Settings;
import io.netty.handler.codec.http2.Http2Stream;
import io.netty.handler.codec.http2.HttpConversionUtil;
import io.netty.handler.codec.http2.UniformStreamByteDistributor;
import io.netty.util.AsciiString;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.Future;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.net.SocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;

/**
 * One HTTP/2 connection: gives each stream its {@link Exchange}, keeps their deadlines, and ends
 * the connection of a peer that floods it. Whether a stream is gRPC is told by its content type.
 *
 * <p>Every limit that the codec has is set here and nowhere left to a default; {@code
 * Http2FloodTest} holds each of them against a peer that sends bare frames.
 *
 * <p>All on the event loop of the channel.
 */
@SuppressWarnings("FutureReturnValueIgnored") // a write that fails ends the connection by itself
final class Http2Link extends Http2ConnectionHandler {

    private static final System.Logger LOG = System.getLogger(Http2Link.class.getName());

    /** Streams of one connection at a time. */
    static final int MAX_STREAMS = 100;

    /**
     * What a peer may send on a stream before its length is known. Twice the size of an ordinary
     * request at least: a window that is half used costs a frame to renew.
     */
    static final int STREAM_WINDOW_BYTES = 256 << 10;

    /** What a peer may send on all streams before it hears that some was taken. */
    private static final int CONNECTION_WINDOW_BYTES = 1 << 20;

    private static final int MAX_FRAME_BYTES = 16 << 10;
    private static final int HEADER_TABLE_BYTES = 4 << 10;

    /** Parts of one header block that are smaller than it needs. */
    static final int MAX_SMALL_CONTINUATIONS = 16;

    /** DATA frames in a row that hold nothing. */
    static final int MAX_EMPTY_DATA_FRAMES = 2;

    /** Streams that the peer resets, or makes us reset, in {@link #RESET_WINDOW_SECONDS}. */
    static final int MAX_RESETS = 200;

    static final int RESET_WINDOW_SECONDS = 30;

    /** Answers to control frames that wait because the peer does not read. */
    static final int MAX_QUEUED_CONTROL_FRAMES = 1_000;

    /** PING and SETTINGS between two answers or in a minute, whichever is shorter. */
    static final int MAX_PINGS = 30;

    /** Other frames that carry no request, between two answers or in a minute. */
    static final int MAX_IDLE_FRAMES = 1_000;

    private static final long FRAME_WINDOW_NANOS = TimeUnit.MINUTES.toNanos(1);
    private static final long CLOSE_MILLIS = 1_000;

    private static final AsciiString CONTENT_TYPE = new AsciiString("content-type");
    private static final AsciiString GRPC = new AsciiString("application/grpc");

    private final Parts parts;
    private final long bodyNanos;
    private final long idleNanos;
    private final Http2Connection.PropertyKey exchangeKey = connection().newKey();
    private final Runnable flush = this::flushNow;

    private @Nullable ChannelHandlerContext context;
    private @Nullable Future<?> timer;
    private long timerNanos;
    private long idleSinceNanos;
    private long frameWindowNanos;
    private int pings;
    private int idleFrames;
    private boolean reading;
    private boolean flushScheduled;
    private boolean leaving;
    private boolean failed;

    /**
     * What a connection works with.
     *
     * @param http for requests that are not gRPC
     */
    record Parts(
            Intake grpc,
            Intake http,
            GrpcServices services,
            Door door,
            ReceiverOptions.Timeouts timeouts) {}

    private Http2Link(
            Http2ConnectionDecoder decoder,
            Http2ConnectionEncoder encoder,
            Http2Settings settings,
            Parts parts) {
        super(decoder, encoder, settings);
        this.parts = parts;
        bodyNanos = parts.timeouts.body().toNanos();
        idleNanos = parts.timeouts.idle().toNanos();
        connection()
                .addListener(
                        new Http2ConnectionAdapter() {
                            @Override
                            public void onStreamClosed(Http2Stream stream) {
                                streamClosed(stream);
                            }
                        });
    }

    static Http2Link of(Parts parts) {
        return new Builder(parts).build();
    }

    // ------------------------------------------------------------------ what exchanges need

    ChannelHandlerContext context() {
        if (context == null) throw new IllegalStateException("not in a pipeline yet");
        return context;
    }

    EventLoop eventLoop() {
        return context().channel().eventLoop();
    }

    SocketAddress peer() {
        return context().channel().remoteAddress();
    }

    long now() {
        return context().executor().ticker().nanoTime();
    }

    long bodyNanos() {
        return bodyNanos;
    }

    long idleNanos() {
        return idleNanos;
    }

    /**
     * Lets the peer send more of a large body at once. What comes is held against the memory before
     * it is kept, and the connection's window bounds what may be under way.
     *
     * @param length of the body, −1 if nobody knows
     */
    void widen(Http2Stream stream, long length) {
        int more = (int) Math.min(length, RequestBody.STEP_BYTES) - STREAM_WINDOW_BYTES;
        if (more <= 0) return;
        try {
            decoder().flowController().incrementWindowSize(stream, more);
        } catch (Http2Exception e) {
            throw new IllegalStateException("a window of " + more + " bytes more", e);
        }
    }

    /** An answer was written: the peer does something useful. */
    void answered() {
        pings = 0;
        idleFrames = 0;
    }

    /** The peer need not send the rest of a request that is answered. */
    void stopSending(int streamId) {
        resetStream(context(), streamId, Http2Error.NO_ERROR.code(), context().newPromise());
    }

    void reset(int streamId) {
        resetStream(context(), streamId, Http2Error.CANCEL.code(), context().newPromise());
        flushSoon();
    }

    void writeHeaders(Http2Stream stream, Http2Headers headers, boolean last) {
        encoder().writeHeaders(context(), stream.id(), headers, 0, last, context().newPromise());
    }

    void writeData(Http2Stream stream, ByteBuf data, boolean last) {
        encoder().writeData(context(), stream.id(), data, 0, last, context().newPromise());
    }

    /** Flushes once for everything that is written in this turn of the event loop. */
    void flushSoon() {
        if (reading || flushScheduled) return;
        flushScheduled = true;
        eventLoop().execute(flush);
    }

    private void flushNow() {
        flushScheduled = false;
        flush(context());
    }

    /** The receiver closes: streams that have begun are finished, others are turned away. */
    void leave() {
        if (leaving) return;
        leaving = true;
        goAway(Http2Error.NO_ERROR, "edged stops");
        try {
            connection()
                    .forEachActiveStream(stream -> {
                        Exchange exchange = stream.getProperty(exchangeKey);
                        if (exchange != null) exchange.leave();
                        return true;
                    });
        } catch (Http2Exception e) {
            onError(context(), false, e);
        }
        closeIfDone();
    }

    // ------------------------------------------------------------------ the channel

    @Override
    public void handlerAdded(ChannelHandlerContext context) throws Exception {
        this.context = context;
        super.handlerAdded(context);
        decoder()
                .flowController()
                .incrementWindowSize(
                        connection().connectionStream(),
                        CONNECTION_WINDOW_BYTES - Http2CodecUtil.DEFAULT_WINDOW_SIZE);
        context.flush();
        long now = now();
        idleSinceNanos = now;
        frameWindowNanos = now;
        arm(now, now + idleNanos);
    }

    @Override
    protected void handlerRemoved0(ChannelHandlerContext context) throws Exception {
        if (timer != null) timer.cancel(false);
        super.handlerRemoved0(context);
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) throws Exception {
        if (timer != null) timer.cancel(false);
        super.channelInactive(context);
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) throws Exception {
        if (failed) {
            ReferenceCountUtil.release(message);
            return;
        }
        reading = true;
        super.channelRead(context, message);
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext context) throws Exception {
        reading = false;
        super.channelReadComplete(context);
    }

    /** While the peer does not read its answers, it is not read from either. */
    @Override
    public void channelWritabilityChanged(ChannelHandlerContext context) throws Exception {
        context.channel().config().setAutoRead(context.channel().isWritable());
        super.channelWritabilityChanged(context);
    }

    @Override
    protected void onConnectionError(
            ChannelHandlerContext context,
            boolean outbound,
            Throwable cause,
            @Nullable Http2Exception http2) {
        if (failed) return; // what came in with it is taken apart all the same
        failed = true;
        if (http2 == null && cause instanceof IOException) {
            LOG.log(DEBUG, "connection broke; peer={0} reason={1}", peer(), cause.getMessage());
        } else if (http2 == null) {
            LOG.log(ERROR, "connection closed after an internal error; peer=" + peer(), cause);
        } else {
            Refusal refusal =
                    http2.error() == Http2Error.ENHANCE_YOUR_CALM
                            ? Refusal.FLOOD
                            : Refusal.MALFORMED_HTTP;
            parts.http.refused(null, refusal, null, peer(), "not HTTP/2: " + http2.getMessage());
        }
        super.onConnectionError(context, outbound, cause, http2);
    }

    // ------------------------------------------------------------------ streams

    private void begin(int streamId, Http2Headers headers, boolean last) throws Http2Exception {
        Http2Stream stream = connection().stream(streamId);
        if (stream == null) return; // reset in the meantime
        Exchange exchange = stream.getProperty(exchangeKey);
        if (exchange == null) {
            if (headers.path() == null)
                throw Http2Exception.streamError(
                        streamId, Http2Error.PROTOCOL_ERROR, "a request needs a :path");
            exchange = exchange(stream, headers, last);
            stream.setProperty(exchangeKey, exchange);
            long deadline = exchange.deadlineNanos();
            if (deadline - timerNanos < 0) arm(now(), deadline);
        } else if (!last) {
            throw Http2Exception.streamError(
                    streamId, Http2Error.PROTOCOL_ERROR, "trailers end a stream");
        }
        if (last) exchange.end();
    }

    private Exchange exchange(Http2Stream stream, Http2Headers headers, boolean last)
            throws Http2Exception {
        CharSequence type = headers.get(CONTENT_TYPE);
        if (type != null && AsciiString.of(type).startsWith(GRPC)) {
            return GrpcServices.begin(this, stream, parts, headers);
        }
        HttpRequest request = HttpConversionUtil.toHttpRequest(stream.id(), headers, true);
        if (last) request.headers().set("content-length", "0");
        return HttpExchange.begin(this, stream, parts.http, parts.door, request);
    }

    private void streamClosed(Http2Stream stream) {
        Exchange exchange = stream.getProperty(exchangeKey);
        if (exchange != null) exchange.closed();
        if (connection().numActiveStreams() > 0) return;
        idleSinceNanos = now();
        if (leaving) eventLoop().execute(this::closeIfDone);
    }

    private void closeIfDone() {
        if (connection().numActiveStreams() > 0) return;
        flush(context());
        context().writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(_ -> context().close());
    }

    /** A frame that carries no request; too many of them are a flood. */
    private void count(boolean ping) throws Http2Exception {
        long now = now();
        if (now - frameWindowNanos > FRAME_WINDOW_NANOS) {
            frameWindowNanos = now;
            answered();
        }
        if (ping ? ++pings <= MAX_PINGS : ++idleFrames <= MAX_IDLE_FRAMES) return;
        // The words that gRPC clients know: they come back and ask less often.
        throw Http2Exception.connectionError(
                Http2Error.ENHANCE_YOUR_CALM, ping ? "too_many_pings" : "too many idle frames");
    }

    private void goAway(Http2Error error, String why) {
        int last = connection().remote().lastStreamCreated();
        goAway(
                context(),
                last,
                error.code(),
                Unpooled.copiedBuffer(why, StandardCharsets.US_ASCII),
                context().newPromise());
        context().flush();
    }

    // ------------------------------------------------------------------ deadlines

    private void arm(long now, long deadline) {
        if (timer != null) timer.cancel(false);
        timerNanos = deadline;
        timer =
                context()
                        .executor()
                        .schedule(
                                this::checkDeadlines,
                                Math.max(1, deadline - now),
                                TimeUnit.NANOSECONDS);
    }

    private void checkDeadlines() {
        long now = now();
        try {
            connection()
                    .forEachActiveStream(stream -> {
                        Exchange exchange = stream.getProperty(exchangeKey);
                        if (exchange != null) exchange.check(now);
                        return true;
                    });
            var nearest = new Nearest(now + idleNanos);
            connection().forEachActiveStream(nearest::look);
            long next = nearest.nanos;
            if (connection().numActiveStreams() == 0) {
                if (now - idleSinceNanos >= idleNanos) {
                    leaveIdle();
                    return;
                }
                next = idleSinceNanos + idleNanos;
            }
            arm(now, next);
        } catch (Http2Exception e) {
            onError(context(), false, e);
        }
    }

    private void leaveIdle() {
        leaving = true;
        goAway(Http2Error.NO_ERROR, "nothing came for a while");
        closeIfDone();
    }

    /** Finds the nearest deadline of all streams. */
    private final class Nearest {
        private long nanos;

        Nearest(long nanos) {
            this.nanos = nanos;
        }

        boolean look(Http2Stream stream) {
            Exchange exchange = stream.getProperty(exchangeKey);
            if (exchange != null && exchange.deadlineNanos() - nanos < 0)
                nanos = exchange.deadlineNanos();
            return true;
        }
    }

    // ------------------------------------------------------------------ frames

    /** What the decoder tells; it is made before the connection that it tells. */
    private static final class Frames extends Http2EventAdapter {

        private @Nullable Http2Link link;

        @Override
        public void onHeadersRead(
                ChannelHandlerContext context,
                int streamId,
                Http2Headers headers,
                int padding,
                boolean last)
                throws Http2Exception {
            link().begin(streamId, headers, last);
        }

        @Override
        public void onHeadersRead(
                ChannelHandlerContext context,
                int streamId,
                Http2Headers headers,
                int streamDependency,
                short weight,
                boolean exclusive,
                int padding,
                boolean last)
                throws Http2Exception {
            link().begin(streamId, headers, last);
        }

        @Override
        public int onDataRead(
                ChannelHandlerContext context,
                int streamId,
                ByteBuf data,
                int padding,
                boolean last) {
            int bytes = data.readableBytes() + padding;
            Http2Stream stream = link().connection().stream(streamId);
            Exchange exchange = stream == null ? null : stream.getProperty(link().exchangeKey);
            if (exchange == null) return bytes;
            exchange.data(data);
            if (last) exchange.end();
            return bytes;
        }

        @Override
        public void onPingRead(ChannelHandlerContext context, long data) throws Http2Exception {
            link().count(true);
        }

        @Override
        public void onSettingsRead(ChannelHandlerContext context, Http2Settings settings)
                throws Http2Exception {
            link().count(true);
        }

        @Override
        public void onPriorityRead(
                ChannelHandlerContext context,
                int streamId,
                int streamDependency,
                short weight,
                boolean exclusive)
                throws Http2Exception {
            link().count(false);
        }

        @Override
        public void onWindowUpdateRead(ChannelHandlerContext context, int streamId, int increment)
                throws Http2Exception {
            link().count(false);
        }

        @Override
        public void onPingAckRead(ChannelHandlerContext context, long data) throws Http2Exception {
            link().count(false);
        }

        @Override
        public void onSettingsAckRead(ChannelHandlerContext context) throws Http2Exception {
            link().count(false);
        }

        @Override
        public void onUnknownFrame(
                ChannelHandlerContext context,
                byte type,
                int streamId,
                Http2Flags flags,
                ByteBuf payload)
                throws Http2Exception {
            link().count(false);
        }

        private Http2Link link() {
            if (link == null) throw new IllegalStateException("the connection is not made yet");
            return link;
        }
    }

    private static final class Builder
            extends AbstractHttp2ConnectionHandlerBuilder<Http2Link, Builder> {

        private final Parts parts;
        private final Frames frames = new Frames();

        Builder(Parts parts) {
            this.parts = parts;
            var connection = new DefaultHttp2Connection(true, MAX_STREAMS);
            // Answers are short: streams take turns, and the priorities of peers cost nothing.
            connection
                    .remote()
                    .flowController(
                            new DefaultHttp2RemoteFlowController(
                                    connection, new UniformStreamByteDistributor(connection)));
            connection(connection);
            frameListener(frames);
            initialSettings(
                    new Http2Settings()
                            .maxConcurrentStreams(MAX_STREAMS)
                            .initialWindowSize(STREAM_WINDOW_BYTES)
                            .maxFrameSize(MAX_FRAME_BYTES)
                            .headerTableSize(HEADER_TABLE_BYTES)
                            .maxHeaderListSize(parts.http.limits().headerBytes()));
            validateHeaders(true);
            validateRequiredPseudoHeaders(true);
            decoderEnforceMaxConsecutiveEmptyDataFrames(MAX_EMPTY_DATA_FRAMES);
            decoderEnforceMaxRstFramesPerWindow(MAX_RESETS, RESET_WINDOW_SECONDS);
            decoderEnforceMaxSmallContinuationFrames(MAX_SMALL_CONTINUATIONS);
            encoderEnforceMaxRstFramesPerWindow(MAX_RESETS, RESET_WINDOW_SECONDS);
            encoderEnforceMaxQueuedControlFrames(MAX_QUEUED_CONTROL_FRAMES);
            encoderEnforceMaxConcurrentStreams(false); // the server opens none
            // A peer that takes no headers at all would otherwise make us reset each stream.
            encoderIgnoreMaxHeaderListSize(true);
            autoAckSettingsFrame(true);
            autoAckPingFrame(true);
            decoupleCloseAndGoAway(false);
            flushPreface(true);
            gracefulShutdownTimeoutMillis(CLOSE_MILLIS);
        }

        @Override
        protected Http2Link build(
                Http2ConnectionDecoder decoder,
                Http2ConnectionEncoder encoder,
                Http2Settings settings) {
            var link = new Http2Link(decoder, encoder, settings, parts);
            frames.link = link;
            return link;
        }

        @Override
        public Http2Link build() {
            return super.build();
        }
    }
}
