package io.edged.otlp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;

import io.opentelemetry.proto.collector.logs.v1.ExportLogsServiceRequest;
import io.opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceRequest;
import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;
import io.opentelemetry.proto.metrics.v1.Metric;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/** The official classes read what was cut. */
class ItemSliceTest {

    /** Each item with everything that its enclosing messages say about it. */
    private static List<String> items(Signal signal, ByteBuffer body)
            throws InvalidProtocolBufferException {
        var items = new ArrayList<String>();
        switch (signal) {
            case LOGS -> {
                for (var resource : ExportLogsServiceRequest.parseFrom(body).getResourceLogsList())
                    for (var scope : resource.getScopeLogsList())
                        for (var item : scope.getLogRecordsList())
                            items.add(
                                    around(resource.getResource(), resource.getSchemaUrl())
                                            + around(scope.getScope(), scope.getSchemaUrl())
                                            + item);
            }
            case TRACES -> {
                for (var resource :
                        ExportTraceServiceRequest.parseFrom(body).getResourceSpansList())
                    for (var scope : resource.getScopeSpansList())
                        for (var item : scope.getSpansList())
                            items.add(
                                    around(resource.getResource(), resource.getSchemaUrl())
                                            + around(scope.getScope(), scope.getSchemaUrl())
                                            + item);
            }
            case METRICS -> {
                for (var resource :
                        ExportMetricsServiceRequest.parseFrom(body).getResourceMetricsList())
                    for (var scope : resource.getScopeMetricsList())
                        for (var metric : scope.getMetricsList())
                            for (var item : points(metric))
                                items.add(
                                        around(resource.getResource(), resource.getSchemaUrl())
                                                + around(scope.getScope(), scope.getSchemaUrl())
                                                + metric.getName()
                                                + metric.getUnit()
                                                + metric.getSum().getIsMonotonic()
                                                + item);
            }
        }
        return items;
    }

    private static String around(Message message, String schema) {
        return message + schema;
    }

    private static List<? extends Message> points(Metric metric) {
        return switch (metric.getDataCase()) {
            case GAUGE -> metric.getGauge().getDataPointsList();
            case SUM -> metric.getSum().getDataPointsList();
            case HISTOGRAM -> metric.getHistogram().getDataPointsList();
            case EXPONENTIAL_HISTOGRAM -> metric.getExponentialHistogram().getDataPointsList();
            case SUMMARY -> metric.getSummary().getDataPointsList();
            case DATA_NOT_SET -> List.of();
        };
    }

    @ParameterizedTest
    @EnumSource(Signal.class)
    void everyRunOfItemsIsCutOutWithWhatIsSaidAboutIt(Signal signal) throws Exception {
        int cuts = 0;
        for (long seed = 1; seed <= 60; seed++) {
            byte[] body = new Requests(seed).next(signal);
            List<String> all = items(signal, ByteBuffer.wrap(body));
            for (int first = 0; first < all.size(); first++) {
                for (int last = first; last < all.size(); last += 1 + last / 3) {
                    var slice =
                            ItemSlice.of(signal, ByteBuffer.wrap(body), all.size(), first, last);
                    assertThat(items(signal, slice.orElseThrow()))
                            .isEqualTo(all.subList(first, last + 1));
                    cuts++;
                }
            }
        }
        assertThat(cuts).isGreaterThan(100);
    }

    @ParameterizedTest
    @EnumSource(Signal.class)
    void aBodyThatIsNotWhatItsHeaderSaysIsNotCut(Signal signal) {
        byte[] body = {10, 5, 1};
        assertThat(ItemSlice.of(signal, ByteBuffer.wrap(body), 3, 0, 1)).isEmpty();
        assertThat(ItemSlice.of(signal, ByteBuffer.allocate(0), 3, 0, 1)).isEmpty();
        assertThatThrownBy(() -> ItemSlice.of(signal, ByteBuffer.allocate(0), 3, 0, 3))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
