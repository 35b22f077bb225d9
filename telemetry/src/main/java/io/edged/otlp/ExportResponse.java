package io.edged.otlp;

import java.nio.ByteBuffer;
import java.util.Optional;

/**
 * The answer to an export request: {@code Export{Logs,Metrics,Trace}ServiceResponse}, which are the
 * same bytes for all signals.
 *
 * @param rejected items that the receiver will never take; 0 if it took all
 * @param message why, or a warning when nothing was rejected; empty if there is nothing to say
 */
public record ExportResponse(long rejected, String message) {

    /** All was taken and there is nothing to say. */
    public static final ExportResponse SUCCESS = new ExportResponse(0, "");

    /** More of a message is cut off. */
    public static final int MAX_MESSAGE_BYTES = 1024;

    private static final int PARTIAL_SUCCESS = 1;
    private static final int REJECTED = 1;
    private static final int MESSAGE = 2;

    public ExportResponse {
        if (rejected < 0)
            throw new IllegalArgumentException("rejected must not be negative, was " + rejected);
    }

    /** In protobuf. A full success leaves {@code partial_success} unset: no bytes at all. */
    public byte[] encode() {
        if (equals(SUCCESS)) return new byte[0];
        var partial = new ProtobufWriter().int64(REJECTED, rejected).string(MESSAGE, message);
        return new ProtobufWriter().message(PARTIAL_SUCCESS, partial).toByteArray();
    }

    /** In JSON; a full success is an empty object. */
    public byte[] encodeJson(Signal signal) {
        String name =
                switch (signal) {
                    case LOGS -> "rejectedLogRecords";
                    case METRICS -> "rejectedDataPoints";
                    case TRACES -> "rejectedSpans";
                };
        return JsonText.of(json -> {
            if (equals(SUCCESS)) return;
            json.writeObjectFieldStart("partialSuccess");
            if (rejected > 0) json.writeStringField(name, Long.toString(rejected));
            if (!message.isEmpty()) json.writeStringField("errorMessage", message);
            json.writeEndObject();
        });
    }

    /**
     * Reads an answer from protobuf, between position and limit, which stay.
     *
     * @return empty if the bytes are not such an answer or the count is negative
     */
    public static Optional<ExportResponse> decode(ByteBuffer in) {
        try {
            var reader = new ProtobufReader(in);
            var response = SUCCESS;
            for (int field = reader.next(); field != 0; field = reader.next()) {
                if (field == PARTIAL_SUCCESS && reader.is(WireType.LENGTH))
                    response = response.merge(reader.bytes());
                else reader.skip();
            }
            return Optional.of(response);
        } catch (ProtobufReader.MalformedException | IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    private ExportResponse merge(ByteBuffer partial) throws ProtobufReader.MalformedException {
        var reader = new ProtobufReader(partial);
        long rejected = this.rejected;
        String message = this.message;
        for (int field = reader.next(); field != 0; field = reader.next()) {
            if (field == REJECTED && reader.is(WireType.VARINT)) rejected = reader.varint();
            else if (field == MESSAGE && reader.is(WireType.LENGTH))
                message = reader.text(MAX_MESSAGE_BYTES);
            else reader.skip();
        }
        return new ExportResponse(rejected, message);
    }
}
