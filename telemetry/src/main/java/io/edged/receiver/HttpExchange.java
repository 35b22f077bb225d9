package io.edged.receiver;

import io.edged.otlp.BodyFormat;
import io.edged.otlp.ExportResponse;
import io.netty.buffer.ByteBuf;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http2.DefaultHttp2Headers;
import io.netty.handler.codec.http2.Http2Headers;
import io.netty.handler.codec.http2.Http2Stream;
import io.netty.util.AsciiString;

import org.jspecify.annotations.Nullable;

import java.nio.charset.StandardCharsets;
import java.util.Locale;

/**
 * One OTLP/HTTP request on a stream. Its head is judged and its answer made by what does that for
 * HTTP/1.1, so that both say the same; only the form of the bytes is changed here.
 */
final class HttpExchange extends Exchange {

    private final boolean withBody;
    private @Nullable Topic topic;
    private String crossOrigin = "";
    private BodyFormat format = BodyFormat.PROTOBUF;

    private HttpExchange(Http2Link link, Http2Stream stream, Intake intake, boolean withBody) {
        super(link, stream, intake);
        this.withBody = withBody;
    }

    /** Takes a request with this head, as HTTP/1.1 would have it. */
    static HttpExchange begin(
            Http2Link link, Http2Stream stream, Intake intake, Door door, HttpRequest request) {
        var exchange =
                new HttpExchange(link, stream, intake, !HttpMethod.HEAD.equals(request.method()));
        RequestHead told = RequestHead.of(request, intake.limits(), door);
        exchange.crossOrigin = door.cors().fields(request.headers());
        exchange.format = told.format();
        switch (told) {
            case RequestHead.Preflight _ ->
                    exchange.passOver(() ->
                            exchange.write(
                                    Answers.preflight(
                                            exchange.context().alloc(),
                                            door.cors().preflightFields(),
                                            false)));
            case RequestHead.Refused refused -> {
                exchange.topic = refused.topic();
                if (refused.refusal() == Refusal.TOO_LARGE)
                    exchange.refuseAtOnce(refused.refusal(), refused.message());
                else exchange.refuse(refused.refusal(), refused.message());
            }
            case RequestHead.Welcome welcome -> {
                exchange.topic = welcome.topic();
                if (intake.admission().stopping())
                    exchange.refuse(Refusal.STOPPING, Answers.advice(Refusal.STOPPING));
                else exchange.open(welcome);
            }
        }
        return exchange;
    }

    private void open(RequestHead.Welcome welcome) {
        if (open(welcome.announced())) link.widen(stream, welcome.announced().contentLength());
    }

    @Override
    @Nullable Topic topic() {
        return topic;
    }

    @Override
    void take(ByteBuf content) {
        keep(content);
    }

    @Override
    void taken() {
        offer();
    }

    @Override
    void answerSuccess(ExportResponse response) {
        Topic named = topic;
        if (named == null) throw new IllegalStateException("a success without a topic");
        write(Answers.success(context().alloc(), named.signal(), format, response, false));
    }

    @Override
    void answerEvents(long[] seqs) {
        write(Answers.events(context().alloc(), seqs, false));
    }

    @Override
    void answerRefusal(Refusal refusal, String message, int retryAfterSeconds) {
        write(
                Answers.refusal(
                        context().alloc(),
                        format,
                        refusal,
                        message,
                        retryAfterSeconds,
                        false,
                        withBody));
    }

    /** Sends an answer that was made for HTTP/1.1. */
    private void write(ByteBuf made) {
        ByteBuf answer =
                crossOrigin.isEmpty() ? made : Answers.with(context().alloc(), made, crossOrigin);
        try {
            Http2Headers headers = new DefaultHttp2Headers(false, 8);
            String line = line(answer);
            headers.status(line.substring(9, 12)); // HTTP/1.1 200 OK
            for (line = line(answer); !line.isEmpty(); line = line(answer)) {
                int colon = line.indexOf(':');
                headers.add(
                        new AsciiString(line.substring(0, colon).toLowerCase(Locale.ROOT)),
                        line.substring(colon + 1).strip());
            }
            boolean last = !answer.isReadable();
            link.writeHeaders(stream, headers, last);
            if (!last)
                link.writeData(stream, answer.readRetainedSlice(answer.readableBytes()), true);
        } finally {
            answer.release();
        }
    }

    private static String line(ByteBuf answer) {
        int length = answer.bytesBefore((byte) '\n');
        String line = answer.readCharSequence(length, StandardCharsets.US_ASCII).toString();
        answer.skipBytes(1);
        return line.strip();
    }
}
