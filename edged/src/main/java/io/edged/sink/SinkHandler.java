package io.edged.sink;

import static java.lang.System.Logger.Level.WARNING;

import io.edged.drain.EdgeBatch;
import io.edged.otlp.ContentEncoding;
import io.edged.otlp.ProtobufReader.MalformedException;
import io.edged.otlp.Signal;
import io.edged.otlp.Unzstd;
import io.netty.buffer.ByteBufInputStream;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.QueryStringDecoder;
import io.netty.handler.timeout.IdleStateEvent;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;

/** One connection of the sink. Requests are answered on the event loop, in order. */
final class SinkHandler extends SimpleChannelInboundHandler<FullHttpRequest> {
    private static final System.Logger LOG = System.getLogger(SinkHandler.class.getName());
    private static final String PROTOBUF = "application/x-protobuf";
    private static final String TEXT = "text/plain; charset=utf-8";
    private static final long MAX_SECONDS = 86_400;

    /** What to answer; a request that is not answered has none. */
    private record Reply(int status, String contentType, ByteBuffer body, long retryAfterSeconds) {
        static Reply text(int status, String text) {
            return new Reply(
                    status,
                    TEXT,
                    ByteBuffer.wrap((text + "\n").getBytes(StandardCharsets.UTF_8)),
                    0);
        }
    }

    /** A request that cannot be served, and the status that says so. */
    private static final class BadRequest extends Exception {
        private static final long serialVersionUID = 1;
        private final int status;

        BadRequest(int status, String message) {
            super(message, null, false, false);
            this.status = status;
        }
    }

    private final Tally tally;
    private final Mood mood;

    SinkHandler(Tally tally, Mood mood) {
        this.tally = tally;
        this.mood = mood;
    }

    @Override
    protected void channelRead0(ChannelHandlerContext context, FullHttpRequest request) {
        Optional<Reply> reply;
        try {
            reply = reply(request);
        } catch (BadRequest e) {
            reply = Optional.of(Reply.text(e.status, String.valueOf(e.getMessage())));
        } catch (IOException e) {
            LOG.log(WARNING, "the sink cannot write its record file", e);
            reply = Optional.of(Reply.text(500, "the record file cannot be written: " + e));
        }
        reply.ifPresent(answer -> send(context, request, answer));
    }

    private Optional<Reply> reply(FullHttpRequest request) throws BadRequest, IOException {
        if (request.decoderResult().isFailure())
            throw new BadRequest(400, "the request is not well formed");
        QueryStringDecoder url = new QueryStringDecoder(request.uri());
        String path = path(url);
        for (Signal signal : Signal.values())
            if (path.equals(signal.path())) return upload(signal, request);
        return Optional.of(
                switch (path) {
                    case "/sink/stats" -> {
                        require(request, HttpMethod.GET);
                        yield new Reply(
                                200,
                                "application/json",
                                ByteBuffer.wrap(SinkJson.write(tally.stats())),
                                0);
                    }
                    case "/sink/fail" -> {
                        require(request, HttpMethod.POST);
                        int status = (int) number(url, "status", 503, 400, 599);
                        long retryAfter = number(url, "retryAfter", 1, 0, MAX_SECONDS);
                        yield behave(url, new Mood.Answer.Fail(status, retryAfter));
                    }
                    case "/sink/silent" -> {
                        require(request, HttpMethod.POST);
                        yield behave(url, new Mood.Answer.Silent());
                    }
                    case "/sink/ok" -> {
                        require(request, HttpMethod.POST);
                        mood.well();
                        yield Reply.text(200, "uploads are answered with success");
                    }
                    default ->
                            throw new BadRequest(
                                    404,
                                    "not found; there are /v1/logs, /v1/metrics, /v1/traces,"
                                            + " /sink/stats, /sink/fail, /sink/silent and /sink/ok");
                });
    }

    private static String path(QueryStringDecoder url) throws BadRequest {
        try {
            return url.path();
        } catch (IllegalArgumentException e) {
            throw new BadRequest(400, "the URL is not well formed");
        }
    }

    private static void require(FullHttpRequest request, HttpMethod method) throws BadRequest {
        if (!request.method().equals(method)) throw new BadRequest(405, "use " + method.name());
    }

    private Reply behave(QueryStringDecoder url, Mood.Answer answer) throws BadRequest {
        long seconds = number(url, "seconds", 60, 1, MAX_SECONDS);
        mood.set(answer, Duration.ofSeconds(seconds));
        return Reply.text(200, answer + " for " + seconds + " s");
    }

    private static long number(
            QueryStringDecoder url, String name, long otherwise, long least, long most)
            throws BadRequest {
        try {
            List<String> values = url.parameters().getOrDefault(name, List.of());
            long number = values.isEmpty() ? otherwise : Long.parseLong(values.getFirst());
            if (number >= least && number <= most) return number;
        } catch (IllegalArgumentException e) {
            // Not a number, or the URL is not well formed: the same answer.
        }
        throw new BadRequest(400, name + " must be a number from " + least + " to " + most);
    }

    private Optional<Reply> upload(Signal signal, FullHttpRequest request)
            throws BadRequest, IOException {
        require(request, HttpMethod.POST);
        switch (mood.now()) {
            case Mood.Answer.Accept _ -> {}
            case Mood.Answer.Silent _ -> {
                tally.refused();
                return Optional.empty();
            }
            case Mood.Answer.Fail(int status, long retryAfter) -> {
                tally.refused();
                return Optional.of(new Reply(status, PROTOBUF, ByteBuffer.allocate(0), retryAfter));
            }
        }
        try {
            String type = request.headers().get(HttpHeaderNames.CONTENT_TYPE, "");
            if (!type.split(";", 2)[0].strip().equalsIgnoreCase(PROTOBUF))
                throw new BadRequest(415, "the sink reads " + PROTOBUF + " only");
            tally.accept(
                    signal,
                    body(request),
                    Optional.ofNullable(request.headers().get(EdgeBatch.HEADER)));
            return Optional.of(new Reply(200, PROTOBUF, ByteBuffer.allocate(0), 0));
        } catch (MalformedException e) {
            tally.refused();
            throw new BadRequest(400, "not an OTLP request: " + e.getMessage());
        } catch (BadRequest e) {
            tally.refused();
            throw e;
        }
    }

    /** The body, decompressed if need be, never larger than the limit. */
    private static byte[] body(FullHttpRequest request) throws BadRequest, IOException {
        String encoding =
                request.headers()
                        .get(HttpHeaderNames.CONTENT_ENCODING, ContentEncoding.IDENTITY.token());
        if (encoding.equalsIgnoreCase(ContentEncoding.IDENTITY.token()))
            return ByteBufUtil.getBytes(request.content());
        if (encoding.equalsIgnoreCase(ContentEncoding.ZSTD.token())) {
            try {
                return Unzstd.decompress(request.content().nioBuffer(), SinkServer.MAX_BODY_BYTES);
            } catch (ZipException e) {
                throw new BadRequest(400, String.valueOf(e.getMessage()));
            }
        }
        if (!encoding.equalsIgnoreCase(ContentEncoding.GZIP.token()))
            throw new BadRequest(415, "the sink reads identity, gzip and zstd only");
        try (var in = new GZIPInputStream(new ByteBufInputStream(request.content()))) {
            byte[] body = in.readNBytes(SinkServer.MAX_BODY_BYTES + 1);
            if (body.length > SinkServer.MAX_BODY_BYTES)
                throw new BadRequest(413, "the body is larger than 64 MiB when decompressed");
            return body;
        } catch (ZipException | java.io.EOFException e) {
            throw new BadRequest(400, "not gzip: " + e.getMessage());
        }
    }

    private static void send(ChannelHandlerContext context, FullHttpRequest request, Reply reply) {
        var response =
                new DefaultFullHttpResponse(
                        HttpVersion.HTTP_1_1,
                        HttpResponseStatus.valueOf(reply.status()),
                        Unpooled.wrappedBuffer(reply.body()));
        var headers = response.headers();
        headers.set(HttpHeaderNames.CONTENT_TYPE, reply.contentType());
        headers.setInt(HttpHeaderNames.CONTENT_LENGTH, reply.body().remaining());
        if (reply.retryAfterSeconds() > 0)
            headers.set(HttpHeaderNames.RETRY_AFTER, Long.toString(reply.retryAfterSeconds()));
        var written = context.writeAndFlush(response);
        if (!HttpUtil.isKeepAlive(request) || request.decoderResult().isFailure())
            written.addListener(ChannelFutureListener.CLOSE);
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext context, Object event) {
        if (event instanceof IdleStateEvent) {
            var _ = context.close();
        } else {
            context.fireUserEventTriggered(event);
        }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        if (!(cause instanceof IOException))
            LOG.log(WARNING, "a sink connection failed and is closed", cause);
        var _ = context.close();
    }
}
