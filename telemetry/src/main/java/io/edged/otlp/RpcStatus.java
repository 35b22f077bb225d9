package io.edged.otlp;

import java.nio.ByteBuffer;
import java.util.Optional;

/**
 * {@code google.rpc.Status}: the body of every OTLP/HTTP answer that is not a success. Of its
 * details only {@code RetryInfo} is written and none is read.
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
