package io.edged.otlp;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Optional;

/**
 * {@code google.rpc.Status}: the body of every OTLP/HTTP answer that is not a success, and what
 * gRPC carries in {@code grpc-status-details-bin}. Of its details only {@code RetryInfo} is known.
 *
 * @param code one of the constants, which are gRPC's
 * @param message what was wrong and what to do
 */
public record RpcStatus(int code, String message) {

    public static final int OK = 0;
    public static final int INVALID_ARGUMENT = 3;
    public static final int DEADLINE_EXCEEDED = 4;
    public static final int NOT_FOUND = 5;
    public static final int RESOURCE_EXHAUSTED = 8;
    public static final int UNIMPLEMENTED = 12;
    public static final int INTERNAL = 13;
    public static final int UNAVAILABLE = 14;
    public static final int UNAUTHENTICATED = 16;

    /** More of a message is cut off when it is read. */
    public static final int MAX_MESSAGE_BYTES = 1024;

    private static final String RETRY_INFO = "type.googleapis.com/google.rpc.RetryInfo";
    private static final int DETAILS = 3;
    private static final int TYPE_URL = 1;
    private static final int VALUE = 2;
    private static final int RETRY_DELAY = 1;
    private static final int SECONDS = 1;
    private static final int NANOS = 2;

    /** What {@code google.protobuf.Duration} allows: 10,000 years. */
    private static final long LONGEST_SECONDS = 315_576_000_000L;

    private static final int CODE = 1;
    private static final int MESSAGE = 2;

    /** In protobuf. */
    public byte[] encode() {
        return new ProtobufWriter().int64(CODE, code).string(MESSAGE, message).toByteArray();
    }

    /** In JSON. */
    public byte[] encodeJson() {
        return JsonText.of(json -> {
            json.writeNumberField("code", code);
            json.writeStringField("message", message);
        });
    }

    /** The same with {@code google.rpc.RetryInfo} as its only detail. */
    public byte[] encodeWithRetry(int seconds) {
        var retryInfo =
                new ProtobufWriter()
                        .message(RETRY_DELAY, new ProtobufWriter().int64(SECONDS, seconds));
        var any =
                new ProtobufWriter()
                        .string(TYPE_URL, RETRY_INFO)
                        .bytes(VALUE, retryInfo.toByteArray());
        return new ProtobufWriter()
                .int64(CODE, code)
                .string(MESSAGE, message)
                .message(DETAILS, any)
                .toByteArray();
    }

    /**
     * The delay of {@code google.rpc.RetryInfo} among the details of a status in protobuf; empty if
     * there is none, or the bytes are no status. Never negative.
     */
    public static Optional<Duration> retryDelay(ByteBuffer status) {
        try {
            Optional<Duration> delay = Optional.empty();
            var reader = new ProtobufReader(status);
            for (int field = reader.next(); field != 0; field = reader.next()) {
                if (field != DETAILS || !reader.is(WireType.LENGTH)) reader.skip();
                else if (delay.isEmpty()) delay = retryInfo(reader.bytes());
                else reader.skip();
            }
            return delay;
        } catch (ProtobufReader.MalformedException e) {
            return Optional.empty();
        }
    }

    private static Optional<Duration> retryInfo(ByteBuffer any)
            throws ProtobufReader.MalformedException {
        var reader = new ProtobufReader(any);
        String type = "";
        Optional<ByteBuffer> value = Optional.empty();
        for (int field = reader.next(); field != 0; field = reader.next()) {
            if (field == TYPE_URL && reader.is(WireType.LENGTH))
                type = reader.text(MAX_MESSAGE_BYTES);
            else if (field == VALUE && reader.is(WireType.LENGTH))
                value = Optional.of(reader.bytes());
            else reader.skip();
        }
        // By the last part of the name: that is how the type URL of an Any is compared.
        if (!type.endsWith("/google.rpc.RetryInfo")) return Optional.empty();
        return delay(value.orElse(ByteBuffer.allocate(0)));
    }

    private static Optional<Duration> delay(ByteBuffer retryInfo)
            throws ProtobufReader.MalformedException {
        var reader = new ProtobufReader(retryInfo);
        Duration delay = Duration.ZERO;
        for (int field = reader.next(); field != 0; field = reader.next()) {
            if (field == RETRY_DELAY && reader.is(WireType.LENGTH))
                delay = duration(reader.bytes());
            else reader.skip();
        }
        return Optional.of(delay);
    }

    private static Duration duration(ByteBuffer bytes) throws ProtobufReader.MalformedException {
        var reader = new ProtobufReader(bytes);
        long seconds = 0;
        int nanos = 0;
        for (int field = reader.next(); field != 0; field = reader.next()) {
            if (field == SECONDS && reader.is(WireType.VARINT)) seconds = reader.varint();
            else if (field == NANOS && reader.is(WireType.VARINT)) nanos = (int) reader.varint();
            else reader.skip();
        }
        if (seconds < 0) return Duration.ZERO;
        return Duration.ofSeconds(
                Math.min(seconds, LONGEST_SECONDS), Math.clamp(nanos, 0, 999_999_999));
    }

    /**
     * Reads a status from protobuf, between position and limit, which stay; empty if it is none.
     */
    public static Optional<RpcStatus> decode(ByteBuffer in) {
        try {
            var reader = new ProtobufReader(in);
            int code = 0;
            String message = "";
            for (int field = reader.next(); field != 0; field = reader.next()) {
                if (field == CODE && reader.is(WireType.VARINT)) code = (int) reader.varint();
                else if (field == MESSAGE && reader.is(WireType.LENGTH))
                    message = reader.text(MAX_MESSAGE_BYTES);
                else reader.skip();
            }
            return Optional.of(new RpcStatus(code, message));
        } catch (ProtobufReader.MalformedException e) {
            return Optional.empty();
        }
    }
}
