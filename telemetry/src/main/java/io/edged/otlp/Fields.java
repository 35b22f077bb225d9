package io.edged.otlp;

import static io.edged.otlp.Field.Kind.BOOL;
import static io.edged.otlp.Field.Kind.BYTES;
import static io.edged.otlp.Field.Kind.DOUBLE;
import static io.edged.otlp.Field.Kind.ENUM;
import static io.edged.otlp.Field.Kind.FIXED32;
import static io.edged.otlp.Field.Kind.FIXED64;
import static io.edged.otlp.Field.Kind.INT32;
import static io.edged.otlp.Field.Kind.INT64;
import static io.edged.otlp.Field.Kind.MESSAGE;
import static io.edged.otlp.Field.Kind.SFIXED64;
import static io.edged.otlp.Field.Kind.SINT32;
import static io.edged.otlp.Field.Kind.SPAN_ID;
import static io.edged.otlp.Field.Kind.TEXT;
import static io.edged.otlp.Field.Kind.TRACE_ID;
import static io.edged.otlp.Field.Kind.UINT32;
import static io.edged.otlp.Field.Kind.UINT64;

import io.edged.otlp.Field.Kind;
import io.edged.otlp.Schema.Type;

import org.jspecify.annotations.Nullable;

import java.util.Collection;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Every field of OTLP's messages by its JSON name. {@code FieldsTest} compares the table with the
 * published descriptors.
 */
final class Fields {

    private static final Map<Type, Fields> ALL = new EnumMap<>(Type.class);

    static {
        for (Type type : Type.values()) ALL.put(type, new Fields());
        of(Type.LOGS_REQUEST).messages(1, "resourceLogs", Type.RESOURCE_LOGS);
        of(Type.RESOURCE_LOGS)
                .message(1, "resource", Type.RESOURCE)
                .messages(2, "scopeLogs", Type.SCOPE_LOGS)
                .add(3, "schemaUrl", TEXT);
        of(Type.SCOPE_LOGS)
                .message(1, "scope", Type.SCOPE)
                .messages(2, "logRecords", Type.LOG_RECORD)
                .add(3, "schemaUrl", TEXT);
        of(Type.LOG_RECORD)
                .add(1, "timeUnixNano", FIXED64)
                .add(11, "observedTimeUnixNano", FIXED64)
                .add(2, "severityNumber", ENUM)
                .add(3, "severityText", TEXT)
                .message(5, "body", Type.ANY_VALUE)
                .attributes(6, 7)
                .add(8, "flags", FIXED32)
                .add(9, "traceId", TRACE_ID)
                .add(10, "spanId", SPAN_ID)
                .add(12, "eventName", TEXT);

        of(Type.METRICS_REQUEST).messages(1, "resourceMetrics", Type.RESOURCE_METRICS);
        of(Type.RESOURCE_METRICS)
                .message(1, "resource", Type.RESOURCE)
                .messages(2, "scopeMetrics", Type.SCOPE_METRICS)
                .add(3, "schemaUrl", TEXT);
        of(Type.SCOPE_METRICS)
                .message(1, "scope", Type.SCOPE)
                .messages(2, "metrics", Type.METRIC)
                .add(3, "schemaUrl", TEXT);
        of(Type.METRIC)
                .add(1, "name", TEXT)
                .add(2, "description", TEXT)
                .add(3, "unit", TEXT)
                .message(5, "gauge", Type.GAUGE)
                .message(7, "sum", Type.SUM)
                .message(9, "histogram", Type.HISTOGRAM)
                .message(10, "exponentialHistogram", Type.EXPONENTIAL_HISTOGRAM)
                .message(11, "summary", Type.SUMMARY)
                .messages(12, "metadata", Type.KEY_VALUE)
                .oneOf(5, 7, 9, 10, 11);
        of(Type.GAUGE).messages(1, "dataPoints", Type.NUMBER_POINT);
        of(Type.SUM)
                .messages(1, "dataPoints", Type.NUMBER_POINT)
                .add(2, "aggregationTemporality", ENUM)
                .add(3, "isMonotonic", BOOL);
        of(Type.HISTOGRAM)
                .messages(1, "dataPoints", Type.HISTOGRAM_POINT)
                .add(2, "aggregationTemporality", ENUM);
        of(Type.EXPONENTIAL_HISTOGRAM)
                .messages(1, "dataPoints", Type.EXPONENTIAL_HISTOGRAM_POINT)
                .add(2, "aggregationTemporality", ENUM);
        of(Type.SUMMARY).messages(1, "dataPoints", Type.SUMMARY_POINT);
        of(Type.NUMBER_POINT)
                .messages(7, "attributes", Type.KEY_VALUE)
                .add(2, "startTimeUnixNano", FIXED64)
                .add(3, "timeUnixNano", FIXED64)
                .explicit(4, "asDouble", DOUBLE)
                .explicit(6, "asInt", SFIXED64)
                .messages(5, "exemplars", Type.EXEMPLAR)
                .add(8, "flags", UINT32)
                .oneOf(4, 6);
        of(Type.HISTOGRAM_POINT)
                .messages(9, "attributes", Type.KEY_VALUE)
                .add(2, "startTimeUnixNano", FIXED64)
                .add(3, "timeUnixNano", FIXED64)
                .add(4, "count", FIXED64)
                .explicit(5, "sum", DOUBLE)
                .numbers(6, "bucketCounts", FIXED64)
                .numbers(7, "explicitBounds", DOUBLE)
                .messages(8, "exemplars", Type.EXEMPLAR)
                .add(10, "flags", UINT32)
                .explicit(11, "min", DOUBLE)
                .explicit(12, "max", DOUBLE);
        of(Type.EXPONENTIAL_HISTOGRAM_POINT)
                .messages(1, "attributes", Type.KEY_VALUE)
                .add(2, "startTimeUnixNano", FIXED64)
                .add(3, "timeUnixNano", FIXED64)
                .add(4, "count", FIXED64)
                .explicit(5, "sum", DOUBLE)
                .add(6, "scale", SINT32)
                .add(7, "zeroCount", FIXED64)
                .message(8, "positive", Type.BUCKETS)
                .message(9, "negative", Type.BUCKETS)
                .add(10, "flags", UINT32)
                .messages(11, "exemplars", Type.EXEMPLAR)
                .explicit(12, "min", DOUBLE)
                .explicit(13, "max", DOUBLE)
                .add(14, "zeroThreshold", DOUBLE);
        of(Type.BUCKETS).add(1, "offset", SINT32).numbers(2, "bucketCounts", UINT64);
        of(Type.SUMMARY_POINT)
                .messages(7, "attributes", Type.KEY_VALUE)
                .add(2, "startTimeUnixNano", FIXED64)
                .add(3, "timeUnixNano", FIXED64)
                .add(4, "count", FIXED64)
                .add(5, "sum", DOUBLE)
                .messages(6, "quantileValues", Type.VALUE_AT_QUANTILE)
                .add(8, "flags", UINT32);
        of(Type.VALUE_AT_QUANTILE).add(1, "quantile", DOUBLE).add(2, "value", DOUBLE);
        of(Type.EXEMPLAR)
                .messages(7, "filteredAttributes", Type.KEY_VALUE)
                .add(2, "timeUnixNano", FIXED64)
                .explicit(3, "asDouble", DOUBLE)
                .explicit(6, "asInt", SFIXED64)
                .add(4, "spanId", SPAN_ID)
                .add(5, "traceId", TRACE_ID)
                .oneOf(3, 6);

        of(Type.TRACES_REQUEST).messages(1, "resourceSpans", Type.RESOURCE_SPANS);
        of(Type.RESOURCE_SPANS)
                .message(1, "resource", Type.RESOURCE)
                .messages(2, "scopeSpans", Type.SCOPE_SPANS)
                .add(3, "schemaUrl", TEXT);
        of(Type.SCOPE_SPANS)
                .message(1, "scope", Type.SCOPE)
                .messages(2, "spans", Type.SPAN)
                .add(3, "schemaUrl", TEXT);
        of(Type.SPAN)
                .add(1, "traceId", TRACE_ID)
                .add(2, "spanId", SPAN_ID)
                .add(3, "traceState", TEXT)
                .add(4, "parentSpanId", SPAN_ID)
                .add(16, "flags", FIXED32)
                .add(5, "name", TEXT)
                .add(6, "kind", ENUM)
                .add(7, "startTimeUnixNano", FIXED64)
                .add(8, "endTimeUnixNano", FIXED64)
                .attributes(9, 10)
                .messages(11, "events", Type.SPAN_EVENT)
                .add(12, "droppedEventsCount", UINT32)
                .messages(13, "links", Type.SPAN_LINK)
                .add(14, "droppedLinksCount", UINT32)
                .message(15, "status", Type.SPAN_STATUS);
        of(Type.SPAN_EVENT).add(1, "timeUnixNano", FIXED64).add(2, "name", TEXT).attributes(3, 4);
        of(Type.SPAN_LINK)
                .add(1, "traceId", TRACE_ID)
                .add(2, "spanId", SPAN_ID)
                .add(3, "traceState", TEXT)
                .attributes(4, 5)
                .add(6, "flags", FIXED32);
        of(Type.SPAN_STATUS).add(2, "message", TEXT).add(3, "code", ENUM);

        of(Type.RESOURCE).attributes(1, 2).messages(3, "entityRefs", Type.ENTITY_REF);
        of(Type.ENTITY_REF)
                .add(1, "schemaUrl", TEXT)
                .add(2, "type", TEXT)
                .texts(3, "idKeys")
                .texts(4, "descriptionKeys");
        of(Type.SCOPE).add(1, "name", TEXT).add(2, "version", TEXT).attributes(3, 4);
        of(Type.KEY_VALUE)
                .add(1, "key", TEXT)
                .message(2, "value", Type.ANY_VALUE)
                .add(3, "keyStrindex", INT32);
        of(Type.ANY_VALUE)
                .explicit(1, "stringValue", TEXT)
                .explicit(2, "boolValue", BOOL)
                .explicit(3, "intValue", INT64)
                .explicit(4, "doubleValue", DOUBLE)
                .message(5, "arrayValue", Type.ARRAY_VALUE)
                .message(6, "kvlistValue", Type.KEY_VALUE_LIST)
                .explicit(7, "bytesValue", BYTES)
                .explicit(8, "stringValueStrindex", INT32)
                .oneOf(1, 2, 3, 4, 5, 6, 7, 8);
        of(Type.ARRAY_VALUE).messages(1, "values", Type.ANY_VALUE);
        of(Type.KEY_VALUE_LIST).messages(1, "values", Type.KEY_VALUE);
    }

    private final Map<String, Field> byName = new LinkedHashMap<>();

    /** Bits of the field numbers of which only one may be there. */
    private int exclusive;

    private Fields() {}

    static Fields of(Type type) {
        Fields fields = ALL.get(type);
        if (fields == null) throw new IllegalStateException("no fields for " + type);
        return fields;
    }

    /** The field of a JSON name; null if the message has none. */
    @Nullable Field named(String name) {
        return byName.get(name);
    }

    Collection<Field> all() {
        return byName.values();
    }

    int exclusive() {
        return exclusive;
    }

    private Fields add(int number, String name, Kind kind) {
        return put(new Field(number, name, kind, null, false, false));
    }

    private Fields explicit(int number, String name, Kind kind) {
        return put(new Field(number, name, kind, null, false, true));
    }

    private Fields numbers(int number, String name, Kind kind) {
        return put(new Field(number, name, kind, null, true, false));
    }

    private Fields texts(int number, String name) {
        return put(new Field(number, name, TEXT, null, true, false));
    }

    private Fields message(int number, String name, Type child) {
        return put(new Field(number, name, MESSAGE, child, false, true));
    }

    private Fields messages(int number, String name, Type child) {
        return put(new Field(number, name, MESSAGE, child, true, true));
    }

    private Fields attributes(int number, int droppedNumber) {
        return messages(number, "attributes", Type.KEY_VALUE)
                .add(droppedNumber, "droppedAttributesCount", UINT32);
    }

    private Fields put(Field field) {
        byName.put(field.name(), field);
        return this;
    }

    private Fields oneOf(int... numbers) {
        for (int number : numbers) exclusive |= 1 << number;
        return this;
    }
}
