package io.edged.otlp;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;

import io.opentelemetry.proto.collector.logs.v1.ExportLogsServiceRequest;
import io.opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceRequest;
import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;
import io.opentelemetry.proto.common.v1.AnyValue;
import io.opentelemetry.proto.common.v1.ArrayValue;
import io.opentelemetry.proto.common.v1.EntityRef;
import io.opentelemetry.proto.common.v1.InstrumentationScope;
import io.opentelemetry.proto.common.v1.KeyValue;
import io.opentelemetry.proto.common.v1.KeyValueList;
import io.opentelemetry.proto.logs.v1.LogRecord;
import io.opentelemetry.proto.logs.v1.ResourceLogs;
import io.opentelemetry.proto.logs.v1.ScopeLogs;
import io.opentelemetry.proto.logs.v1.SeverityNumber;
import io.opentelemetry.proto.metrics.v1.AggregationTemporality;
import io.opentelemetry.proto.metrics.v1.Exemplar;
import io.opentelemetry.proto.metrics.v1.ExponentialHistogram;
import io.opentelemetry.proto.metrics.v1.ExponentialHistogramDataPoint;
import io.opentelemetry.proto.metrics.v1.Gauge;
import io.opentelemetry.proto.metrics.v1.Histogram;
import io.opentelemetry.proto.metrics.v1.HistogramDataPoint;
import io.opentelemetry.proto.metrics.v1.Metric;
import io.opentelemetry.proto.metrics.v1.NumberDataPoint;
import io.opentelemetry.proto.metrics.v1.ResourceMetrics;
import io.opentelemetry.proto.metrics.v1.ScopeMetrics;
import io.opentelemetry.proto.metrics.v1.Sum;
import io.opentelemetry.proto.metrics.v1.Summary;
import io.opentelemetry.proto.metrics.v1.SummaryDataPoint;
import io.opentelemetry.proto.resource.v1.Resource;
import io.opentelemetry.proto.trace.v1.ResourceSpans;
import io.opentelemetry.proto.trace.v1.ScopeSpans;
import io.opentelemetry.proto.trace.v1.Span;
import io.opentelemetry.proto.trace.v1.Status;

import java.util.Random;

/** Export requests made with the official classes: random ones from a seed, and typical logs. */
public final class Requests {

    private static final String[] TEXTS = {
        "",
        "a",
        "service.name",
        "checkout",
        "Grüße aus Köln",
        "日本語のテキスト",
        "😀 emoji 😀",
        "exactly8",
        "a somewhat longer text that spans several words, as messages do",
        "nul \u0000 inside"
    };

    private final Random random;

    public Requests(long seed) {
        random = new Random(seed);
    }

    /** A request with records of about 430 bytes. */
    public static byte[] typicalLogs(int records) {
        var scope =
                ScopeLogs.newBuilder()
                        .setScope(InstrumentationScope.newBuilder().setName("com.example.shop"));
        for (int i = 0; i < records; i++) {
            scope.addLogRecords(
                    LogRecord.newBuilder()
                            .setTimeUnixNano(1_790_000_000_000_000_000L + i)
                            .setObservedTimeUnixNano(1_790_000_000_000_100_000L + i)
                            .setSeverityNumber(SeverityNumber.SEVERITY_NUMBER_INFO)
                            .setSeverityText("INFO")
                            .setBody(
                                    text(
                                            "order "
                                                    + i
                                                    + " was placed by customer 4711 with 3 positions"
                                                    + " and is on its way to the warehouse"))
                            .addAttributes(pair("thread.name", text("http-nio-8080-exec-17")))
                            .addAttributes(pair("code.namespace", text("com.example.Orders")))
                            .addAttributes(pair("code.function", text("place")))
                            .addAttributes(pair("http.route", text("/api/v2/orders/{id}")))
                            .addAttributes(
                                    pair("order.id", AnyValue.newBuilder().setIntValue(i).build()))
                            .addAttributes(
                                    pair(
                                            "order.total",
                                            AnyValue.newBuilder().setDoubleValue(i * 1.19).build()))
                            .addAttributes(pair("session.id", text("d7e2c6b0-44e1-4f7d-9b6a-" + i)))
                            .setFlags(1)
                            .setTraceId(ByteString.copyFrom(new byte[16]))
                            .setSpanId(ByteString.copyFrom(new byte[8])));
        }
        var resource =
                Resource.newBuilder()
                        .addAttributes(pair("service.name", text("shop")))
                        .addAttributes(pair("host.name", text("edge-17")));
        return ExportLogsServiceRequest.newBuilder()
                .addResourceLogs(
                        ResourceLogs.newBuilder().setResource(resource).addScopeLogs(scope))
                .build()
                .toByteArray();
    }

    /** What the official classes count. */
    public static int count(Signal signal, byte[] body) throws InvalidProtocolBufferException {
        return switch (signal) {
            case LOGS ->
                    ExportLogsServiceRequest.parseFrom(body).getResourceLogsList().stream()
                            .flatMap(resource -> resource.getScopeLogsList().stream())
                            .mapToInt(ScopeLogs::getLogRecordsCount)
                            .sum();
            case METRICS ->
                    ExportMetricsServiceRequest.parseFrom(body).getResourceMetricsList().stream()
                            .flatMap(resource -> resource.getScopeMetricsList().stream())
                            .flatMap(scope -> scope.getMetricsList().stream())
                            .mapToInt(Requests::points)
                            .sum();
            case TRACES ->
                    ExportTraceServiceRequest.parseFrom(body).getResourceSpansList().stream()
                            .flatMap(resource -> resource.getScopeSpansList().stream())
                            .mapToInt(ScopeSpans::getSpansCount)
                            .sum();
        };
    }

    public byte[] next(Signal signal) {
        return message(signal).toByteArray();
    }

    private Message message(Signal signal) {
        return switch (signal) {
            case LOGS -> logs();
            case METRICS -> metrics();
            case TRACES -> traces();
        };
    }

    private static int points(Metric metric) {
        return switch (metric.getDataCase()) {
            case GAUGE -> metric.getGauge().getDataPointsCount();
            case SUM -> metric.getSum().getDataPointsCount();
            case HISTOGRAM -> metric.getHistogram().getDataPointsCount();
            case EXPONENTIAL_HISTOGRAM -> metric.getExponentialHistogram().getDataPointsCount();
            case SUMMARY -> metric.getSummary().getDataPointsCount();
            case DATA_NOT_SET -> 0;
        };
    }

    private ExportLogsServiceRequest logs() {
        var request = ExportLogsServiceRequest.newBuilder();
        for (int i = few(); i > 0; i--) {
            var resource = ResourceLogs.newBuilder().setResource(resource()).setSchemaUrl(text());
            for (int j = few(); j > 0; j--) {
                var scope = ScopeLogs.newBuilder().setScope(scope()).setSchemaUrl(text());
                for (int k = few(); k > 0; k--) scope.addLogRecords(record());
                resource.addScopeLogs(scope);
            }
            request.addResourceLogs(resource);
        }
        return request.build();
    }

    private LogRecord record() {
        var record =
                LogRecord.newBuilder()
                        .setTimeUnixNano(random.nextLong())
                        .setObservedTimeUnixNano(random.nextLong())
                        .setSeverityNumberValue(random.nextInt(25))
                        .setSeverityText(text())
                        .setBody(value(0))
                        .setDroppedAttributesCount(random.nextInt())
                        .setFlags(random.nextInt())
                        .setTraceId(bytes(16))
                        .setSpanId(bytes(8))
                        .setEventName(text());
        for (int i = few(); i > 0; i--) record.addAttributes(attribute(0));
        return record.build();
    }

    private ExportMetricsServiceRequest metrics() {
        var request = ExportMetricsServiceRequest.newBuilder();
        for (int i = few(); i > 0; i--) {
            var resource = ResourceMetrics.newBuilder().setResource(resource());
            for (int j = few(); j > 0; j--) {
                var scope = ScopeMetrics.newBuilder().setScope(scope()).setSchemaUrl(text());
                for (int k = few(); k > 0; k--) scope.addMetrics(metric());
                resource.addScopeMetrics(scope);
            }
            request.addResourceMetrics(resource);
        }
        return request.build();
    }

    private Metric metric() {
        var metric = Metric.newBuilder().setName(text()).setDescription(text()).setUnit("By");
        if (random.nextInt(4) == 0) metric.addMetadata(attribute(0));
        int points = few();
        switch (random.nextInt(6)) {
            case 0 -> {
                var gauge = Gauge.newBuilder();
                while (points-- > 0) gauge.addDataPoints(number());
                metric.setGauge(gauge);
            }
            case 1 -> {
                var sum =
                        Sum.newBuilder()
                                .setIsMonotonic(true)
                                .setAggregationTemporality(
                                        AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE);
                while (points-- > 0) sum.addDataPoints(number());
                metric.setSum(sum);
            }
            case 2 -> {
                var histogram =
                        Histogram.newBuilder()
                                .setAggregationTemporality(
                                        AggregationTemporality.AGGREGATION_TEMPORALITY_DELTA);
                while (points-- > 0) histogram.addDataPoints(histogramPoint());
                metric.setHistogram(histogram);
            }
            case 3 -> {
                var histogram = ExponentialHistogram.newBuilder();
                while (points-- > 0) histogram.addDataPoints(exponentialPoint());
                metric.setExponentialHistogram(histogram);
            }
            case 4 -> {
                var summary = Summary.newBuilder();
                while (points-- > 0) summary.addDataPoints(summaryPoint());
                metric.setSummary(summary);
            }
            default -> {} // a metric without data
        }
        return metric.build();
    }

    private NumberDataPoint number() {
        var point = NumberDataPoint.newBuilder().setTimeUnixNano(random.nextLong());
        if (random.nextBoolean()) point.setAsDouble(random.nextDouble());
        else point.setAsInt(random.nextLong());
        for (int i = few(); i > 0; i--) point.addAttributes(attribute(0));
        for (int i = few() / 2; i > 0; i--) point.addExemplars(exemplar());
        return point.setFlags(random.nextInt(2)).build();
    }

    private HistogramDataPoint histogramPoint() {
        var point = HistogramDataPoint.newBuilder().setCount(random.nextLong()).setSum(1.5);
        for (int i = few(); i > 0; i--) {
            point.addBucketCounts(random.nextLong()).addExplicitBounds(random.nextDouble());
            point.addExemplars(exemplar()).addAttributes(attribute(0));
        }
        return point.setMin(random.nextDouble()).setMax(random.nextDouble()).build();
    }

    private ExponentialHistogramDataPoint exponentialPoint() {
        var point =
                ExponentialHistogramDataPoint.newBuilder()
                        .setScale(random.nextInt(20) - 10)
                        .setZeroCount(random.nextLong())
                        .setZeroThreshold(random.nextDouble());
        for (int i = few(); i > 0; i--) {
            point.getPositiveBuilder().setOffset(-i).addBucketCounts(random.nextLong());
            point.getNegativeBuilder().addBucketCounts(random.nextInt(1000));
            point.addAttributes(attribute(0)).addExemplars(exemplar());
        }
        return point.build();
    }

    private SummaryDataPoint summaryPoint() {
        var point = SummaryDataPoint.newBuilder().setCount(random.nextLong()).setSum(2.5);
        for (int i = few(); i > 0; i--) {
            point.addQuantileValuesBuilder().setQuantile(0.5).setValue(random.nextDouble());
            point.addAttributes(attribute(0));
        }
        return point.build();
    }

    private Exemplar exemplar() {
        return Exemplar.newBuilder()
                .addFilteredAttributes(attribute(0))
                .setAsInt(random.nextLong())
                .setSpanId(bytes(8))
                .setTraceId(bytes(16))
                .build();
    }

    private ExportTraceServiceRequest traces() {
        var request = ExportTraceServiceRequest.newBuilder();
        for (int i = few(); i > 0; i--) {
            var resource = ResourceSpans.newBuilder().setResource(resource());
            for (int j = few(); j > 0; j--) {
                var scope = ScopeSpans.newBuilder().setScope(scope()).setSchemaUrl(text());
                for (int k = few(); k > 0; k--) scope.addSpans(span());
                resource.addScopeSpans(scope);
            }
            request.addResourceSpans(resource);
        }
        return request.build();
    }

    private Span span() {
        var span =
                Span.newBuilder()
                        .setTraceId(bytes(16))
                        .setSpanId(bytes(8))
                        .setParentSpanId(bytes(8))
                        .setTraceState(text())
                        .setName(text())
                        .setFlags(random.nextInt())
                        .setKindValue(random.nextInt(6))
                        .setStartTimeUnixNano(random.nextLong())
                        .setEndTimeUnixNano(random.nextLong())
                        .setStatus(
                                Status.newBuilder()
                                        .setMessage(text())
                                        .setCode(Status.StatusCode.STATUS_CODE_ERROR));
        for (int i = few(); i > 0; i--) {
            span.addAttributes(attribute(0));
            span.addEventsBuilder().setName(text()).addAttributes(attribute(0));
            span.addLinksBuilder().setTraceState(text()).addAttributes(attribute(0)).setFlags(1);
        }
        return span.build();
    }

    private Resource resource() {
        var resource = Resource.newBuilder().setDroppedAttributesCount(random.nextInt(3));
        for (int i = few(); i > 0; i--) resource.addAttributes(attribute(0));
        if (random.nextInt(4) == 0)
            resource.addEntityRefs(
                    EntityRef.newBuilder().setType(text()).addIdKeys(text()).addIdKeys(text()));
        return resource.build();
    }

    private InstrumentationScope scope() {
        var scope = InstrumentationScope.newBuilder().setName(text()).setVersion(text());
        if (random.nextInt(4) == 0) scope.addAttributes(attribute(0));
        return scope.build();
    }

    private KeyValue attribute(int depth) {
        return pair(text(), value(depth));
    }

    private AnyValue value(int depth) {
        var value = AnyValue.newBuilder();
        switch (random.nextInt(depth < 4 ? 9 : 6)) {
            case 0, 1, 2 -> value.setStringValue(text());
            case 3 -> value.setIntValue(random.nextLong() >> random.nextInt(64));
            case 4 -> value.setDoubleValue(random.nextDouble());
            case 5 -> value.setBytesValue(bytes(random.nextInt(40)));
            case 6 -> {
                var array = ArrayValue.newBuilder();
                for (int i = few(); i > 0; i--) array.addValues(value(depth + 1));
                value.setArrayValue(array);
            }
            case 7 -> {
                var list = KeyValueList.newBuilder();
                for (int i = few(); i > 0; i--) list.addValues(attribute(depth + 1));
                value.setKvlistValue(list);
            }
            default -> value.setBoolValue(random.nextBoolean());
        }
        return value.build();
    }

    private static KeyValue pair(String key, AnyValue value) {
        return KeyValue.newBuilder().setKey(key).setValue(value).build();
    }

    private static AnyValue text(String text) {
        return AnyValue.newBuilder().setStringValue(text).build();
    }

    private String text() {
        return TEXTS[random.nextInt(TEXTS.length)];
    }

    private ByteString bytes(int length) {
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        return ByteString.copyFrom(bytes);
    }

    private int few() {
        return random.nextInt(4);
    }
}
