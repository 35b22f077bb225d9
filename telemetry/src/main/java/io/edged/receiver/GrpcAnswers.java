package io.edged.receiver;

import io.edged.otlp.RpcStatus;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http2.DefaultHttp2Headers;
import io.netty.handler.codec.http2.Http2Headers;
import io.netty.handler.codec.http2.ReadOnlyHttp2Headers;
import io.netty.util.AsciiString;

import java.nio.charset.StandardCharsets;
import java.util.Base64;

/** The headers, trailers and frames of gRPC answers. */
final class GrpcAnswers {

    /** Compressed flag and length. */
    static final int PREFIX_BYTES = 5;

    static final String ENCODINGS = "identity,gzip,zstd";

    /** More of a message is cut off, so that headers stay far below what clients take. */
    private static final int MAX_MESSAGE_CHARS = 1024;

    private static final AsciiString CONTENT_TYPE = new AsciiString("content-type");
    private static final AsciiString GRPC = new AsciiString("application/grpc");
    private static final AsciiString STATUS = new AsciiString("grpc-status");
    private static final AsciiString MESSAGE = new AsciiString("grpc-message");
    private static final AsciiString DETAILS = new AsciiString("grpc-status-details-bin");
    private static final AsciiString ACCEPT_ENCODING = new AsciiString("grpc-accept-encoding");
    private static final AsciiString OK = new AsciiString("200");

    private static final Http2Headers HEAD =
            ReadOnlyHttp2Headers.serverHeaders(
                    true, OK, CONTENT_TYPE, GRPC, ACCEPT_ENCODING, new AsciiString(ENCODINGS));

    private static final Http2Headers GOOD_END =
            ReadOnlyHttp2Headers.trailers(true, STATUS, new AsciiString("0"));

    private static final ByteBuf EMPTY_MESSAGE =
            Unpooled.unreleasableBuffer(
                            Unpooled.directBuffer(PREFIX_BYTES, PREFIX_BYTES)
                                    .writeZero(PREFIX_BYTES))
                    .asReadOnly();

    private GrpcAnswers() {}

    /** What precedes the messages of an answer. */
    static Http2Headers head() {
        return HEAD;
    }

    /** What follows them if all is well. */
    static Http2Headers goodEnd() {
        return GOOD_END;
    }

    /** A message in its frame, not compressed. */
    static ByteBuf message(ByteBufAllocator allocator, byte[] message) {
        if (message.length == 0) return EMPTY_MESSAGE.duplicate();
        return allocator
                .directBuffer(PREFIX_BYTES + message.length)
                .writeByte(0)
                .writeInt(message.length)
                .writeBytes(message);
    }

    /**
     * An answer that is nothing but a status: the only headers, and the end of the stream.
     *
     * @param retryAfterSeconds 0 for none
     */
    static Http2Headers statusOnly(int code, String message, int retryAfterSeconds) {
        Http2Headers headers = new DefaultHttp2Headers(false, 8).status(OK).add(CONTENT_TYPE, GRPC);
        return status(headers, code, message, retryAfterSeconds);
    }

    /** A status behind headers that were sent already. */
    static Http2Headers trailers(int code, String message) {
        return status(new DefaultHttp2Headers(false, 4), code, message, 0);
    }

    private static Http2Headers status(
            Http2Headers headers, int code, String message, int retryAfterSeconds) {
        String shown =
                message.length() <= MAX_MESSAGE_CHARS
                        ? message
                        : message.substring(0, MAX_MESSAGE_CHARS);
        headers.add(STATUS, String.valueOf(code)).add(MESSAGE, percentEncoded(shown));
        if (code == RpcStatus.UNIMPLEMENTED) headers.add(ACCEPT_ENCODING, ENCODINGS);
        if (retryAfterSeconds > 0)
            headers.add(
                    DETAILS,
                    Base64.getEncoder()
                            .withoutPadding()
                            .encodeToString(
                                    new RpcStatus(code, shown).encodeWithRetry(retryAfterSeconds)));
        return headers;
    }

    /** UTF-8 with everything but visible ASCII and the blank as %XX, as gRPC has it. */
    private static String percentEncoded(String message) {
        var encoded = new StringBuilder(message.length() + 16);
        for (byte octet : message.getBytes(StandardCharsets.UTF_8)) {
            if (octet >= 0x20 && octet <= 0x7e && octet != '%') encoded.append((char) octet);
            else encoded.append(String.format("%%%02X", octet & 0xFF));
        }
        return encoded.toString();
    }
}
