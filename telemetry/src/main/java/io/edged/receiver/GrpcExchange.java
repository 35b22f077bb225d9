package io.edged.receiver;

import io.edged.otlp.BodyFormat;
import io.edged.otlp.ContentEncoding;
import io.edged.otlp.ExportResponse;
import io.edged.otlp.Signal;
import io.netty.buffer.ByteBuf;
import io.netty.handler.codec.http2.Http2Headers;
import io.netty.handler.codec.http2.Http2Stream;
import io.netty.util.AsciiString;

import org.jspecify.annotations.Nullable;

/**
 * One {@code Export} over gRPC: one message in, one message and a status out.
 *
 * <p>Whether the message is compressed is told by its flag, not by the header, which some clients
 * send beside messages that they found too small to compress.
 */
final class GrpcExchange extends Exchange {

    private static final AsciiString GRPC_ENCODING = new AsciiString("grpc-encoding");
    private static final AsciiString GRPC_TIMEOUT = new AsciiString("grpc-timeout");
    private static final AsciiString CONTENT_LENGTH = new AsciiString("content-length");

    private final Signal signal;
    private final Client client;
    private final Forwarding.Kept kept;

    /** What the flag stands for if it is set; null if the header names something unknown. */
    private final @Nullable ContentEncoding encoding;

    /** When the client stops waiting; −1 if it has not said so. */
    private final long timeoutNanos;

    private int prefixBytes;
    private int flag;
    private int length;
    private long left;

    private GrpcExchange(
            Http2Link link,
            Http2Stream stream,
            Intake intake,
            Signal signal,
            Client client,
            Forwarding.Kept kept,
            @Nullable ContentEncoding encoding,
            long timeoutNanos) {
        super(link, stream, intake);
        this.signal = signal;
        this.client = client;
        this.kept = kept;
        this.encoding = encoding;
        this.timeoutNanos = timeoutNanos;
    }

    /** Takes a request whose path names this signal. */
    static GrpcExchange begin(
            Http2Link link,
            Http2Stream stream,
            Intake intake,
            Signal signal,
            Client client,
            Forwarding.Kept kept,
            Http2Headers headers) {
        CharSequence encodingName = headers.get(GRPC_ENCODING);
        CharSequence timeout = headers.get(GRPC_TIMEOUT);
        long timeoutNanos = timeout == null ? -1 : GrpcTimeout.nanos(timeout);
        ContentEncoding encoding = encoding(encodingName);
        var exchange =
                new GrpcExchange(
                        link, stream, intake, signal, client, kept, encoding, timeoutNanos);
        if (!"POST".contentEquals(headers.method())) exchange.refuse(Refusal.METHOD, "use POST");
        else if (encoding == null)
            exchange.refuse(
                    Refusal.CONTENT_ENCODING,
                    "grpc-encoding must be one of " + GrpcAnswers.ENCODINGS);
        else if (timeout != null && timeoutNanos == GrpcTimeout.MALFORMED)
            exchange.refuse(
                    Refusal.MALFORMED_HTTP,
                    "grpc-timeout must be up to 8 digits and one of H, M, S, m, u and n");
        else if (announcedBytes(headers) > intake.limits().bodyBytes() + GrpcAnswers.PREFIX_BYTES)
            exchange.refuseAtOnce(Refusal.TOO_LARGE, RequestHead.tooLarge(intake.limits()));
        else if (intake.admission().stopping())
            exchange.refuse(Refusal.STOPPING, Answers.advice(Refusal.STOPPING));
        return exchange;
    }

    @Override
    Topic topic() {
        return Topic.of(signal);
    }

    @Override
    void take(ByteBuf content) {
        while (prefixBytes < GrpcAnswers.PREFIX_BYTES && content.isReadable()) {
            int octet = content.readUnsignedByte();
            if (prefixBytes == 0) flag = octet;
            else length = length << 8 | octet;
            if (++prefixBytes == GrpcAnswers.PREFIX_BYTES) {
                left = length & 0xFFFF_FFFFL;
                if (!openMessage()) return;
            }
        }
        if (!content.isReadable()) return;
        if (content.readableBytes() > left) {
            refuse(Refusal.FRAMING, "an export is one message; bytes follow it");
            return;
        }
        left -= content.readableBytes();
        keep(content);
    }

    @Override
    void taken() {
        if (prefixBytes < GrpcAnswers.PREFIX_BYTES)
            refuse(Refusal.FRAMING, "the request ends before its message begins");
        else if (left > 0)
            refuse(Refusal.FRAMING, "the message is cut off, " + left + " bytes are missing");
        else offer();
    }

    @Override
    void answerSuccess(ExportResponse response) {
        link.writeHeaders(stream, GrpcAnswers.head(), false);
        link.writeData(stream, GrpcAnswers.message(context().alloc(), response.encode()), false);
        link.writeHeaders(stream, GrpcAnswers.goodEnd(), true);
    }

    @Override
    void answerRefusal(Refusal refusal, String message, int retryAfterSeconds) {
        link.writeHeaders(
                stream, GrpcAnswers.statusOnly(refusal.code(), message, retryAfterSeconds), true);
    }

    @Override
    long deadlineNanos() {
        long own = super.deadlineNanos();
        return timeoutNanos < 0 || phase() == Phase.ANSWERED
                ? own
                : Math.min(own - startedNanos, timeoutNanos) + startedNanos;
    }

    /** The client's own deadline also ends the wait for the log, which goes on without it. */
    @Override
    void check(long now) {
        if (timeoutNanos >= 0 && now - startedNanos >= timeoutNanos) {
            switch (phase()) {
                case BODY -> {
                    refuseAtOnce(Refusal.DEADLINE, "the time in grpc-timeout has passed");
                    return;
                }
                case LOG -> {
                    answerEarly(
                            Refusal.DEADLINE,
                            "the time in grpc-timeout has passed; the disk still works on the"
                                    + " request, which may become durable");
                    return;
                }
                case DISCARD, ANSWERED -> {}
            }
        }
        super.check(now);
    }

    /** Flag and length are known: decides on them before anything is allocated. */
    private boolean openMessage() {
        if (flag > 1) {
            refuse(Refusal.FRAMING, "the compressed flag must be 0 or 1, was " + flag);
            return false;
        }
        if (flag == 1 && encoding == ContentEncoding.IDENTITY) {
            refuse(Refusal.FRAMING, "the message says it is compressed, grpc-encoding does not");
            return false;
        }
        if (left > intake.limits().bodyBytes()) {
            refuseAtOnce(Refusal.TOO_LARGE, RequestHead.tooLarge(intake.limits()));
            return false;
        }
        ContentEncoding used = flag == 0 || encoding == null ? ContentEncoding.IDENTITY : encoding;
        if (!open(new Announced(topic(), BodyFormat.PROTOBUF, used, left, client, kept)))
            return false;
        link.widen(stream, left);
        return true;
    }

    private static @Nullable ContentEncoding encoding(@Nullable CharSequence name) {
        if (name == null || AsciiString.contentEqualsIgnoreCase(name, "identity"))
            return ContentEncoding.IDENTITY;
        if (AsciiString.contentEqualsIgnoreCase(name, "gzip")) return ContentEncoding.GZIP;
        return AsciiString.contentEqualsIgnoreCase(name, "zstd") ? ContentEncoding.ZSTD : null;
    }

    /** −1 if nothing is announced. The frames of the stream are held against it elsewhere. */
    private static long announcedBytes(Http2Headers headers) {
        return headers.getLong(CONTENT_LENGTH, -1);
    }
}
