package io.edged.otlp;

import org.jspecify.annotations.Nullable;

import java.nio.ByteBuffer;

/**
 * Leaves records that are too large out of an uncompressed request: copies the byte ranges between
 * them and mends the lengths of the messages around them. Everything else stays as it came, byte
 * for byte, unknown fields included.
 */
public final class RecordCutter {

    private final ByteBuffer body;
    private final int maxRecordBytes;
    private int at;

    private RecordCutter(ByteBuffer body, int maxRecordBytes) {
        this.body = body;
        this.maxRecordBytes = maxRecordBytes;
    }

    /**
     * Copies a body without its large records.
     *
     * @param body between position and limit, which stay; a {@link Skim} has found it well formed
     * @param maxRecordBytes records with more are left out
     * @param out has room for all of the body; what is written advances its position
     */
    public static void cut(Signal signal, ByteBuffer body, int maxRecordBytes, ByteBuffer out) {
        var cutter = new RecordCutter(body.slice(), maxRecordBytes);
        cutter.copy(Schema.root(signal), 0, body.remaining(), out);
    }

    /** Copies the fields of a message that begins and ends here. */
    private void copy(Schema.Type type, int from, int end, ByteBuffer out) {
        at = from;
        while (at < end) {
            int field = at;
            int tag = (int) varint();
            Schema.Type container = container(type, tag);
            if (container == null) {
                if (skip(type, tag)) out.put(body.slice(field, at - field));
                continue;
            }
            int length = (int) varint();
            int begin = at;
            int size = size(container, begin, begin + length);
            put(out, tag & 0xFFFF_FFFFL);
            put(out, size);
            copy(container, begin, begin + length, out);
            at = begin + length;
        }
    }

    /** How many bytes {@link #copy} will write. Messages of this kind are few levels deep. */
    private int size(Schema.Type type, int from, int end) {
        int size = 0;
        at = from;
        while (at < end) {
            int field = at;
            int tag = (int) varint();
            Schema.Type container = container(type, tag);
            if (container == null) {
                if (skip(type, tag)) size += at - field;
                continue;
            }
            int length = (int) varint();
            int begin = at;
            int inner = size(container, begin, begin + length);
            size += varintBytes(tag & 0xFFFF_FFFFL) + varintBytes(inner) + inner;
            at = begin + length;
        }
        return size;
    }

    /** The type of a field that holds records at some depth, or null for any other field. */
    private static Schema.@Nullable Type container(Schema.Type type, int tag) {
        if ((tag & 7) != WireType.LENGTH) return null;
        return Schema.field(type, tag >>> 3)
                .filter(field -> !field.item())
                .flatMap(Schema.Field::message)
                .filter(JsonConversion.CONTAINERS::contains)
                .orElse(null);
    }

    /** Passes over a value; false if it is a record that is too large. */
    private boolean skip(Schema.Type type, int tag) {
        switch (tag & 7) {
            case WireType.VARINT -> varint();
            case WireType.FIXED64 -> at += 8;
            case WireType.FIXED32 -> at += 4;
            case WireType.LENGTH -> {
                int length = (int) varint();
                at += length;
                return length <= maxRecordBytes
                        || !Schema.field(type, tag >>> 3).map(Schema.Field::item).orElse(false);
            }
            default -> throw new IllegalStateException("wire type " + (tag & 7));
        }
        return true;
    }

    private long varint() {
        long value = 0;
        for (int shift = 0; ; shift += 7) {
            byte octet = body.get(at++);
            value |= (long) (octet & 0x7F) << shift;
            if (octet >= 0) return value;
        }
    }

    private static void put(ByteBuffer out, long value) {
        long rest = value;
        for (; rest > 0x7F; rest >>>= 7) out.put((byte) (rest | 0x80));
        out.put((byte) rest);
    }

    private static int varintBytes(long value) {
        int bytes = 1;
        for (long rest = value; rest > 0x7F; rest >>>= 7) bytes++;
        return bytes;
    }
}
