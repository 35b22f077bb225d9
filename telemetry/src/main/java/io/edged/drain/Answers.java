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
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.TimeoutException;

/**
 * Reads what an upstream answered, by the rules of OTLP over HTTP and over gRPC and two of our own,
 * see {@link #of(HttpResponse)}.
 */
final class Answers {

    private final InstantSource clock;

    Answers(InstantSource clock) {
        this.clock = clock;
    }

    /**
     * 2xx delivers, unless it is a web page: a captive portal or a proxy has answered, and nobody
     * has the data. 429, 502, 503 and 504 are repeated, as the specification has it. Beyond it,
     * 400, 413 and 422 are about the data and are narrowed down, and every other status is a fault
     * that keeps the data waiting rather than dropping it.
     */
    SendResult of(HttpResponse response) {
        int status = response.getStatusCode();
        if (status >= 200 && status < 300)
            return isWebPage(response)
                    ? new Fault(
                            status + " with a web page",
                            "endpoint and link; a captive portal or a proxy answers there")
                    : delivered(response);
        return switch (status) {
            case 429 -> retry(Reason.THROTTLED, response);
            case 502, 503, 504 -> retry(Reason.UNAVAILABLE, response);
            case 400, 422 -> new Refused(Integer.toString(status), false, words(response));
            case 413 -> new Refused(Integer.toString(status), true, words(response));
            default -> new Fault(Integer.toString(status), check(status));
        };
    }

    /**
     * OK delivers; what the specification calls retryable is repeated, RESOURCE_EXHAUSTED only with
     * a hint. INVALID_ARGUMENT is about the data, and so is RESOURCE_EXHAUSTED without a hint,
     * which says too large. Every other code is a fault that keeps the data waiting. An answer that
     * is not of gRPC comes from something in between, and counts by its HTTP status.
     */
    SendResult of(GrpcReply reply) {
        if (!reply.isGrpc()) return ofMiddle(reply.http());
        String code = reply.getStatusCode().name();
        return switch (reply.getStatusCode()) {
            case OK -> delivered(reply.getResponseMessage(), reply.unreadable());
            case CANCELLED, DEADLINE_EXCEEDED, ABORTED, OUT_OF_RANGE, UNAVAILABLE, DATA_LOSS ->
                    new RetryAfter(Reason.UNAVAILABLE, "status " + code, reply.retryDelay());
            case RESOURCE_EXHAUSTED ->
                    reply.retryDelay().isPresent()
                            ? new RetryAfter(Reason.THROTTLED, "status " + code, reply.retryDelay())
                            : new Refused(code, true, reply.getStatusDescription());
            case INVALID_ARGUMENT -> new Refused(code, false, reply.getStatusDescription());
            case UNAUTHENTICATED, PERMISSION_DENIED -> new Fault(code, check(401));
            case UNIMPLEMENTED ->
                    new Fault(
                            code,
                            "whether the destination takes this signal over gRPC, and this"
                                    + " compression");
            case UNKNOWN, NOT_FOUND, ALREADY_EXISTS, FAILED_PRECONDITION, INTERNAL ->
                    new Fault(code, check(500));
        };
    }

    /** A proxy, a captive portal or a server without gRPC has answered. */
    private SendResult ofMiddle(HttpAnswer answer) {
        int status = answer.getStatusCode();
        return switch (status) {
            case 429, 502, 503, 504, 413 -> of(answer);
            case 401, 403, 407 -> new Fault("HTTP " + status, check(status));
            default ->
                    new Fault("HTTP " + status, "endpoint; what answers there does not speak gRPC");
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
                    case StreamReset e when e.throttled() -> Reason.THROTTLED;
                    default -> Reason.CLOSED;
                };
        return new RetryAfter(reason, detail, Optional.empty());
    }

    private static SendResult delivered(HttpResponse response) {
        return delivered(
                response.getResponseBody(),
                response instanceof HttpAnswer answer ? answer.unreadable() : Optional.empty());
    }

    private static SendResult delivered(byte[] body, Optional<String> unreadable) {
        if (unreadable.isPresent())
            return new Delivered(0, Optional.of("its answer cannot be read: " + unreadable.get()));
        Optional<ExportResponse> partial = ExportResponse.decode(ByteBuffer.wrap(body));
        if (partial.isEmpty())
            return new Delivered(
                    0, Optional.of("its answer cannot be read: it is not an OTLP response"));
        long rejected = partial.get().rejected();
        if (rejected == 0 && !partial.get().message().isEmpty())
            return new Delivered(0, Optional.of("it took everything, with a warning"));
        return new Delivered(rejected, Optional.empty());
    }

    private static boolean isWebPage(HttpResponse response) {
        return response instanceof HttpAnswer answer
                && answer.header("content-type")
                        .filter(type -> type.toLowerCase(Locale.ROOT).startsWith("text/html"))
                        .isPresent();
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
