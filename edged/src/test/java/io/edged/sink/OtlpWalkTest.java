package io.edged.sink;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.InvalidProtocolBufferException;

import io.edged.otlp.ProtobufReader.MalformedException;
import io.edged.otlp.Signal;
import io.opentelemetry.proto.collector.logs.v1.ExportLogsServiceRequest;
import io.opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceRequest;
import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;
import io.opentelemetry.proto.common.v1.AnyValue;
import io.opentelemetry.proto.common.v1.KeyValue;
import io.opentelemetry.proto.logs.v1.LogRecord;
import io.opentelemetry.proto.metrics.v1.ExponentialHistogramDataPoint;
import io.opentelemetry.proto.metrics.v1.HistogramDataPoint;
import io.opentelemetry.proto.metrics.v1.Metric;
import io.opentelemetry.proto.metrics.v1.NumberDataPoint;
import io.opentelemetry.proto.metrics.v1.SummaryDataPoint;
import io.opentelemetry.proto.trace.v1.Span;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** The official classes write, the walk reads. */
class OtlpWalkTest {

    private static KeyValue run(String run) {
        return KeyValue.newBuilder()
                .setKey("edge.demo.run")
                .setValue(AnyValue.newBuilder().setStringValue(run))
                .build();
    }

    private static KeyValue id(long id) {
        return KeyValue.newBuilder()
                .setKey("edge.demo.id")
                .setValue(AnyValue.newBuilder().setIntValue(id))
                .build();
    }

    /** A request with one log record for each number. */
    static byte[] logs(String run, long... ids) {
        var request = ExportLogsServiceRequest.newBuilder();
        var scope = request.addResourceLogsBuilder().addScopeLogsBuilder();
        for (long id : ids)
            scope.addLogRecords(
                    LogRecord.newBuilder()
                            .setBody(AnyValue.newBuilder().setStringValue("record " + id))
                            .addAttributes(run(run))
                            .addAttributes(id(id)));
        return request.build().toByteArray();
    }

    private static List<String> walk(Signal signal, byte[] body) throws MalformedException {
        var items = new ArrayList<String>();
        OtlpWalk.walk(signal, body, (text, run, id) -> items.add(text + "|" + run + "|" + id));
        return items;
    }

    @Test
    void logRecordsAreFoundInEveryResourceAndScope() throws Exception {
        var request = ExportLogsServiceRequest.newBuilder();
        for (int i = 0; i < 2; i++) {
            var resource = request.addResourceLogsBuilder();
            resource.getResourceBuilder().addAttributes(id(99));
            for (int j = 0; j < 2; j++)
                resource.addScopeLogsBuilder()
                        .addLogRecords(
                                LogRecord.newBuilder()
                                        .setTimeUnixNano(1)
                                        .setBody(
                                                AnyValue.newBuilder()
                                                        .setStringValue("log " + i + j))
                                        .addAttributes(run("r"))
                                        .addAttributes(id(7)))
                        .addLogRecords(
                                LogRecord.newBuilder()
                                        .setBody(AnyValue.newBuilder().setIntValue(-3)));
        }
        assertThat(walk(Signal.LOGS, request.build().toByteArray()))
                .containsExactly(
                        "log 00|r|7",
                        "-3||0",
                        "log 01|r|7",
                        "-3||0",
                        "log 10|r|7",
                        "-3||0",
                        "log 11|r|7",
                        "-3||0");
    }

    @Test
    void spansAreFound() throws Exception {
        var request = ExportTraceServiceRequest.newBuilder();
        request.addResourceSpansBuilder()
                .addScopeSpansBuilder()
                .addSpans(
                        Span.newBuilder()
                                .setName("measure")
                                .addAttributes(run("r"))
                                .addAttributes(id(Long.MAX_VALUE))
                                .addEvents(Span.Event.newBuilder().setName("event")));
        assertThat(walk(Signal.TRACES, request.build().toByteArray()))
                .containsExactly("measure|r|" + Long.MAX_VALUE);
    }

    @Test
    void dataPointsOfEveryKindAreFound() throws Exception {
        var number = NumberDataPoint.newBuilder().addAttributes(run("r")).addAttributes(id(1));
        var metrics =
                List.of(
                        Metric.newBuilder()
                                .setName("gauge")
                                .setGauge(
                                        io.opentelemetry.proto.metrics.v1.Gauge.newBuilder()
                                                .addDataPoints(number)
                                                .addDataPoints(number)),
                        Metric.newBuilder()
                                .setName("sum")
                                .setSum(
                                        io.opentelemetry.proto.metrics.v1.Sum.newBuilder()
                                                .addDataPoints(number)),
                        Metric.newBuilder()
                                .setName("histogram")
                                .setHistogram(
                                        io.opentelemetry.proto.metrics.v1.Histogram.newBuilder()
                                                .addDataPoints(
                                                        HistogramDataPoint.newBuilder()
                                                                .addBucketCounts(3)
                                                                .addAttributes(id(2)))),
                        Metric.newBuilder()
                                .setName("exponential")
                                .setExponentialHistogram(
                                        io.opentelemetry.proto.metrics.v1.ExponentialHistogram
                                                .newBuilder()
                                                .addDataPoints(
                                                        ExponentialHistogramDataPoint.newBuilder()
                                                                .addAttributes(id(3)))),
                        Metric.newBuilder()
                                .setName("summary")
                                .setSummary(
                                        io.opentelemetry.proto.metrics.v1.Summary.newBuilder()
                                                .addDataPoints(
                                                        SummaryDataPoint.newBuilder()
                                                                .addAttributes(id(4)))));
        var request = ExportMetricsServiceRequest.newBuilder();
        var scope = request.addResourceMetricsBuilder().addScopeMetricsBuilder();
        metrics.forEach(scope::addMetrics);
        assertThat(walk(Signal.METRICS, request.build().toByteArray()))
                .containsExactly(
                        "gauge|r|1",
                        "gauge|r|1",
                        "sum|r|1",
                        "histogram||2",
                        "exponential||3",
                        "summary||4");
    }

    @Test
    void damagedBytesAreRefusedOrReadButNeverOverrun() throws Exception {
        byte[] whole = logs("run", 1, 2, 3);
        for (int cut = 0; cut < whole.length; cut++) survives(java.util.Arrays.copyOf(whole, cut));
        var random = new Random(7);
        for (int round = 0; round < 20_000; round++) {
            byte[] damaged = whole.clone();
            for (int flips = random.nextInt(4); flips >= 0; flips--)
                damaged[random.nextInt(damaged.length)] ^= (byte) (1 << random.nextInt(8));
            survives(damaged);
        }
    }

    private static void survives(byte[] bytes) throws InvalidProtocolBufferException {
        List<String> items;
        try {
            items = walk(Signal.LOGS, bytes);
        } catch (MalformedException e) {
            return;
        }
        // What the walk takes and the official parser takes too, both count alike.
        ExportLogsServiceRequest request;
        try {
            request = ExportLogsServiceRequest.parseFrom(bytes);
        } catch (InvalidProtocolBufferException e) {
            return;
        }
        long official =
                request.getResourceLogsList().stream()
                        .flatMap(resource -> resource.getScopeLogsList().stream())
                        .mapToLong(scope -> scope.getLogRecordsCount())
                        .sum();
        assertThat(items).hasSize((int) official);
    }
}
