package io.edged.otlp;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;

import io.opentelemetry.proto.collector.logs.v1.ExportLogsServiceRequest;
import io.opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceRequest;
import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;

import org.junit.jupiter.api.Test;

import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/** The skim's table says what the published descriptors say, field for field. */
class SchemaTest {

    private static final Set<String> ITEMS =
            Set.of(
                    "ScopeLogs.log_records",
                    "Gauge.data_points",
                    "Sum.data_points",
                    "Histogram.data_points",
                    "ExponentialHistogram.data_points",
                    "Summary.data_points",
                    "ScopeSpans.spans");

    private final Map<String, Integer> seen = new HashMap<>();
    private int items;

    @Test
    void tableAgreesWithThePublishedDescriptors() {
        compare(ExportLogsServiceRequest.getDescriptor(), Schema.root(Signal.LOGS).row());
        compare(ExportMetricsServiceRequest.getDescriptor(), Schema.root(Signal.METRICS).row());
        compare(ExportTraceServiceRequest.getDescriptor(), Schema.root(Signal.TRACES).row());
        assertThat(seen).hasSize(Schema.Type.values().length - 1); // packed varints are no message
        assertThat(items).isEqualTo(ITEMS.size());
    }

    private void compare(Descriptor message, int type) {
        Integer known = seen.putIfAbsent(message.getFullName(), type);
        if (known != null) {
            assertThat(type).as(message.getFullName()).isEqualTo(known);
            return;
        }
        for (FieldDescriptor field : message.getFields()) {
            int tag = field.getNumber() << 3 | WireType.LENGTH;
            assertThat(tag).isLessThan(Schema.TAGS);
            int action = Schema.action(type, tag);
            String name = message.getName() + "." + field.getName();
            assertThat(action >= Schema.ITEM).as(name).isEqualTo(ITEMS.contains(name));
            if (action >= Schema.ITEM) items++;
            action &= ~Schema.ITEM;
            if (field.getJavaType() == FieldDescriptor.JavaType.MESSAGE) {
                assertThat(action).as(name).isGreaterThanOrEqualTo(Schema.MESSAGE);
                compare(field.getMessageType(), action - Schema.MESSAGE);
            } else {
                assertThat(action).as(name).isEqualTo(expected(field));
            }
        }
    }

    private static int expected(FieldDescriptor field) {
        if (field.getType() == FieldDescriptor.Type.STRING) return Schema.TEXT;
        if (!field.isPackable()) return Schema.OPAQUE;
        return switch (field.getType()) {
            case FIXED64, SFIXED64, DOUBLE -> Schema.PACKED_FIXED64;
            case UINT64, INT64 -> Schema.MESSAGE + Schema.Type.PACKED_VARINTS.row();
            default -> throw new AssertionError("the skim does not know packed " + field.getType());
        };
    }
}
