package io.edged.receiver;

import io.edged.otlp.BodyFormat;
import io.edged.otlp.ExportResponse;
import io.edged.otlp.RpcStatus;
import io.edged.otlp.Signal;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;

import java.nio.charset.StandardCharsets;

/**
 * The bytes of answers. There is no {@code Date}: a server must not send one without a clock that
 * it can trust (RFC 9110, 6.6.1), and a device that was without power has none.
 */
final class Answers {

    private static final String PROTOBUF = contentType(BodyFormat.PROTOBUF);
    private static final String CLOSE = "connection: close\r\n";

    /** {@code Export*ServiceResponse} without partial success has no bytes. */
    private static final String SUCCESS_HEAD =
            "HTTP/1.1 200 OK\r\n" + PROTOBUF + "content-length: 0\r\n";

    private static final ByteBuf SUCCESS = shared(SUCCESS_HEAD + "\r\n");
    private static final ByteBuf LAST_SUCCESS = shared(SUCCESS_HEAD + CLOSE + "\r\n");
    private static final ByteBuf CONTINUE = shared("HTTP/1.1 100 Continue\r\n\r\n");

    private Answers() {}

    /** All of the request that could be taken is durable, or there was nothing in it. */
    static ByteBuf success(
            ByteBufAllocator allocator,
            Signal signal,
            BodyFormat format,
            ExportResponse response,
            boolean close) {
        if (response.equals(ExportResponse.SUCCESS) && format == BodyFormat.PROTOBUF)
            return (close ? LAST_SUCCESS : SUCCESS).duplicate();
        byte[] body = format == BodyFormat.JSON ? response.encodeJson(signal) : response.encode();
        return success(allocator, format, body, close);
    }

    private static ByteBuf success(
            ByteBufAllocator allocator, BodyFormat format, byte[] body, boolean close) {
        String head =
                "HTTP/1.1 200 OK\r\n"
                        + contentType(format)
                        + "content-length: "
                        + body.length
                        + "\r\n"
                        + (close ? CLOSE : "")
                        + "\r\n";
        byte[] headBytes = head.getBytes(StandardCharsets.US_ASCII);
        return allocator
                .directBuffer(headBytes.length + body.length)
                .writeBytes(headBytes)
                .writeBytes(body);
    }

    /** All events of a request are durable. */
    static ByteBuf events(ByteBufAllocator allocator, long[] seqs, boolean close) {
        var body = new StringBuilder(16 + 8 * seqs.length).append("{\"seqs\":[");
        for (int i = 0; i < seqs.length; i++) {
            if (i > 0) body.append(',');
            body.append(seqs[i]);
        }
        return success(
                allocator,
                BodyFormat.JSON,
                body.append("]}").toString().getBytes(StandardCharsets.US_ASCII),
                close);
    }

    /** A page of a listed origin may send. */
    static ByteBuf preflight(ByteBufAllocator allocator, String fields, boolean close) {
        return ByteBufUtil.writeAscii(
                allocator, "HTTP/1.1 204 No Content\r\n" + fields + (close ? CLOSE : "") + "\r\n");
    }

    /** The same answer with more fields, each with its line end. */
    static ByteBuf with(ByteBufAllocator allocator, ByteBuf answer, String fields) {
        int line = answer.bytesBefore((byte) '\n') + 1;
        ByteBuf longer = allocator.directBuffer(answer.readableBytes() + fields.length());
        longer.writeBytes(answer, line);
        longer.writeCharSequence(fields, StandardCharsets.US_ASCII);
        longer.writeBytes(answer);
        answer.release();
        return longer;
    }

    static ByteBuf proceed() {
        return CONTINUE.duplicate();
    }

    /**
     * @param message what was wrong and what to do; goes into a {@code google.rpc.Status}
     * @param retryAfterSeconds 0 for none
     * @param withBody false for the answer to HEAD
     */
    static ByteBuf refusal(
            ByteBufAllocator allocator,
            BodyFormat format,
            Refusal refusal,
            String message,
            int retryAfterSeconds,
            boolean close,
            boolean withBody) {
        var status = new RpcStatus(refusal.code(), message);
        byte[] body = format == BodyFormat.JSON ? status.encodeJson() : status.encode();
        var head = new StringBuilder(256);
        head.append("HTTP/1.1 ").append(refusal.statusLine()).append("\r\n");
        head.append(contentType(format));
        head.append("content-length: ").append(body.length).append("\r\n");
        if (retryAfterSeconds > 0)
            head.append("retry-after: ").append(retryAfterSeconds).append("\r\n");
        if (refusal == Refusal.METHOD) head.append("allow: POST\r\n");
        if (refusal == Refusal.CONTENT_ENCODING) head.append("accept-encoding: gzip, zstd\r\n");
        if (refusal == Refusal.UNAUTHENTICATED) head.append("www-authenticate: Bearer\r\n");
        if (close) head.append(CLOSE);
        head.append("\r\n");
        byte[] headBytes = head.toString().getBytes(StandardCharsets.US_ASCII);
        ByteBuf answer = allocator.directBuffer(headBytes.length + body.length);
        answer.writeBytes(headBytes);
        if (withBody) answer.writeBytes(body);
        return answer;
    }

    /** What to do about a refusal that has nothing to do with the request itself. */
    static String advice(Refusal refusal) {
        return switch (refusal) {
            case MEMORY ->
                    "too much data is in flight; send the request again after the time that"
                            + " this answer names";
            case QUOTA ->
                    "this client has sent more than its quota; send the request again after the"
                            + " time that this answer names";
            case BUSY ->
                    "the disk is behind; send the request again after the time that this answer"
                            + " names";
            case FULL ->
                    "the log is full until upstream takes data; keep the request and send it again"
                            + " after the time that this answer names";
            case STOPPING ->
                    "edged is starting or stopping; send the request again after the time that"
                            + " this answer names";
            case STORAGE_FAILED ->
                    "the disk failed and edged is about to restart; send the request again after"
                            + " the time that this answer names";
            case CONNECTIONS -> "too many connections; close some, or use one for more requests";
            case CLIENT_CONNECTIONS ->
                    "too many connections from your address; close some, or use one for more"
                            + " requests";
            default -> throw new IllegalStateException("no general advice for " + refusal);
        };
    }

    private static String contentType(BodyFormat format) {
        return "content-type: " + format.mediaType() + "\r\n";
    }

    private static ByteBuf shared(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
        return Unpooled.unreleasableBuffer(
                        Unpooled.directBuffer(bytes.length, bytes.length).writeBytes(bytes))
                .asReadOnly();
    }
}
