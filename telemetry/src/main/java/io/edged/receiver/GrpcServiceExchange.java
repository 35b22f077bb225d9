package io.edged.receiver;

import io.edged.otlp.ExportResponse;
import io.edged.otlp.ProtobufReader.MalformedException;
import io.edged.otlp.RpcStatus;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http2.Http2Headers;
import io.netty.handler.codec.http2.Http2Stream;

import org.jspecify.annotations.Nullable;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * A call of one of the small services beside OTLP: each message is answered by one, until the
 * client ends its side; or the one message is answered for as long as the client listens.
 */
final class GrpcServiceExchange extends Exchange {

    /** No question is longer. */
    private static final int MAX_MESSAGE_BYTES = 4 << 10;

    /** Questions of one call. */
    private static final int MAX_MESSAGES = 256;

    /** How often it is looked whether a watched message has changed. */
    private static final long LOOK_NANOS = TimeUnit.SECONDS.toNanos(1);

    /** What becomes of a message. */
    sealed interface Reply {}

    /** One message back; its parts are sent one behind the other. */
    record Message(List<byte[]> parts) implements Reply {}

    /** The call ends with a status. */
    record Status(int code, String message) implements Reply {}

    /** Nothing more is said. */
    record Done() implements Reply {}

    /** One message now, and another whenever it is a different one, until the client leaves. */
    record Watch(Supplier<byte[]> message) implements Reply {}

    /** A service. */
    @FunctionalInterface
    interface Service {
        Reply answer(ByteBuffer message) throws MalformedException;
    }

    private final Service service;
    private final ByteBuf message =
            Unpooled.buffer(64, GrpcAnswers.PREFIX_BYTES + MAX_MESSAGE_BYTES);
    private int messages;
    private @Nullable Supplier<byte[]> watched;
    private byte[] lastTold = {};
    private long lookNanos;
    private boolean headSent;
    private boolean done;

    GrpcServiceExchange(Http2Link link, Http2Stream stream, Intake intake, Service service) {
        super(link, stream, intake);
        this.service = service;
    }

    @Override
    @Nullable Topic topic() {
        return null;
    }

    @Override
    void take(ByteBuf content) {
        if (content.isReadable() && watched != null) {
            refuse(Refusal.FRAMING, "bytes follow the one message of this call");
            return;
        }
        while (content.isReadable() && phase() == Phase.BODY && !done) {
            int missing = missing();
            message.writeBytes(content, Math.min(missing, content.readableBytes()));
            if (message.readableBytes() < GrpcAnswers.PREFIX_BYTES) return;
            if (message.getByte(0) != 0)
                refuse(Refusal.FRAMING, "messages of this service must not be compressed");
            else if (message.getUnsignedInt(1) > MAX_MESSAGE_BYTES)
                refuse(
                        Refusal.FRAMING,
                        "a message of this service may have " + MAX_MESSAGE_BYTES + " bytes");
            else if (missing() == 0) complete();
        }
    }

    @Override
    void taken() {
        if (message.isReadable()) {
            refuse(Refusal.FRAMING, "the message is cut off");
        } else if (watched != null) {
            waiting();
        } else if (!done) {
            head();
            trailers(GrpcAnswers.goodEnd());
        }
    }

    @Override
    void answerSuccess(ExportResponse response) {
        throw new IllegalStateException("nothing was exported");
    }

    @Override
    void answerRefusal(Refusal refusal, String message, int retryAfterSeconds) {
        end(
                headSent
                        ? GrpcAnswers.trailers(refusal.code(), message)
                        : GrpcAnswers.statusOnly(refusal.code(), message, retryAfterSeconds));
    }

    /** Bytes that are missing for the prefix or, behind it, for the message. */
    private int missing() {
        int have = message.readableBytes();
        return have < GrpcAnswers.PREFIX_BYTES
                ? GrpcAnswers.PREFIX_BYTES - have
                : GrpcAnswers.PREFIX_BYTES + (int) message.getUnsignedInt(1) - have;
    }

    private void complete() {
        ByteBuffer question =
                message.nioBuffer(
                        GrpcAnswers.PREFIX_BYTES,
                        message.readableBytes() - GrpcAnswers.PREFIX_BYTES);
        Reply reply;
        try {
            reply =
                    ++messages > MAX_MESSAGES
                            ? new Status(
                                    RpcStatus.RESOURCE_EXHAUSTED,
                                    "a call may ask " + MAX_MESSAGES + " times; begin another")
                            : service.answer(question);
        } catch (MalformedException e) {
            reply = new Status(RpcStatus.INVALID_ARGUMENT, String.valueOf(e.getMessage()));
        }
        message.clear();
        switch (reply) {
            case Message(var parts) -> {
                head();
                write(parts);
            }
            case Status(int code, String text) -> {
                trailers(
                        headSent
                                ? GrpcAnswers.trailers(code, text)
                                : GrpcAnswers.statusOnly(code, text, 0));
            }
            case Watch(var told) -> {
                watched = told;
                head();
                look(told, link.now());
            }
            case Done() -> {}
        }
    }

    private void look(Supplier<byte[]> told, long now) {
        lookNanos = now + LOOK_NANOS;
        byte[] is = told.get();
        if (Arrays.equals(is, lastTold)) return;
        lastTold = is;
        write(List.of(is));
    }

    @Override
    long deadlineNanos() {
        return watched == null || phase() != Phase.LOG ? super.deadlineNanos() : lookNanos;
    }

    @Override
    void check(long now) {
        Supplier<byte[]> told = watched;
        if (told == null || phase() != Phase.LOG) super.check(now);
        else if (now - lookNanos >= 0) look(told, now);
    }

    /** Who only listens would keep the connection open. */
    @Override
    void leave() {
        if (watched != null && phase() == Phase.LOG)
            trailers(GrpcAnswers.trailers(RpcStatus.UNAVAILABLE, "edged stops"));
    }

    private void head() {
        if (headSent) return;
        headSent = true;
        link.writeHeaders(stream, GrpcAnswers.head(), false);
    }

    private void write(List<byte[]> parts) {
        int length = 0;
        for (byte[] part : parts) length += part.length;
        var pieces = new ByteBuf[parts.size() + 1];
        pieces[0] = Unpooled.buffer(GrpcAnswers.PREFIX_BYTES).writeByte(0).writeInt(length);
        for (int i = 0; i < parts.size(); i++) pieces[i + 1] = Unpooled.wrappedBuffer(parts.get(i));
        link.writeData(stream, Unpooled.wrappedBuffer(pieces), false);
        link.flushSoon();
    }

    private void trailers(Http2Headers headers) {
        end(headers);
        answered();
        link.flushSoon();
    }

    private void end(Http2Headers headers) {
        done = true;
        link.writeHeaders(stream, headers, true);
    }
}
