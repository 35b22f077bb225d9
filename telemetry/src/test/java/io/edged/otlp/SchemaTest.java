package io.edged.otlp;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;

import io.opentelemetry.proto.collector.logs.v1.ExportLogsServiceRequest;
import io.opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceRequest;
import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;

import org.junit.jupiter.api.Test;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The table says what the published descriptors say, field for field. */
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
            compare(field, List.of(Schema.Type.values()).get(type));
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

    private static void compare(FieldDescriptor expected, Schema.Type type) {
        String name = expected.getFullName();
        Schema.Field field = Schema.field(type, expected.getNumber()).orElseThrow();
        assertThat(Schema.field(type, expected.getJsonName())).as(name).containsSame(field);
        assertThat(field.name()).as(name).isEqualTo(expected.getJsonName());
        assertThat(field.repeated()).as(name).isEqualTo(expected.isRepeated());
        assertThat(field.item())
                .as(name)
                .isEqualTo(
                        ITEMS.contains(
                                expected.getContainingType().getName() + "." + expected.getName()));
        assertThat(field.choice()).as(name).isEqualTo(expected.getRealContainingOneof() != null);
        assertThat(field.kind()).as(name).isEqualTo(kind(expected));
        assertThat(field.message().isPresent()).isEqualTo(field.kind() == Schema.Kind.MESSAGE);
        assertThat(expected.getContainingType().getRealOneofs())
                .as("choices of one message exclude each other")
                .hasSizeLessThanOrEqualTo(1);
    }

    private static Schema.Kind kind(FieldDescriptor field) {
        return switch (field.getType()) {
            case STRING -> Schema.Kind.TEXT;
            case BYTES ->
                    field.getName().endsWith("trace_id") || field.getName().endsWith("span_id")
                            ? Schema.Kind.ID
                            : Schema.Kind.BYTES;
            default -> Schema.Kind.valueOf(field.getType().name());
        };
    }

    @Test
    void aFieldThatNoMessageHasIsNotFound() {
        assertThat(Schema.field(Schema.Type.SPAN, 17)).isEmpty();
        assertThat(Schema.field(Schema.Type.SPAN, 0)).isEmpty();
        assertThat(Schema.field(Schema.Type.SPAN, -1)).isEmpty();
        assertThat(Schema.field(Schema.Type.SPAN, 1 << 28)).isEmpty();
        assertThat(Schema.field(Schema.Type.SPAN, "trace_id")).isEmpty();
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
