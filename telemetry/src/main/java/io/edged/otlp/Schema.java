package io.edged.otlp;

/**
 * What the fields of an export request hold, as one small table: the skim looks up {@code message
 * type × tag} and learns in one step whether to enter a message, check text, or skip.
 *
 * <p>Only fields with a length are listed; all others describe themselves by their wire type. A
 * field that the table lacks is skipped, so newer senders are understood. {@code SchemaTest}
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

    private static final byte[] ACTIONS = new byte[Type.values().length * TAGS];

    static {
        for (int i = 0; i < ACTIONS.length; i++) ACTIONS[i] = (byte) unknown(i);
        message(Type.LOGS_REQUEST, 1, Type.RESOURCE_LOGS);
        message(Type.RESOURCE_LOGS, 1, Type.RESOURCE);
        message(Type.RESOURCE_LOGS, 2, Type.SCOPE_LOGS);
        text(Type.RESOURCE_LOGS, 3);
        message(Type.SCOPE_LOGS, 1, Type.SCOPE);
        items(Type.SCOPE_LOGS, 2, Type.LOG_RECORD);
        text(Type.SCOPE_LOGS, 3);
        text(Type.LOG_RECORD, 3, 12);
        message(Type.LOG_RECORD, 5, Type.ANY_VALUE);
        message(Type.LOG_RECORD, 6, Type.KEY_VALUE);

        message(Type.METRICS_REQUEST, 1, Type.RESOURCE_METRICS);
        message(Type.RESOURCE_METRICS, 1, Type.RESOURCE);
        message(Type.RESOURCE_METRICS, 2, Type.SCOPE_METRICS);
        text(Type.RESOURCE_METRICS, 3);
        message(Type.SCOPE_METRICS, 1, Type.SCOPE);
        message(Type.SCOPE_METRICS, 2, Type.METRIC);
        text(Type.SCOPE_METRICS, 3);
        text(Type.METRIC, 1, 2, 3);
        message(Type.METRIC, 5, Type.GAUGE);
        message(Type.METRIC, 7, Type.SUM);
        message(Type.METRIC, 9, Type.HISTOGRAM);
        message(Type.METRIC, 10, Type.EXPONENTIAL_HISTOGRAM);
        message(Type.METRIC, 11, Type.SUMMARY);
        message(Type.METRIC, 12, Type.KEY_VALUE);
        items(Type.GAUGE, 1, Type.NUMBER_POINT);
        items(Type.SUM, 1, Type.NUMBER_POINT);
        items(Type.HISTOGRAM, 1, Type.HISTOGRAM_POINT);
        items(Type.EXPONENTIAL_HISTOGRAM, 1, Type.EXPONENTIAL_HISTOGRAM_POINT);
        items(Type.SUMMARY, 1, Type.SUMMARY_POINT);
        message(Type.NUMBER_POINT, 5, Type.EXEMPLAR);
        message(Type.NUMBER_POINT, 7, Type.KEY_VALUE);
        set(Type.HISTOGRAM_POINT, 6, PACKED_FIXED64);
        set(Type.HISTOGRAM_POINT, 7, PACKED_FIXED64);
        message(Type.HISTOGRAM_POINT, 8, Type.EXEMPLAR);
        message(Type.HISTOGRAM_POINT, 9, Type.KEY_VALUE);
        message(Type.EXPONENTIAL_HISTOGRAM_POINT, 1, Type.KEY_VALUE);
        message(Type.EXPONENTIAL_HISTOGRAM_POINT, 8, Type.BUCKETS);
        message(Type.EXPONENTIAL_HISTOGRAM_POINT, 9, Type.BUCKETS);
        message(Type.EXPONENTIAL_HISTOGRAM_POINT, 11, Type.EXEMPLAR);
        message(Type.BUCKETS, 2, Type.PACKED_VARINTS);
        message(Type.SUMMARY_POINT, 6, Type.VALUE_AT_QUANTILE);
        message(Type.SUMMARY_POINT, 7, Type.KEY_VALUE);
        message(Type.EXEMPLAR, 7, Type.KEY_VALUE);

        message(Type.TRACES_REQUEST, 1, Type.RESOURCE_SPANS);
        message(Type.RESOURCE_SPANS, 1, Type.RESOURCE);
        message(Type.RESOURCE_SPANS, 2, Type.SCOPE_SPANS);
        text(Type.RESOURCE_SPANS, 3);
        message(Type.SCOPE_SPANS, 1, Type.SCOPE);
        items(Type.SCOPE_SPANS, 2, Type.SPAN);
        text(Type.SCOPE_SPANS, 3);
        text(Type.SPAN, 3, 5);
        message(Type.SPAN, 9, Type.KEY_VALUE);
        message(Type.SPAN, 11, Type.SPAN_EVENT);
        message(Type.SPAN, 13, Type.SPAN_LINK);
        message(Type.SPAN, 15, Type.SPAN_STATUS);
        text(Type.SPAN_EVENT, 2);
        message(Type.SPAN_EVENT, 3, Type.KEY_VALUE);
        text(Type.SPAN_LINK, 3);
        message(Type.SPAN_LINK, 4, Type.KEY_VALUE);
        text(Type.SPAN_STATUS, 2);

        message(Type.RESOURCE, 1, Type.KEY_VALUE);
        message(Type.RESOURCE, 3, Type.ENTITY_REF);
        text(Type.ENTITY_REF, 1, 2, 3, 4);
        text(Type.SCOPE, 1, 2);
        message(Type.SCOPE, 3, Type.KEY_VALUE);
        text(Type.KEY_VALUE, 1);
        message(Type.KEY_VALUE, 2, Type.ANY_VALUE);
        text(Type.ANY_VALUE, 1);
        message(Type.ANY_VALUE, 5, Type.ARRAY_VALUE);
        message(Type.ANY_VALUE, 6, Type.KEY_VALUE_LIST);
        message(Type.ARRAY_VALUE, 1, Type.ANY_VALUE);
        message(Type.KEY_VALUE_LIST, 1, Type.KEY_VALUE);
    }

    /** By type: whether items lie somewhere in its messages. */
    private static final boolean[] HOLDS_ITEMS = new boolean[Type.values().length];

    static {
        for (int type = 0; type < HOLDS_ITEMS.length; type++) HOLDS_ITEMS[type] = findItems(type, 0);
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

    private static void text(Type type, int... fields) {
        for (int field : fields) set(type, field, TEXT);
    }

    private static void message(Type type, int field, Type child) {
        set(type, field, MESSAGE + child.row());
    }

    private static void items(Type type, int field, Type child) {
        set(type, field, ITEM | (MESSAGE + child.row()));
    }

    private static void set(Type type, int field, int action) {
        ACTIONS[type.row() * TAGS + (field << 3 | WireType.LENGTH)] = (byte) action;
    }
}
