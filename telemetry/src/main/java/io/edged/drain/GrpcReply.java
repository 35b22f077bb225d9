package io.edged.drain;

import io.edged.otlp.RpcStatus;
import io.opentelemetry.sdk.common.export.GrpcResponse;
import io.opentelemetry.sdk.common.export.GrpcStatusCode;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Base64;
import java.util.Optional;
import java.util.zip.ZipException;

/**
 * A unary answer over gRPC, with what the OpenTelemetry interface leaves out: how long to wait, and
 * whether gRPC answered at all.
 */
final class GrpcReply implements GrpcResponse {

    private static final int PREFIX_BYTES = 5;

    private final HttpAnswer http;
    private final GrpcStatusCode code;
    private final String text;
    private final byte[] message;
    private final Optional<Duration> retryDelay;
    private final Optional<String> unreadable;

    private GrpcReply(
            HttpAnswer http,
            GrpcStatusCode code,
            String text,
            byte[] message,
            Optional<Duration> retryDelay,
            Optional<String> unreadable) {
        this.http = http;
        this.code = code;
        this.text = text;
        this.message = message;
        this.retryDelay = retryDelay;
        this.unreadable = unreadable;
    }

    /**
     * Reads an answer.
     *
     * @param maxBytes of the message, decompressed
     */
    static GrpcReply of(HttpAnswer answer, int maxBytes) {
        Optional<String> status = answer.trailer("grpc-status");
        GrpcStatusCode code = status.map(GrpcReply::code).orElse(GrpcStatusCode.UNKNOWN);
        String text = decoded(answer.trailer("grpc-message").orElse(""));
        Optional<Duration> delay =
                answer.trailer("grpc-status-details-bin").flatMap(GrpcReply::retryDelay);
        if (code != GrpcStatusCode.OK)
            return new GrpcReply(answer, code, text, new byte[0], delay, Optional.empty());
        try {
            return new GrpcReply(
                    answer, code, text, message(answer, maxBytes), delay, Optional.empty());
        } catch (ZipException e) {
            return new GrpcReply(
                    answer,
                    code,
                    text,
                    new byte[0],
                    delay,
                    Optional.of(String.valueOf(e.getMessage())));
        }
    }

    /** The answer as HTTP has it. */
    HttpAnswer http() {
        return http;
    }

    /** Of {@code RetryInfo} in {@code grpc-status-details-bin}. */
    Optional<Duration> retryDelay() {
        return retryDelay;
    }

    /** Why there is no message although the status is OK. */
    Optional<String> unreadable() {
        return unreadable;
    }

    /** Whether it is an answer of gRPC, and not of something in between. */
    boolean isGrpc() {
        return http.trailer("grpc-status").isPresent()
                || (http.getStatusCode() == 200
                        && http.header("content-type")
                                .filter(type -> type.startsWith("application/grpc"))
                                .isPresent());
    }

    private static GrpcStatusCode code(String status) {
        try {
            return GrpcStatusCode.fromValue(Integer.parseInt(status));
        } catch (IllegalArgumentException e) {
            return GrpcStatusCode.UNKNOWN;
        }
    }

    private static byte[] message(HttpAnswer answer, int maxBytes) throws ZipException {
        if (answer.unreadable().isPresent()) throw new ZipException(answer.unreadable().get());
        var body = ByteBuffer.wrap(answer.getResponseBody());
        if (body.remaining() < PREFIX_BYTES) throw new ZipException("it has no message");
        int flag = body.get();
        int length = body.getInt();
        if (length != body.remaining()) throw new ZipException("its message is cut off or not one");
        byte[] message = new byte[body.remaining()];
        body.get(message);
        if (flag == 0) return message;
        if (flag == 1 && answer.header("grpc-encoding").filter("gzip"::equals).isPresent())
            return Gzip.decompress(message, maxBytes);
        throw new ZipException("its message has an encoding that was not asked for");
    }

    private static Optional<Duration> retryDelay(String details) {
        try {
            return RpcStatus.retryDelay(ByteBuffer.wrap(Base64.getDecoder().decode(details)));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    /** {@code grpc-message} has %XX for what headers do not carry; what is none stays. */
    private static String decoded(String message) {
        var bytes = new ByteArrayOutputStream(message.length());
        for (int at = 0; at < message.length(); at++) {
            char c = message.charAt(at);
            int high = c == '%' && at + 2 < message.length() ? hex(message.charAt(at + 1)) : -1;
            int low = high < 0 ? -1 : hex(message.charAt(at + 2));
            if (low < 0) {
                bytes.write(c < 0x80 ? c : '?');
            } else {
                bytes.write(high << 4 | low);
                at += 2;
            }
        }
        byte[] all = bytes.toByteArray();
        return new String(
                all, 0, Math.min(all.length, RpcStatus.MAX_MESSAGE_BYTES), StandardCharsets.UTF_8);
    }

    private static int hex(char c) {
        return Character.digit(c, 16);
    }

    /** UNKNOWN if there is none or it is no code. */
    @Override
    public GrpcStatusCode getStatusCode() {
        return code;
    }

    @Override
    public String getStatusDescription() {
        return text;
    }

    @Override
    public byte[] getResponseMessage() {
        return message;
    }
}
