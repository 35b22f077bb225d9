package io.edged.otlp;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Message;

import io.opentelemetry.proto.collector.logs.v1.ExportLogsServiceRequest;
import io.opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceRequest;
import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;
import io.opentelemetry.proto.metrics.v1.Metric;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.nio.ByteBuffer;
import java.util.List;

class RecordCutterTest {

    private final Skim skim = new Skim(new byte[1024]);

    @ParameterizedTest
    @EnumSource(Signal.class)
    void leavesOutWhatIsLargeAndKeepsEverythingElse(Signal signal) throws Exception {
        int cut = 0;
        for (long seed = 0; seed < 200; seed++) {
            byte[] body = new Requests(seed).next(signal);
            for (int limit : new int[] {0, 20, 60, 200, 1000, Integer.MAX_VALUE}) {
                ByteBuffer in = ByteBuffer.allocateDirect(body.length).put(body).flip();
                ByteBuffer out = ByteBuffer.allocateDirect(body.length);
                RecordCutter.cut(signal, in, limit, out);
                assertThat(in.remaining()).isEqualTo(body.length);
                byte[] left = new byte[out.position()];
                out.get(0, left);
                assertThat(parse(signal, left).toByteString())
                        .as("seed %d limit %d", seed, limit)
                        .isEqualTo(expected(signal, body, limit).toByteString());
                skim(signal, body, limit);
                int large = skim.largeItems();
                int kept = skim.items() - large;
                skim(signal, left, limit);
                assertThat(skim.items()).isEqualTo(kept);
                assertThat(skim.largeItems()).isZero();
                if (large == 0) assertThat(left).isEqualTo(body);
                cut += large;
            }
        }
        assertThat(cut).isPositive();
    }

    private void skim(Signal signal, byte[] body, int limit) {
        skim.begin(signal, limit);
        assertThat(skim.feed(ByteBuffer.wrap(body))).isTrue();
        assertThat(skim.end()).isTrue();
    }

    private static Message parse(Signal signal, byte[] body) throws Exception {
        return switch (signal) {
            case LOGS -> ExportLogsServiceRequest.parseFrom(body);
            case METRICS -> ExportMetricsServiceRequest.parseFrom(body);
            case TRACES -> ExportTraceServiceRequest.parseFrom(body);
        };
    }

    /** The same by the official classes. */
    private static Message expected(Signal signal, byte[] body, int limit) throws Exception {
        return switch (signal) {
            case LOGS -> {
                var request = ExportLogsServiceRequest.parseFrom(body).toBuilder();
                for (var resource : request.getResourceLogsBuilderList())
                    for (var scope : resource.getScopeLogsBuilderList()) {
                        var kept = small(scope.getLogRecordsList(), limit);
                        scope.clearLogRecords().addAllLogRecords(kept);
                    }
                yield request.build();
            }
            case TRACES -> {
                var request = ExportTraceServiceRequest.parseFrom(body).toBuilder();
                for (var resource : request.getResourceSpansBuilderList())
                    for (var scope : resource.getScopeSpansBuilderList()) {
                        var kept = small(scope.getSpansList(), limit);
                        scope.clearSpans().addAllSpans(kept);
                    }
                yield request.build();
            }
            case METRICS -> {
                var request = ExportMetricsServiceRequest.parseFrom(body).toBuilder();
                for (var resource : request.getResourceMetricsBuilderList())
                    for (var scope : resource.getScopeMetricsBuilderList())
                        scope.getMetricsBuilderList().forEach(metric -> cut(metric, limit));
                yield request.build();
            }
        };
    }

    private static void cut(Metric.Builder metric, int limit) {
        switch (metric.getDataCase()) {
            case GAUGE -> {
                var kept = small(metric.getGauge().getDataPointsList(), limit);
                metric.getGaugeBuilder().clearDataPoints().addAllDataPoints(kept);
            }
            case SUM -> {
                var kept = small(metric.getSum().getDataPointsList(), limit);
                metric.getSumBuilder().clearDataPoints().addAllDataPoints(kept);
            }
            case HISTOGRAM -> {
                var kept = small(metric.getHistogram().getDataPointsList(), limit);
                metric.getHistogramBuilder().clearDataPoints().addAllDataPoints(kept);
            }
            case EXPONENTIAL_HISTOGRAM -> {
                var kept = small(metric.getExponentialHistogram().getDataPointsList(), limit);
                metric.getExponentialHistogramBuilder().clearDataPoints().addAllDataPoints(kept);
            }
            case SUMMARY -> {
                var kept = small(metric.getSummary().getDataPointsList(), limit);
                metric.getSummaryBuilder().clearDataPoints().addAllDataPoints(kept);
            }
            case DATA_NOT_SET -> {}
        }
    }

    private static <M extends Message> List<M> small(List<M> records, int limit) {
        return records.stream().filter(record -> record.getSerializedSize() <= limit).toList();
    }
}
