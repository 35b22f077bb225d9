package io.edged.otlp;

import org.jspecify.annotations.Nullable;

import java.util.EnumMap;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * The fields of an export request, each once: number, JSON name and what it holds. What translates
 * between protobuf and JSON looks fields up by number or name. The skim uses a compact form of the
 * same table: it looks up {@code message type × tag} and learns in one step whether to enter a
 * message, check text, or skip; fields without a length describe themselves by their wire type.
 *
 * <p>A field that the table lacks is skipped, so newer senders are understood. {@code SchemaTest}
 * compares the table with the published descriptors.
 */
final class Schema {

    /** Tags from here on are in no message of OTLP: field numbers end at 31. */
    static final int TAGS = 256;

    /** Bytes that mean nothing to the skim: unknown fields, and {@code bytes}. */
    static final int OPAQUE = 0;

    /** Must be UTF-8. */
    static final int TEXT = 1;

    /** Packed 8-byte numbers: the length must be a multiple of 8. */
    static final int PACKED_FIXED64 = 2;

    /** A message; the type is the action less this. */
    static final int MESSAGE = 3;

    /** Set in the action of a message that is an item. */
    static final int ITEM = 64;

    /** Actions from here on have no length. */
    static final int VARINT = 128;

    static final int FIXED64 = 129;
    static final int FIXED32 = 130;
    static final int GROUP = 131;
    static final int UNKNOWN_WIRE_TYPE = 132;

    /** The message types. Their order is arbitrary; the ordinal is the row of the table. */
    enum Type {
        LOGS_REQUEST,
        RESOURCE_LOGS,
        SCOPE_LOGS,
        LOG_RECORD,
        METRICS_REQUEST,
        RESOURCE_METRICS,
        SCOPE_METRICS,
        METRIC,
        GAUGE,
        SUM,
        HISTOGRAM,
        EXPONENTIAL_HISTOGRAM,
        SUMMARY,
        NUMBER_POINT,
        HISTOGRAM_POINT,
        EXPONENTIAL_HISTOGRAM_POINT,
        BUCKETS,
        SUMMARY_POINT,
        VALUE_AT_QUANTILE,
        EXEMPLAR,
        TRACES_REQUEST,
        RESOURCE_SPANS,
        SCOPE_SPANS,
        SPAN,
        SPAN_EVENT,
        SPAN_LINK,
        SPAN_STATUS,
        RESOURCE,
        ENTITY_REF,
        SCOPE,
        KEY_VALUE,
        ANY_VALUE,
        ARRAY_VALUE,
        KEY_VALUE_LIST,
        /** Not a message: a run of varints without tags. */
        PACKED_VARINTS;

        /** The row of the table, which stands for the type while a body is skimmed. */
        @SuppressWarnings("EnumOrdinal") // an index into an array built from values()
        int row() {
            return ordinal();
        }
    }

    /** What a field holds, beyond its wire type. */
    enum Kind {
        BOOL(WireType.VARINT),
        INT32(WireType.VARINT),
        UINT32(WireType.VARINT),
        SINT32(WireType.VARINT),
        INT64(WireType.VARINT),
        UINT64(WireType.VARINT),
        ENUM(WireType.VARINT),
        FIXED32(WireType.FIXED32),
        FIXED64(WireType.FIXED64),
        SFIXED64(WireType.FIXED64),
        DOUBLE(WireType.FIXED64),
        TEXT(WireType.LENGTH),
        BYTES(WireType.LENGTH),
        /** Bytes that JSON shows as hexadecimal digits: trace and span ids. */
        ID(WireType.LENGTH),
        MESSAGE(WireType.LENGTH);

        private final int wireType;

        Kind(int wireType) {
            this.wireType = wireType;
        }

        /** The wire type of one value; a list of numbers may also come packed. */
        int wireType() {
            return wireType;
        }
    }

    /**
     * One field of a message.
     *
     * @param number 1 to 31
     * @param name as JSON has it: lowerCamelCase
     * @param repeated whether JSON shows it as an array
     * @param choice whether it excludes the message's other fields that say so (no message of OTLP
     *     has two such sets); the last one on the wire holds
     * @param item whether each occurrence is a log record, data point or span
     * @param optional whether it can be there with the value 0, although it is no choice
     * @param message type of what it holds, if that is a message
     */
    record Field(
            int number,
            String name,
            Kind kind,
            boolean repeated,
            boolean choice,
            boolean item,
            boolean optional,
            Optional<Type> message) {

        private Field asChoice() {
            return new Field(number, name, kind, repeated, true, item, optional, message);
        }

        private Field asOptional() {
            return new Field(number, name, kind, repeated, choice, item, true, message);
        }
    }

    private static final int FIELDS = TAGS >>> 3;
    private static final byte[] ACTIONS = new byte[Type.values().length * TAGS];
    private static final @Nullable Field[] BY_NUMBER = new Field[Type.values().length * FIELDS];
    private static final Map<Type, Map<String, Field>> BY_NAME = new EnumMap<>(Type.class);

    static {
        for (int i = 0; i < ACTIONS.length; i++) ACTIONS[i] = (byte) unknown(i);
        for (Type type : Type.values()) BY_NAME.put(type, new HashMap<>());
        add(Type.LOGS_REQUEST, messages(1, "resourceLogs", Type.RESOURCE_LOGS));
        add(Type.RESOURCE_LOGS, message(1, "resource", Type.RESOURCE));
        add(Type.RESOURCE_LOGS, messages(2, "scopeLogs", Type.SCOPE_LOGS));
        add(Type.RESOURCE_LOGS, one(3, "schemaUrl", Kind.TEXT));
        add(Type.SCOPE_LOGS, message(1, "scope", Type.SCOPE));
        add(Type.SCOPE_LOGS, items(2, "logRecords", Type.LOG_RECORD));
        add(Type.SCOPE_LOGS, one(3, "schemaUrl", Kind.TEXT));
        add(Type.LOG_RECORD, one(1, "timeUnixNano", Kind.FIXED64));
        add(Type.LOG_RECORD, one(11, "observedTimeUnixNano", Kind.FIXED64));
        add(Type.LOG_RECORD, one(2, "severityNumber", Kind.ENUM));
        add(Type.LOG_RECORD, one(3, "severityText", Kind.TEXT));
        add(Type.LOG_RECORD, message(5, "body", Type.ANY_VALUE));
        add(Type.LOG_RECORD, messages(6, "attributes", Type.KEY_VALUE));
        add(Type.LOG_RECORD, one(7, "droppedAttributesCount", Kind.UINT32));
        add(Type.LOG_RECORD, one(8, "flags", Kind.FIXED32));
        add(Type.LOG_RECORD, one(9, "traceId", Kind.ID));
        add(Type.LOG_RECORD, one(10, "spanId", Kind.ID));
        add(Type.LOG_RECORD, one(12, "eventName", Kind.TEXT));

        add(Type.METRICS_REQUEST, messages(1, "resourceMetrics", Type.RESOURCE_METRICS));
        add(Type.RESOURCE_METRICS, message(1, "resource", Type.RESOURCE));
        add(Type.RESOURCE_METRICS, messages(2, "scopeMetrics", Type.SCOPE_METRICS));
        add(Type.RESOURCE_METRICS, one(3, "schemaUrl", Kind.TEXT));
        add(Type.SCOPE_METRICS, message(1, "scope", Type.SCOPE));
        add(Type.SCOPE_METRICS, messages(2, "metrics", Type.METRIC));
        add(Type.SCOPE_METRICS, one(3, "schemaUrl", Kind.TEXT));
        add(Type.METRIC, one(1, "name", Kind.TEXT));
        add(Type.METRIC, one(2, "description", Kind.TEXT));
        add(Type.METRIC, one(3, "unit", Kind.TEXT));
        add(Type.METRIC, message(5, "gauge", Type.GAUGE).asChoice());
        add(Type.METRIC, message(7, "sum", Type.SUM).asChoice());
        add(Type.METRIC, message(9, "histogram", Type.HISTOGRAM).asChoice());
        add(
                Type.METRIC,
                message(10, "exponentialHistogram", Type.EXPONENTIAL_HISTOGRAM).asChoice());
        add(Type.METRIC, message(11, "summary", Type.SUMMARY).asChoice());
        add(Type.METRIC, messages(12, "metadata", Type.KEY_VALUE));
        add(Type.GAUGE, items(1, "dataPoints", Type.NUMBER_POINT));
        add(Type.SUM, items(1, "dataPoints", Type.NUMBER_POINT));
        add(Type.SUM, one(2, "aggregationTemporality", Kind.ENUM));
        add(Type.SUM, one(3, "isMonotonic", Kind.BOOL));
        add(Type.HISTOGRAM, items(1, "dataPoints", Type.HISTOGRAM_POINT));
        add(Type.HISTOGRAM, one(2, "aggregationTemporality", Kind.ENUM));
        add(Type.EXPONENTIAL_HISTOGRAM, items(1, "dataPoints", Type.EXPONENTIAL_HISTOGRAM_POINT));
        add(Type.EXPONENTIAL_HISTOGRAM, one(2, "aggregationTemporality", Kind.ENUM));
        add(Type.SUMMARY, items(1, "dataPoints", Type.SUMMARY_POINT));
        add(Type.NUMBER_POINT, one(2, "startTimeUnixNano", Kind.FIXED64));
        add(Type.NUMBER_POINT, one(3, "timeUnixNano", Kind.FIXED64));
        add(Type.NUMBER_POINT, one(4, "asDouble", Kind.DOUBLE).asChoice());
        add(Type.NUMBER_POINT, one(6, "asInt", Kind.SFIXED64).asChoice());
        add(Type.NUMBER_POINT, messages(5, "exemplars", Type.EXEMPLAR));
        add(Type.NUMBER_POINT, messages(7, "attributes", Type.KEY_VALUE));
        add(Type.NUMBER_POINT, one(8, "flags", Kind.UINT32));
        add(Type.HISTOGRAM_POINT, one(2, "startTimeUnixNano", Kind.FIXED64));
        add(Type.HISTOGRAM_POINT, one(3, "timeUnixNano", Kind.FIXED64));
        add(Type.HISTOGRAM_POINT, one(4, "count", Kind.FIXED64));
        add(Type.HISTOGRAM_POINT, one(5, "sum", Kind.DOUBLE).asOptional());
        add(Type.HISTOGRAM_POINT, list(6, "bucketCounts", Kind.FIXED64));
        add(Type.HISTOGRAM_POINT, list(7, "explicitBounds", Kind.DOUBLE));
        add(Type.HISTOGRAM_POINT, messages(8, "exemplars", Type.EXEMPLAR));
        add(Type.HISTOGRAM_POINT, messages(9, "attributes", Type.KEY_VALUE));
        add(Type.HISTOGRAM_POINT, one(10, "flags", Kind.UINT32));
        add(Type.HISTOGRAM_POINT, one(11, "min", Kind.DOUBLE).asOptional());
        add(Type.HISTOGRAM_POINT, one(12, "max", Kind.DOUBLE).asOptional());
        add(Type.EXPONENTIAL_HISTOGRAM_POINT, messages(1, "attributes", Type.KEY_VALUE));
        add(Type.EXPONENTIAL_HISTOGRAM_POINT, one(2, "startTimeUnixNano", Kind.FIXED64));
        add(Type.EXPONENTIAL_HISTOGRAM_POINT, one(3, "timeUnixNano", Kind.FIXED64));
        add(Type.EXPONENTIAL_HISTOGRAM_POINT, one(4, "count", Kind.FIXED64));
        add(Type.EXPONENTIAL_HISTOGRAM_POINT, one(5, "sum", Kind.DOUBLE).asOptional());
        add(Type.EXPONENTIAL_HISTOGRAM_POINT, one(6, "scale", Kind.SINT32));
        add(Type.EXPONENTIAL_HISTOGRAM_POINT, one(7, "zeroCount", Kind.FIXED64));
        add(Type.EXPONENTIAL_HISTOGRAM_POINT, message(8, "positive", Type.BUCKETS));
        add(Type.EXPONENTIAL_HISTOGRAM_POINT, message(9, "negative", Type.BUCKETS));
        add(Type.EXPONENTIAL_HISTOGRAM_POINT, one(10, "flags", Kind.UINT32));
        add(Type.EXPONENTIAL_HISTOGRAM_POINT, messages(11, "exemplars", Type.EXEMPLAR));
        add(Type.EXPONENTIAL_HISTOGRAM_POINT, one(12, "min", Kind.DOUBLE).asOptional());
        add(Type.EXPONENTIAL_HISTOGRAM_POINT, one(13, "max", Kind.DOUBLE).asOptional());
        add(Type.EXPONENTIAL_HISTOGRAM_POINT, one(14, "zeroThreshold", Kind.DOUBLE));
        add(Type.BUCKETS, one(1, "offset", Kind.SINT32));
        add(Type.BUCKETS, list(2, "bucketCounts", Kind.UINT64));
        add(Type.SUMMARY_POINT, one(2, "startTimeUnixNano", Kind.FIXED64));
        add(Type.SUMMARY_POINT, one(3, "timeUnixNano", Kind.FIXED64));
        add(Type.SUMMARY_POINT, one(4, "count", Kind.FIXED64));
        add(Type.SUMMARY_POINT, one(5, "sum", Kind.DOUBLE));
        add(Type.SUMMARY_POINT, messages(6, "quantileValues", Type.VALUE_AT_QUANTILE));
        add(Type.SUMMARY_POINT, messages(7, "attributes", Type.KEY_VALUE));
        add(Type.SUMMARY_POINT, one(8, "flags", Kind.UINT32));
        add(Type.VALUE_AT_QUANTILE, one(1, "quantile", Kind.DOUBLE));
        add(Type.VALUE_AT_QUANTILE, one(2, "value", Kind.DOUBLE));
        add(Type.EXEMPLAR, one(2, "timeUnixNano", Kind.FIXED64));
        add(Type.EXEMPLAR, one(3, "asDouble", Kind.DOUBLE).asChoice());
        add(Type.EXEMPLAR, one(4, "spanId", Kind.ID));
        add(Type.EXEMPLAR, one(5, "traceId", Kind.ID));
        add(Type.EXEMPLAR, one(6, "asInt", Kind.SFIXED64).asChoice());
        add(Type.EXEMPLAR, messages(7, "filteredAttributes", Type.KEY_VALUE));

        add(Type.TRACES_REQUEST, messages(1, "resourceSpans", Type.RESOURCE_SPANS));
        add(Type.RESOURCE_SPANS, message(1, "resource", Type.RESOURCE));
        add(Type.RESOURCE_SPANS, messages(2, "scopeSpans", Type.SCOPE_SPANS));
        add(Type.RESOURCE_SPANS, one(3, "schemaUrl", Kind.TEXT));
        add(Type.SCOPE_SPANS, message(1, "scope", Type.SCOPE));
        add(Type.SCOPE_SPANS, items(2, "spans", Type.SPAN));
        add(Type.SCOPE_SPANS, one(3, "schemaUrl", Kind.TEXT));
        add(Type.SPAN, one(1, "traceId", Kind.ID));
        add(Type.SPAN, one(2, "spanId", Kind.ID));
        add(Type.SPAN, one(3, "traceState", Kind.TEXT));
        add(Type.SPAN, one(4, "parentSpanId", Kind.ID));
        add(Type.SPAN, one(5, "name", Kind.TEXT));
        add(Type.SPAN, one(6, "kind", Kind.ENUM));
        add(Type.SPAN, one(7, "startTimeUnixNano", Kind.FIXED64));
        add(Type.SPAN, one(8, "endTimeUnixNano", Kind.FIXED64));
        add(Type.SPAN, messages(9, "attributes", Type.KEY_VALUE));
        add(Type.SPAN, one(10, "droppedAttributesCount", Kind.UINT32));
        add(Type.SPAN, messages(11, "events", Type.SPAN_EVENT));
        add(Type.SPAN, one(12, "droppedEventsCount", Kind.UINT32));
        add(Type.SPAN, messages(13, "links", Type.SPAN_LINK));
        add(Type.SPAN, one(14, "droppedLinksCount", Kind.UINT32));
        add(Type.SPAN, message(15, "status", Type.SPAN_STATUS));
        add(Type.SPAN, one(16, "flags", Kind.FIXED32));
        add(Type.SPAN_EVENT, one(1, "timeUnixNano", Kind.FIXED64));
        add(Type.SPAN_EVENT, one(2, "name", Kind.TEXT));
        add(Type.SPAN_EVENT, messages(3, "attributes", Type.KEY_VALUE));
        add(Type.SPAN_EVENT, one(4, "droppedAttributesCount", Kind.UINT32));
        add(Type.SPAN_LINK, one(1, "traceId", Kind.ID));
        add(Type.SPAN_LINK, one(2, "spanId", Kind.ID));
        add(Type.SPAN_LINK, one(3, "traceState", Kind.TEXT));
        add(Type.SPAN_LINK, messages(4, "attributes", Type.KEY_VALUE));
        add(Type.SPAN_LINK, one(5, "droppedAttributesCount", Kind.UINT32));
        add(Type.SPAN_LINK, one(6, "flags", Kind.FIXED32));
        add(Type.SPAN_STATUS, one(2, "message", Kind.TEXT));
        add(Type.SPAN_STATUS, one(3, "code", Kind.ENUM));

        add(Type.RESOURCE, messages(1, "attributes", Type.KEY_VALUE));
        add(Type.RESOURCE, one(2, "droppedAttributesCount", Kind.UINT32));
        add(Type.RESOURCE, messages(3, "entityRefs", Type.ENTITY_REF));
        add(Type.ENTITY_REF, one(1, "schemaUrl", Kind.TEXT));
        add(Type.ENTITY_REF, one(2, "type", Kind.TEXT));
        add(Type.ENTITY_REF, list(3, "idKeys", Kind.TEXT));
        add(Type.ENTITY_REF, list(4, "descriptionKeys", Kind.TEXT));
        add(Type.SCOPE, one(1, "name", Kind.TEXT));
        add(Type.SCOPE, one(2, "version", Kind.TEXT));
        add(Type.SCOPE, messages(3, "attributes", Type.KEY_VALUE));
        add(Type.SCOPE, one(4, "droppedAttributesCount", Kind.UINT32));
        add(Type.KEY_VALUE, one(1, "key", Kind.TEXT));
        add(Type.KEY_VALUE, message(2, "value", Type.ANY_VALUE));
        add(Type.KEY_VALUE, one(3, "keyStrindex", Kind.INT32));
        add(Type.ANY_VALUE, one(1, "stringValue", Kind.TEXT).asChoice());
        add(Type.ANY_VALUE, one(2, "boolValue", Kind.BOOL).asChoice());
        add(Type.ANY_VALUE, one(3, "intValue", Kind.INT64).asChoice());
        add(Type.ANY_VALUE, one(4, "doubleValue", Kind.DOUBLE).asChoice());
        add(Type.ANY_VALUE, message(5, "arrayValue", Type.ARRAY_VALUE).asChoice());
        add(Type.ANY_VALUE, message(6, "kvlistValue", Type.KEY_VALUE_LIST).asChoice());
        add(Type.ANY_VALUE, one(7, "bytesValue", Kind.BYTES).asChoice());
        add(Type.ANY_VALUE, one(8, "stringValueStrindex", Kind.INT32).asChoice());
        add(Type.ARRAY_VALUE, messages(1, "values", Type.ANY_VALUE));
        add(Type.KEY_VALUE_LIST, messages(1, "values", Type.KEY_VALUE));
    }

    /** By type: whether items lie somewhere in its messages. */
    private static final boolean[] HOLDS_ITEMS = new boolean[Type.values().length];

    static {
        for (int type = 0; type < HOLDS_ITEMS.length; type++)
            HOLDS_ITEMS[type] = findItems(type, 0);
    }

    /** Items lie at most 5 messages deep, and values inside each other without an end. */
    private static boolean findItems(int type, int depth) {
        if (depth > 5) return false;
        for (int tag = WireType.LENGTH; tag < TAGS; tag += 8) {
            int action = action(type, tag);
            if (action >= ITEM && action < VARINT) return true;
            if (action >= MESSAGE && action < ITEM && findItems(action - MESSAGE, depth + 1))
                return true;
        }
        return false;
    }

    private Schema() {}

    /** Whether items lie in the messages of a type, given by its row. */
    static boolean holdsItems(int type) {
        return HOLDS_ITEMS[type];
    }

    /** What to do with a field; {@link #ITEM} may be set in it. */
    static int action(int type, int tag) {
        return ACTIONS[type * TAGS + tag] & 0xFF;
    }

    /** What to do with a field that no message has. */
    static int unknown(int tag) {
        return switch (tag & 7) {
            case WireType.VARINT -> VARINT;
            case WireType.FIXED64 -> FIXED64;
            case WireType.LENGTH -> OPAQUE;
            case WireType.FIXED32 -> FIXED32;
            case WireType.GROUP_START, WireType.GROUP_END -> GROUP;
            default -> UNKNOWN_WIRE_TYPE;
        };
    }

    static Type root(Signal signal) {
        return switch (signal) {
            case LOGS -> Type.LOGS_REQUEST;
            case METRICS -> Type.METRICS_REQUEST;
            case TRACES -> Type.TRACES_REQUEST;
        };
    }

    /** The field of this number, if the message has one. */
    static Optional<Field> field(Type type, int number) {
        if (number <= 0 || number >= FIELDS) return Optional.empty();
        return Optional.ofNullable(BY_NUMBER[type.row() * FIELDS + number]);
    }

    /** The field that JSON calls so, if the message has one. */
    static Optional<Field> field(Type type, String name) {
        return Optional.ofNullable(fields(type).get(name));
    }

    private static Map<String, Field> fields(Type type) {
        Map<String, Field> fields = BY_NAME.get(type);
        if (fields == null) throw new IllegalStateException("no fields of " + type);
        return fields;
    }

    private static Field one(int number, String name, Kind kind) {
        return new Field(number, name, kind, false, false, false, false, Optional.empty());
    }

    private static Field list(int number, String name, Kind kind) {
        return new Field(number, name, kind, true, false, false, false, Optional.empty());
    }

    private static Field message(int number, String name, Type message) {
        return new Field(
                number, name, Kind.MESSAGE, false, false, false, false, Optional.of(message));
    }

    private static Field messages(int number, String name, Type message) {
        return new Field(
                number, name, Kind.MESSAGE, true, false, false, false, Optional.of(message));
    }

    private static Field items(int number, String name, Type message) {
        return new Field(
                number, name, Kind.MESSAGE, true, false, true, false, Optional.of(message));
    }

    private static void add(Type type, Field field) {
        BY_NUMBER[type.row() * FIELDS + field.number()] = field;
        fields(type).put(field.name(), field);
        int tag = field.number() << 3 | WireType.LENGTH;
        ACTIONS[type.row() * TAGS + tag] = (byte) action(field);
    }

    private static int action(Field field) {
        return switch (field.kind()) {
            case TEXT -> TEXT;
            case BYTES, ID -> OPAQUE;
            case MESSAGE ->
                    (field.item() ? ITEM : 0) | (MESSAGE + field.message().orElseThrow().row());
            case FIXED64, SFIXED64, DOUBLE -> field.repeated() ? PACKED_FIXED64 : OPAQUE;
            case BOOL, INT32, UINT32, SINT32, INT64, UINT64, ENUM ->
                    field.repeated() ? MESSAGE + Type.PACKED_VARINTS.row() : OPAQUE;
            case FIXED32 -> OPAQUE;
        };
    }
}
