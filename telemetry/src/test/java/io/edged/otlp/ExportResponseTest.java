package io.edged.otlp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.opentelemetry.proto.collector.logs.v1.ExportLogsServiceResponse;
import io.opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceResponse;
import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceResponse;

import org.junit.jupiter.api.Test;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Optional;
import java.util.Random;

class ExportResponseTest {

    @Test
    void fullSuccessLeavesPartialSuccessUnset() throws Exception {
        assertThat(ExportResponse.SUCCESS.encode()).isEmpty();
        assertThat(decode(new byte[0])).contains(ExportResponse.SUCCESS);
    }

    @Test
    void theOfficialClassesReadWhatIsWritten() throws Exception {
        byte[] answer = new ExportResponse(1L << 40, "über").encode();
        var logs = ExportLogsServiceResponse.parseFrom(answer).getPartialSuccess();
        assertThat(logs.getRejectedLogRecords()).isEqualTo(1L << 40);
        assertThat(logs.getErrorMessage()).isEqualTo("über");
        var metrics = ExportMetricsServiceResponse.parseFrom(answer).getPartialSuccess();
        assertThat(metrics.getRejectedDataPoints()).isEqualTo(1L << 40);
        var traces = ExportTraceServiceResponse.parseFrom(answer).getPartialSuccess();
        assertThat(traces.getRejectedSpans()).isEqualTo(1L << 40);
        assertThat(decode(answer)).contains(new ExportResponse(1L << 40, "über"));
    }

    @Test
    void aWarningHasAMessageAndNothingRejected() {
        var warning = new ExportResponse(0, "use a newer exporter");
        assertThat(decode(warning.encode())).contains(warning);
    }

    @Test
    void longMessagesAreCut() {
        var answer = new ExportResponse(1, "x".repeat(100_000)).encode();
        assertThat(decode(answer).orElseThrow().message())
                .hasSize(ExportResponse.MAX_MESSAGE_BYTES);
    }

    @Test
    void negativeCountsAreNoAnswer() {
        var partial = new ProtobufWriter().int64(1, -1);
        assertThat(decode(new ProtobufWriter().message(1, partial).toByteArray())).isEmpty();
        assertThatThrownBy(() -> new ExportResponse(-1, ""))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void unknownFieldsAreIgnored() {
        var partial = new ProtobufWriter().int64(9, 1).fixed64(1, 7).int64(1, 3).fixed32(8, 1);
        byte[] answer =
                new ProtobufWriter().string(7, "new").message(1, partial).int64(1, 8).toByteArray();
        assertThat(decode(answer)).contains(new ExportResponse(3, ""));
    }

    @Test
    void anythingElseIsNoAnswerAndNoException() {
        byte[] answer = new ExportResponse(5, "five were too old").encode();
        for (int length = 1; length < answer.length; length++)
            assertThat(decode(Arrays.copyOf(answer, length))).isEmpty();
        var random = new Random(1);
        for (int round = 0; round < 50_000; round++) {
            byte[] noise = new byte[random.nextInt(40)];
            random.nextBytes(noise);
            decode(noise);
            RpcStatus.decode(ByteBuffer.wrap(noise));
        }
    }

    @Test
    void aStatusSurvivesTheTrip() {
        var status = new RpcStatus(RpcStatus.UNAVAILABLE, "come back later");
        assertThat(RpcStatus.decode(ByteBuffer.wrap(status.encode()))).contains(status);
        assertThat(status.encode()).startsWith(8, 14, 18, 15);
        byte[] cut = Arrays.copyOf(status.encode(), 5);
        assertThat(RpcStatus.decode(ByteBuffer.wrap(cut))).isEmpty();
    }

    private static Optional<ExportResponse> decode(byte[] bytes) {
        return ExportResponse.decode(ByteBuffer.wrap(bytes));
    }
}
