package io.edged.drain;

import io.edged.drain.SendResult.Delivered;
import io.edged.drain.SendResult.Fault;
import io.edged.drain.SendResult.Reason;
import io.edged.drain.SendResult.Refused;
import io.edged.drain.SendResult.RetryAfter;
import io.edged.otlp.ExportResponse;
import io.edged.otlp.RpcStatus;
import io.opentelemetry.sdk.common.export.HttpResponse;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Optional;
import java.util.concurrent.TimeoutException;

/**
 * Reads what an upstream answered, by the rules of OTLP/HTTP and two of our own, see {@link #of}.
 */
final class Answers {

    private final InstantSource clock;

    Answers(InstantSource clock) {
        this.clock = clock;
    }

    /**
     * 2xx delivers, 429, 502, 503 and 504 are repeated, as the specification has it. Beyond it,
     * 400, 413 and 422 are about the data and are narrowed down, and every other status is a fault
     * that keeps the data waiting rather than dropping it.
     */
    SendResult of(HttpResponse response) {
        int status = response.getStatusCode();
        if (status >= 200 && status < 300) return delivered(response);
        return switch (status) {
            case 429 -> retry(Reason.THROTTLED, response);
            case 502, 503, 504 -> retry(Reason.UNAVAILABLE, response);
            case 400, 422 -> new Refused(Integer.toString(status), false, words(response));
            case 413 -> new Refused(Integer.toString(status), true, words(response));
            default -> new Fault(Integer.toString(status), check(status));
        };
    }

    /** No answer came. */
    SendResult of(Throwable why) {
        String detail =
                why.getMessage() == null ? why.getClass().getSimpleName() : why.getMessage();
        Reason reason =
                switch (why) {
                    case ConnectFailure e -> Reason.CONNECT;
                    case TimeoutException e -> Reason.TIMEOUT;
                    default -> Reason.CLOSED;
                };
        return new RetryAfter(reason, detail, Optional.empty());
    }

    private SendResult delivered(HttpResponse response) {
        if (response instanceof HttpAnswer answer && answer.unreadable().isPresent())
            return new Delivered(
                    0, Optional.of("its answer cannot be read: " + answer.unreadable().get()));
        Optional<ExportResponse> partial =
                ExportResponse.decode(ByteBuffer.wrap(response.getResponseBody()));
        if (partial.isEmpty())
            return new Delivered(
                    0, Optional.of("its answer cannot be read: it is not an OTLP response"));
        long rejected = partial.get().rejected();
        if (rejected == 0 && !partial.get().message().isEmpty())
            return new Delivered(0, Optional.of("it took everything, with a warning"));
        return new Delivered(rejected, Optional.empty());
    }

    /**
     * What the destination says beside the status: the message of a status in protobuf, or text.
     */
    private static String words(HttpResponse response) {
        byte[] body = response.getResponseBody();
        boolean text =
                response instanceof HttpAnswer answer
                        && answer.header("content-type")
                                .filter(type -> !type.contains("protobuf"))
                                .isPresent();
        if (text)
            return new String(
                    body,
                    0,
                    Math.min(body.length, RpcStatus.MAX_MESSAGE_BYTES),
                    StandardCharsets.UTF_8);
        return RpcStatus.decode(ByteBuffer.wrap(body)).map(RpcStatus::message).orElse("");
    }

    private RetryAfter retry(Reason reason, HttpResponse response) {
        Optional<Duration> delay =
                response instanceof HttpAnswer answer
                        ? answer.header("retry-after")
                                .flatMap(value -> RetryAfterHeader.parse(value, now(answer)))
                        : Optional.empty();
        return new RetryAfter(reason, "status " + response.getStatusCode(), delay);
    }

    /** A date is meant by the clock of the one who wrote it; ours may have lost its battery. */
    private Instant now(HttpAnswer answer) {
        return answer.header("date").flatMap(RetryAfterHeader::date).orElseGet(clock::instant);
    }

    private static String check(int status) {
        return switch (status) {
            case 401, 403 -> "credentials in the headers of the destination";
            case 404, 405 -> "path of the endpoint; /v1/logs and its like are appended to it";
            case 407 -> "a proxy stands in between and wants credentials";
            case 415 -> "compression; the destination does not take this encoding or protobuf";
            case 501 -> "whether the destination takes this signal";
            default ->
                    status >= 300 && status < 400
                            ? "endpoint; redirects are not followed"
                            : status >= 500
                                    ? "the log of the destination"
                                    : "the destination's documentation for this status";
        };
    }
}
