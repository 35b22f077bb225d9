package io.edged.otlp;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;

import io.edged.otlp.Field.Kind;
import io.opentelemetry.proto.collector.logs.v1.ExportLogsServiceRequest;
import io.opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceRequest;
import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;

import org.junit.jupiter.api.Test;

import java.util.HashSet;
import java.util.Set;

/** The table of JSON names says what the published descriptors say, field for field. */
class FieldsTest {

    private final Set<Schema.Type> seen = new HashSet<>();

    @Test
    void tableAgreesWithThePublishedDescriptors() {
        compare(ExportLogsServiceRequest.getDescriptor(), Schema.root(Signal.LOGS));
        compare(ExportMetricsServiceRequest.getDescriptor(), Schema.root(Signal.METRICS));
        compare(ExportTraceServiceRequest.getDescriptor(), Schema.root(Signal.TRACES));
        assertThat(seen).hasSize(Schema.Type.values().length - 1); // packed varints are no message
    }

    private void compare(Descriptor message, Schema.Type type) {
        if (!seen.add(type)) return;
        Fields fields = Fields.of(type);
        assertThat(fields.all()).as(message.getFullName()).hasSameSizeAs(message.getFields());
        int exclusive = 0;
        for (FieldDescriptor published : message.getFields()) {
            String name = message.getName() + "." + published.getJsonName();
            Field field = fields.named(published.getJsonName());
            assertThat(field).as(name).isNotNull();
            assertThat(field.number()).as(name).isEqualTo(published.getNumber());
            assertThat(field.repeated()).as(name).isEqualTo(published.isRepeated());
            assertThat(field.kind()).as(name).isEqualTo(kind(published));
            boolean isMessage = published.getJavaType() == FieldDescriptor.JavaType.MESSAGE;
            assertThat(field.explicit())
                    .as(name)
                    .isEqualTo(isMessage || (published.hasPresence() && !published.isRepeated()));
            if (published.getRealContainingOneof() != null) exclusive |= 1 << field.number();
            int wireType =
                    published.isPacked() ? WireType.LENGTH : published.getLiteType().getWireType();
            assertThat(field.tag()).as(name).isEqualTo(field.number() << 3 | wireType);
            if (isMessage) compare(published.getMessageType(), field.child());
        }
        assertThat(fields.exclusive()).as(message.getFullName()).isEqualTo(exclusive);
    }

    private static Kind kind(FieldDescriptor field) {
        return switch (field.getType()) {
            case STRING -> Kind.TEXT;
            case BYTES ->
                    switch (field.getJsonName()) {
                        case "traceId" -> Kind.TRACE_ID;
                        case "spanId", "parentSpanId" -> Kind.SPAN_ID;
                        default -> Kind.BYTES;
                    };
            case BOOL -> Kind.BOOL;
            case INT32 -> Kind.INT32;
            case SINT32 -> Kind.SINT32;
            case UINT32 -> Kind.UINT32;
            case INT64 -> Kind.INT64;
            case UINT64 -> Kind.UINT64;
            case FIXED32 -> Kind.FIXED32;
            case FIXED64 -> Kind.FIXED64;
            case SFIXED64 -> Kind.SFIXED64;
            case DOUBLE -> Kind.DOUBLE;
            case ENUM -> Kind.ENUM;
            case MESSAGE -> Kind.MESSAGE;
            default -> throw new AssertionError("OTLP has a field of type " + field.getType());
        };
    }
}
