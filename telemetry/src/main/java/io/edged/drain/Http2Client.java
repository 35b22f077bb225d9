package io.edged.drain;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import io.netty.handler.codec.http2.AbstractHttp2ConnectionHandlerBuilder;
import io.netty.handler.codec.http2.DefaultHttp2Connection;
import io.netty.handler.codec.http2.DefaultHttp2Headers;
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
import io.netty.handler.codec.http2.Http2Headers;
import io.netty.handler.codec.http2.Http2Settings;
import io.netty.handler.codec.http2.Http2Stream;
import io.netty.handler.codec.http2.UniformStreamByteDistributor;
import io.netty.util.concurrent.Future;

import org.jspecify.annotations.Nullable;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * The client's end of one HTTP/2 connection. Each exchange is a stream of its own. Everything
 * happens on the event loop.
 *
 * <p>The body is handed to the codec in pieces, which it sends as the windows of the other side and
 * the socket allow. What comes back is taken at once, up to the bound of an answer. Every limit
 * that the codec has against a hostile peer is set here.
 */
@SuppressWarnings("FutureReturnValueIgnored") // a write that fails closes its stream, which is seen
final class Http2Client extends Http2ConnectionHandler implements Exchange.Carrier {

    private static final int PIECE_BYTES = 16 << 10;
    private static final int MAX_HEADER_BYTES = 32 << 10;
    private static final int MAX_RESETS = 200;
    private static final int RESET_WINDOW_SECONDS = 30;
    private static final int MAX_EMPTY_DATA_FRAMES = 16;
    private static final int MAX_SMALL_CONTINUATIONS = 16;
    private static final int MAX_QUEUED_CONTROL_FRAMES = 1_000;
    private static final long CLOSE_MILLIS = 1_000;
    private static final long LOOK_NANOS = TimeUnit.SECONDS.toNanos(1);

    private final Http2Connections owner;
    private final Endpoint endpoint;
    private final int maxAnswerBytes;
    private final long silenceNanos;
    private final long pingIntervalNanos;
    private final Http2Connection.PropertyKey answerKey = connection().newKey();

    private @Nullable ChannelHandlerContext context;
    private @Nullable Consumer<Http2Client> onGreeted;
    private @Nullable Consumer<Throwable> onFailure;
    private @Nullable Future<?> timer;
    private @Nullable Throwable broken;
    private boolean greeted;
    private boolean leaving;
    private boolean used;

    /** When something came in, or the connection began. */
    private long heardNanos = System.nanoTime();

    private long pingedNanos;
    private long idleSinceNanos = heardNanos;

    /** What has come of one answer. */
    private static final class Incoming {
        final Exchange exchange;
        final boolean reused;
        final long startedNanos = System.nanoTime();
        final ByteArrayOutputStream body = new ByteArrayOutputStream();
        @Nullable Http2Headers head;
        @Nullable Http2Headers trailers;
        boolean tooLarge;
        Optional<Long> reset = Optional.empty();
        @Nullable Throwable broken;

        Incoming(Exchange exchange, boolean reused) {
            this.exchange = exchange;
            this.reused = reused;
        }
    }

    private Http2Client(
            Http2ConnectionDecoder decoder,
            Http2ConnectionEncoder encoder,
            Http2Settings settings,
            Http2Connections owner,
            Endpoint endpoint,
            int maxAnswerBytes,
            KeepAlive keepAlive) {
        super(decoder, encoder, settings);
        this.silenceNanos = keepAlive.silence().toNanos();
        this.pingIntervalNanos = keepAlive.interval().toNanos();
        this.pingedNanos = heardNanos - pingIntervalNanos;
        this.owner = owner;
        this.endpoint = endpoint;
        this.maxAnswerBytes = maxAnswerBytes;
        connection()
                .addListener(
                        new Http2ConnectionAdapter() {
                            @Override
                            public void onStreamClosed(Http2Stream stream) {
                                streamClosed(stream);
                            }

                            @Override
                            public void onGoAwayReceived(
                                    int lastStreamId, long errorCode, ByteBuf debugData) {
                                leaving = true;
                                owner.changed(Http2Client.this);
                            }
                        });
    }

    static Http2Client of(
            Http2Connections owner, Endpoint endpoint, int maxAnswerBytes, KeepAlive keepAlive) {
        return new Builder(owner, endpoint, maxAnswerBytes, keepAlive).build();
    }

    /** Waits for the settings of the other side, without which it may be anything. */
    void whenGreeted(int millis, Consumer<Http2Client> onGreeted, Consumer<Throwable> onFailure) {
        if (greeted) {
            onGreeted.accept(this);
            return;
        }
        if (!context().channel().isActive()) {
            onFailure.accept(notHttp2());
            return;
        }
        this.onGreeted = onGreeted;
        this.onFailure = onFailure;
        timer =
                context()
                        .executor()
                        .schedule(() -> refuse(notHttp2()), millis, TimeUnit.MILLISECONDS);
    }

    private IOException notHttp2() {
        return new IOException(
                "what answers there does not speak HTTP/2"
                        + (broken == null ? "" : ": " + broken.getMessage()));
    }

    private void refuse(Throwable why) {
        Consumer<Throwable> told = onFailure;
        onFailure = null;
        onGreeted = null;
        if (timer != null) timer.cancel(false);
        if (told == null) return;
        context().close();
        told.accept(why);
    }

    private void greet() {
        if (greeted) {
            owner.changed(this); // perhaps more streams may be open now
            return;
        }
        greeted = true;
        idleSinceNanos = System.nanoTime();
        if (timer != null) timer.cancel(false);
        long often = Math.min(LOOK_NANOS, silenceNanos / 2);
        timer =
                context()
                        .executor()
                        .scheduleWithFixedDelay(this::look, often, often, TimeUnit.NANOSECONDS);
        Consumer<Http2Client> told = onGreeted;
        onGreeted = null;
        onFailure = null;
        if (told != null) told.accept(this);
    }

    /** Once a second: a connection without work is closed, a silent one is asked. */
    private void look() {
        long now = System.nanoTime();
        if (connection().numActiveStreams() == 0) {
            if (leaving || now - idleSinceNanos >= idleNanos()) close();
            return;
        }
        if (now - heardNanos >= silenceNanos && now - pingedNanos >= pingIntervalNanos) {
            pingedNanos = now;
            encoder().writePing(context(), false, now, context().newPromise());
            context().flush();
        } else if (pingedNanos - heardNanos > 0 && now - pingedNanos >= silenceNanos) {
            drop("the other side has fallen silent: no answer to a PING");
        }
    }

    private static long idleNanos() {
        return TimeUnit.SECONDS.toNanos(ConnectionPool.IDLE_SECONDS);
    }

    boolean usable() {
        return greeted && !leaving && context().channel().isActive();
    }

    /** Whether the other side allows one more stream. */
    boolean hasRoom() {
        return connection().local().canOpenStream();
    }

    /** Takes no more exchanges, and closes when those that it has are done. */
    void leave() {
        leaving = true;
    }

    /** Says goodbye and closes; streams that are still open have a moment to end. */
    void close() {
        leaving = true;
        context().channel().close();
    }

    /** The other side is not there any more: nothing to say goodbye to. */
    private void drop(String why) {
        broken = new IOException(why);
        leaving = true;
        context().close();
    }

    /** Sends a request; the connection must be usable and have room. */
    void start(Exchange exchange) {
        int streamId = connection().local().incrementAndGetNextStreamId();
        if (streamId < 0) { // all numbers are used up: the next connection takes it
            leaving = true;
            owner.resend(exchange);
            return;
        }
        exchange.carrier = this;
        exchange.progress();
        var incoming = new Incoming(exchange, used);
        used = true;
        boolean empty = !exchange.body.isReadable();
        ChannelPromise headersSent = context().newPromise();
        encoder().writeHeaders(context(), streamId, headers(exchange), 0, empty, headersSent);
        Http2Stream stream = connection().stream(streamId);
        if (stream == null) {
            Throwable why = headersSent.cause();
            exchange.fail(new IOException("the request cannot be sent: " + why, why));
            return;
        }
        stream.setProperty(answerKey, incoming);
        ByteBuf rest = exchange.body;
        while (rest.isReadable()) {
            ByteBuf piece = rest.readRetainedSlice(Math.min(PIECE_BYTES, rest.readableBytes()));
            ChannelPromise sent = context().newPromise();
            sent.addListener(done -> {
                if (done.isSuccess()) exchange.progress();
            });
            encoder().writeData(context(), streamId, piece, 0, !rest.isReadable(), sent);
        }
        flush(context());
    }

    private Http2Headers headers(Exchange exchange) {
        var headers =
                new DefaultHttp2Headers()
                        .method("POST")
                        .scheme(endpoint.tls() ? "https" : "http")
                        .authority(endpoint.authority())
                        .path(exchange.path);
        for (Map.Entry<String, String> header : exchange.headers)
            headers.add(header.getKey().toLowerCase(Locale.ROOT), header.getValue());
        return headers;
    }

    @Override
    public void abandon(Exchange exchange) {
        Http2Stream stream = streamOf(exchange);
        if (stream == null) return;
        Incoming incoming = stream.removeProperty(answerKey);
        if (incoming != null && heardNanos - incoming.startedNanos < 0) {
            // Nothing at all came since: the connection is dead rather than the request slow.
            drop("the other side has fallen silent");
            return;
        }
        reset(stream.id(), Http2Error.CANCEL);
    }

    private @Nullable Http2Stream streamOf(Exchange exchange) {
        var found = new ArrayList<Http2Stream>(1);
        try {
            connection()
                    .forEachActiveStream(stream -> {
                        Incoming incoming = stream.getProperty(answerKey);
                        if (incoming == null || incoming.exchange != exchange) return true;
                        found.add(stream);
                        return false;
                    });
        } catch (Http2Exception e) {
            throw new IllegalStateException("streams cannot be listed", e);
        }
        return found.isEmpty() ? null : found.getFirst();
    }

    private void reset(int streamId, Http2Error error) {
        resetStream(context(), streamId, error.code(), context().newPromise());
        context().flush();
    }

    // ------------------------------------------------------------------ answers

    private void heard() {
        heardNanos = System.nanoTime();
    }

    private @Nullable Incoming incoming(int streamId) {
        Http2Stream stream = connection().stream(streamId);
        Incoming incoming = stream == null ? null : stream.getProperty(answerKey);
        if (incoming != null) incoming.exchange.progress();
        return incoming;
    }

    private void headersRead(int streamId, Http2Headers headers, boolean last)
            throws Http2Exception {
        Incoming incoming = incoming(streamId);
        if (incoming == null) return;
        if (incoming.head != null) {
            incoming.trailers = headers;
        } else {
            int status = status(streamId, headers);
            if (status < 200 && !last) return; // an interim answer
            incoming.head = headers;
            if (last) incoming.trailers = headers;
        }
        if (last) complete(streamId, incoming);
    }

    private static int status(int streamId, Http2Headers headers) throws Http2Exception {
        CharSequence status = headers.status();
        try {
            if (status != null && status.length() == 3) return Integer.parseInt(status.toString());
        } catch (NumberFormatException e) {
            // said below
        }
        throw Http2Exception.streamError(
                streamId, Http2Error.PROTOCOL_ERROR, "the answer has the :status " + status);
    }

    private void dataRead(int streamId, ByteBuf data, boolean last) {
        Incoming incoming = incoming(streamId);
        if (incoming == null) return;
        if (incoming.body.size() + data.readableBytes() > maxAnswerBytes) {
            incoming.tooLarge = true;
            answer(streamId, incoming);
            reset(streamId, Http2Error.CANCEL);
            return;
        }
        byte[] bytes = new byte[data.readableBytes()];
        data.getBytes(data.readerIndex(), bytes);
        incoming.body.writeBytes(bytes);
        if (last) complete(streamId, incoming);
    }

    private void complete(int streamId, Incoming incoming) {
        Http2Stream stream = connection().stream(streamId);
        boolean allSent = stream != null && !stream.state().localSideOpen();
        answer(streamId, incoming);
        // The rest of a request that is answered already is of no use to anybody.
        if (!allSent) reset(streamId, Http2Error.CANCEL);
    }

    private void answer(int streamId, Incoming incoming) {
        Http2Stream stream = connection().stream(streamId);
        if (stream != null) stream.removeProperty(answerKey);
        Http2Headers head = incoming.head;
        if (head == null) {
            incoming.exchange.fail(new IOException("data came before the head of the answer"));
            return;
        }
        incoming.exchange.answer(
                new HttpAnswer(
                        Integer.parseInt(String.valueOf(head.status())),
                        "",
                        map(head),
                        incoming.tooLarge ? new byte[0] : incoming.body.toByteArray(),
                        incoming.tooLarge
                                ? Optional.of("it is larger than " + maxAnswerBytes + " bytes")
                                : Optional.empty(),
                        incoming.trailers == null ? Map.of() : map(incoming.trailers)));
    }

    private static Map<String, List<String>> map(Http2Headers headers) {
        Map<String, List<String>> map = new HashMap<>();
        for (Map.Entry<CharSequence, CharSequence> header : headers)
            map.computeIfAbsent(
                            header.getKey().toString().toLowerCase(Locale.ROOT),
                            name -> new ArrayList<>())
                    .add(header.getValue().toString());
        return map;
    }

    /** Any end of a stream; with an exchange still at it, one without an answer. */
    private void streamClosed(Http2Stream stream) {
        Incoming incoming = stream.removeProperty(answerKey);
        if (incoming != null) ended(stream, incoming);
        idleSinceNanos = System.nanoTime();
        owner.changed(this);
    }

    private void ended(Http2Stream stream, Incoming incoming) {
        Exchange exchange = incoming.exchange;
        if (exchange.done()) return;
        boolean unseen =
                incoming.reset.filter(code -> code == Http2Error.REFUSED_STREAM.code()).isPresent()
                        || (connection().goAwayReceived()
                                && stream.id() > connection().local().lastStreamKnownByPeer());
        // As with HTTP/1.1: a kept connection may have been closed before the request came.
        boolean stale =
                incoming.reused
                        && incoming.reset.isEmpty()
                        && incoming.head == null
                        && incoming.broken == null
                        && !context().channel().isActive();
        if ((unseen || stale) && !exchange.resent) {
            owner.resend(exchange);
            return;
        }
        exchange.fail(
                incoming.reset.<IOException>map(StreamReset::new).orElseGet(() -> lost(incoming)));
    }

    private IOException lost(Incoming incoming) {
        Throwable why = incoming.broken == null ? broken : incoming.broken;
        if (why != null) return new IOException("the connection broke: " + why.getMessage(), why);
        return new IOException(
                incoming.head == null
                        ? "the connection was closed without an answer"
                        : "the connection was closed in the middle of the answer");
    }

    // ------------------------------------------------------------------ the channel

    private ChannelHandlerContext context() {
        if (context == null) throw new IllegalStateException("not in a pipeline yet");
        return context;
    }

    @Override
    public void handlerAdded(ChannelHandlerContext context) throws Exception {
        this.context = context;
        super.handlerAdded(context);
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) throws Exception {
        heard();
        super.channelRead(context, message);
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) throws Exception {
        if (timer != null) timer.cancel(false);
        super.channelInactive(context);
        refuse(notHttp2());
        owner.closed(this);
    }

    /** A broken socket or a failed handshake; mistakes of the protocol go the codec's way. */
    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) throws Exception {
        if (Http2CodecUtil.getEmbeddedHttp2Exception(cause) != null) {
            super.exceptionCaught(context, cause);
            return;
        }
        if (broken == null) broken = cause;
        leaving = true;
        context.close();
    }

    @Override
    protected void onStreamError(
            ChannelHandlerContext context,
            boolean outbound,
            Throwable cause,
            Http2Exception.StreamException http2) {
        Http2Stream stream = connection().stream(http2.streamId());
        Incoming incoming = stream == null ? null : stream.getProperty(answerKey);
        if (incoming != null) incoming.broken = cause;
        super.onStreamError(context, outbound, cause, http2);
    }

    @Override
    protected void onConnectionError(
            ChannelHandlerContext context,
            boolean outbound,
            Throwable cause,
            @Nullable Http2Exception http2) {
        if (broken == null) broken = cause;
        leaving = true;
        super.onConnectionError(context, outbound, cause, http2);
    }

    /** What the decoder tells; it is made before the connection that it tells. */
    private static final class Frames extends Http2EventAdapter {

        private @Nullable Http2Client client;

        @Override
        public void onSettingsRead(ChannelHandlerContext context, Http2Settings settings) {
            client().greet();
        }

        @Override
        public void onHeadersRead(
                ChannelHandlerContext context,
                int streamId,
                Http2Headers headers,
                int padding,
                boolean last)
                throws Http2Exception {
            client().headersRead(streamId, headers, last);
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
            client().headersRead(streamId, headers, last);
        }

        @Override
        public int onDataRead(
                ChannelHandlerContext context,
                int streamId,
                ByteBuf data,
                int padding,
                boolean last) {
            int bytes = data.readableBytes() + padding;
            client().dataRead(streamId, data, last);
            return bytes;
        }

        @Override
        public void onRstStreamRead(ChannelHandlerContext context, int streamId, long errorCode) {
            Incoming incoming = client().incoming(streamId);
            if (incoming != null) incoming.reset = Optional.of(errorCode);
        }

        private Http2Client client() {
            if (client == null) throw new IllegalStateException("the connection is not made yet");
            return client;
        }
    }

    private static final class Builder
            extends AbstractHttp2ConnectionHandlerBuilder<Http2Client, Builder> {

        private final Frames frames = new Frames();
        private final Http2Connections owner;
        private final Endpoint endpoint;
        private final int maxAnswerBytes;
        private final KeepAlive keepAlive;

        Builder(
                Http2Connections owner,
                Endpoint endpoint,
                int maxAnswerBytes,
                KeepAlive keepAlive) {
            this.owner = owner;
            this.keepAlive = keepAlive;
            this.endpoint = endpoint;
            this.maxAnswerBytes = maxAnswerBytes;
            var connection = new DefaultHttp2Connection(false);
            connection
                    .remote()
                    .flowController(
                            new DefaultHttp2RemoteFlowController(
                                    connection, new UniformStreamByteDistributor(connection)));
            connection(connection);
            frameListener(frames);
            initialSettings(
                    new Http2Settings().pushEnabled(false).maxHeaderListSize(MAX_HEADER_BYTES));
            validateHeaders(true);
            decoderEnforceMaxConsecutiveEmptyDataFrames(MAX_EMPTY_DATA_FRAMES);
            decoderEnforceMaxRstFramesPerWindow(MAX_RESETS, RESET_WINDOW_SECONDS);
            decoderEnforceMaxSmallContinuationFrames(MAX_SMALL_CONTINUATIONS);
            encoderEnforceMaxRstFramesPerWindow(MAX_RESETS, RESET_WINDOW_SECONDS);
            encoderEnforceMaxQueuedControlFrames(MAX_QUEUED_CONTROL_FRAMES);
            encoderEnforceMaxConcurrentStreams(false); // the line of the connections does
            autoAckSettingsFrame(true);
            autoAckPingFrame(true);
            decoupleCloseAndGoAway(false);
            flushPreface(true);
            gracefulShutdownTimeoutMillis(CLOSE_MILLIS);
        }

        @Override
        protected Http2Client build(
                Http2ConnectionDecoder decoder,
                Http2ConnectionEncoder encoder,
                Http2Settings settings) {
            var client =
                    new Http2Client(
                            decoder, encoder, settings, owner, endpoint, maxAnswerBytes, keepAlive);
            frames.client = client;
            return client;
        }

        @Override
        public Http2Client build() {
            return super.build();
        }
    }
}
