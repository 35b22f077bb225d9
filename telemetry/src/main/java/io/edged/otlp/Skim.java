package io.edged.otlp;

import org.jspecify.annotations.Nullable;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * One pass over an export request that proves it well formed and counts its items (log records,
 * data points, spans), without building objects and without allocating unless the request is bad.
 *
 * <p>The body may come in any number of parts, cut anywhere: {@link #begin}, {@link #feed} for each
 * part, {@link #end}. Parts are read where they lie; only a field header that a cut runs through is
 * copied. A skim is reused for one body after the other; one thread at a time.
 *
 * <p><b>How deep it looks: all the way.</b> Every message that the OTLP schema names is entered, so
 * that what is stored can be decoded by whoever gets it later, alone or merged with others:
 * acknowledged data that upstream then refuses would be the worse answer. Checked are
 *
 * <ul>
 *   <li>tags, varints (at most 10 bytes, 64 bits) and lengths, each inside its enclosing message;
 *   <li>field numbers (1 to 2<sup>29</sup> − 1) and wire types; groups are refused, OTLP has none;
 *   <li>text: UTF-8 as proto3 demands, without surrogates and overlong forms;
 *   <li>packed numbers;
 *   <li>nesting: at most {@value #MAX_DEPTH} messages inside each other, as official decoders
 *       allow.
 * </ul>
 *
 * Not checked: the bytes of unknown fields, and meaning (lengths of ids, ranges, duplicates). A
 * known field with another wire type is an unknown field, as everywhere in protobuf. A metric that
 * carries two kinds of data counts the points of both, although decoders keep only the last kind.
 */
public final class Skim {

    /** Messages inside each other, the request itself not counted. */
    public static final int MAX_DEPTH = 100;

    /** Far above any limit on bodies; keeps all positions in an int. */
    private static final int MAX_BODY_BYTES = 1 << 30;

    /** Longest tag and varint or length that may follow it. */
    private static final int HEADER_BYTES = 20;

    private static final long NON_ASCII = 0x8080_8080_8080_8080L;

    /** Little-endian whatever the order of the buffer, so that a mask can cut off the tail. */
    private static final VarHandle LONGS =
            MethodHandles.byteBufferViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    private static final int PACKED_VARINTS = Schema.Type.PACKED_VARINTS.row();

    private static final int INCOMPLETE = -1;
    private static final int OVERLONG = -2;

    private enum State {
        /** Between two fields. */
        FIELD,
        /** Inside bytes that are not looked at, until {@link #valueEnd}. */
        SKIP,
        /** Inside text, until {@link #valueEnd}. */
        TEXT
    }

    /** The messages around the current position: where each ends, and its type. */
    private final int[] ends = new int[MAX_DEPTH + 1];

    private final int[] types = new int[MAX_DEPTH + 1];

    /** A field header that began in an earlier part; direct like the parts, for one code path. */
    private final ByteBuffer carry = ByteBuffer.allocateDirect(HEADER_BYTES);

    private int carried;
    private int depth;
    private State state = State.FIELD;
    private int valueEnd;

    /** Bytes still missing in the current UTF-8 sequence, and the range of the next one. */
    private int sequenceLeft;

    private int sequenceLow;
    private int sequenceHigh;

    /** Position in the body of the first byte that was not consumed (carried bytes are). */
    private int position;

    /** Where the last {@link #varint} ended, or why it did not. */
    private int varintEnd;

    private int items;
    private boolean mergeable;
    private @Nullable Malformed malformed;

    /** Starts over with the body of a request of this signal. */
    public void begin(Signal signal) {
        ends[0] = MAX_BODY_BYTES;
        types[0] = Schema.root(signal).row();
        carried = 0;
        depth = 0;
        state = State.FIELD;
        sequenceLeft = 0;
        position = 0;
        items = 0;
        mergeable = true;
        malformed = null;
    }

    /**
     * Looks at the next part, between its position and limit, and leaves both alone.
     *
     * @return false if the body is malformed, in this part or an earlier one
     */
    public boolean feed(ByteBuffer part) {
        if (malformed != null) return false;
        if (part.remaining() >= MAX_BODY_BYTES - position)
            return fail(position, "the body is longer than 1 GiB");
        if (part.limit() > MAX_BODY_BYTES) part = part.slice();
        int index = part.position();
        int limit = part.limit();
        if (carried > 0) {
            index = feedCarried(part, index, limit);
            if (malformed != null) return false;
        }
        if (carried > 0 || index == limit) return true;
        int stopped = run(part, index, limit);
        if (malformed != null) return false;
        if (stopped < limit) {
            carried = limit - stopped;
            carry.put(0, part, stopped, carried);
            position += carried;
        }
        return true;
    }

    /**
     * Says that the body is complete.
     *
     * @return false if it is malformed, which includes ending inside a field
     */
    public boolean end() {
        if (malformed != null) return false;
        if (carried > 0) return fail(position - carried, "the body ends inside a field");
        if (state != State.FIELD)
            return fail(position, "the body ends inside a field, " + missing(valueEnd));
        if (depth > 0) return fail(position, "the body ends inside a message, " + missing(ends[1]));
        return true;
    }

    /** Items so far; of the whole body after {@link #end}. */
    public int items() {
        return items;
    }

    /**
     * Whether every top-level field so far is number 1, wire type 2: such bodies of one signal may
     * be concatenated to one request.
     */
    public boolean mergeable() {
        return mergeable;
    }

    /** Bytes fed so far. */
    public int bytes() {
        return position;
    }

    /**
     * Why the last body was refused.
     *
     * @throws IllegalStateException if it was not
     */
    public Malformed malformed() {
        if (malformed == null) throw new IllegalStateException("the body is well formed so far");
        return malformed;
    }

    private String missing(int end) {
        return (end - position) + " bytes are missing";
    }

    /** Completes the header that was cut; returns where to go on in the part. */
    private int feedCarried(ByteBuffer part, int index, int limit) {
        int before = carried;
        int added = Math.min(HEADER_BYTES - before, limit - index);
        carry.put(before, part, index, added);
        position -= before;
        carried = 0;
        int stopped = run(carry, 0, before + added);
        if (malformed != null) return index;
        if (stopped >= before) return index + stopped - before;
        // Still not complete, and so the part is used up: a header of 20 bytes is complete or bad.
        carried = before + added;
        position += carried;
        return limit;
    }

    /**
     * Goes through {@code in} from {@code index} to {@code limit}; {@link #position} stands for
     * index on entry and for the result on exit. Stops early only before an incomplete header.
     */
    private int run(ByteBuffer in, int index, int limit) {
        int base = position - index; // position in the body = base + index in the buffer
        if (state != State.FIELD) {
            index = finishValue(in, index, limit, base);
            if (index < 0) return limit;
        }
        int depth = this.depth;
        int type = types[depth];
        int end = ends[depth] - base;
        while (state == State.FIELD) {
            while (index == end) {
                depth--;
                type = types[depth];
                end = ends[depth] - base;
            }
            if (index >= limit) break;
            int stop = Math.min(limit, end);

            if (type == PACKED_VARINTS) {
                int next = skipVarint(in, index, stop);
                if (next < 0) {
                    if (incomplete(next, index, base, end, limit)) break;
                    return limit;
                }
                index = next;
                continue;
            }

            int tag = in.get(index);
            int next = index + 1;
            if (tag < 0) {
                long value = varint(in, index, stop);
                next = varintEnd;
                if (next < 0) {
                    if (incomplete(next, index, base, end, limit)) break;
                    return limit;
                }
                if (value >>> 32 != 0) {
                    fail(base + index, "a tag is larger than 32 bits");
                    return limit;
                }
                tag = (int) value;
            }
            int field = tag >>> 3;
            int wireType = tag & 7;
            if (field == 0) {
                fail(base + index, "field number 0");
                return limit;
            }
            if (tag != (1 << 3 | WireType.LENGTH) && depth == 0) mergeable = false;

            switch (wireType) {
                case WireType.LENGTH -> {
                    if (next == stop) {
                        if (incomplete(INCOMPLETE, index, base, end, limit)) break;
                        return limit;
                    }
                    long length = in.get(next);
                    if (length >= 0) {
                        next++;
                    } else {
                        length = varint(in, next, stop);
                        next = varintEnd;
                        if (next < 0) {
                            if (incomplete(next, index, base, end, limit)) break;
                            return limit;
                        }
                    }
                    if (length < 0 || length > end - next) {
                        fail(base + index, tooLong(field, length, end - next));
                        return limit;
                    }
                    int valueEnd = next + (int) length;
                    int action = field <= Schema.MAX_FIELD ? Schema.action(type, field) : 0;
                    if (action >= Schema.ITEM) {
                        items++;
                        action &= ~Schema.ITEM;
                    }
                    if (action >= Schema.MESSAGE) {
                        if (depth == MAX_DEPTH) {
                            fail(base + index, "messages are nested deeper than " + MAX_DEPTH);
                            return limit;
                        }
                        depth++;
                        types[depth] = type = action - Schema.MESSAGE;
                        ends[depth] = base + valueEnd;
                        end = valueEnd;
                        index = next;
                    } else if (action == Schema.TEXT) {
                        index = text(in, next, valueEnd, limit, base);
                        if (index < 0) return limit;
                    } else {
                        if (action == Schema.PACKED_FIXED64 && (length & 7) != 0) {
                            fail(
                                    base + index,
                                    "packed 8-byte numbers of field "
                                            + field
                                            + " take "
                                            + length
                                            + " bytes");
                            return limit;
                        }
                        index = skip(valueEnd, limit, base);
                    }
                    continue;
                }
                case WireType.VARINT -> {
                    next = skipVarint(in, next, stop);
                    if (next < 0) {
                        if (incomplete(next, index, base, end, limit)) break;
                        return limit;
                    }
                    index = next;
                    continue;
                }
                case WireType.FIXED64, WireType.FIXED32 -> {
                    int width = wireType == WireType.FIXED64 ? 8 : 4;
                    if (width > end - next) {
                        fail(base + index, tooLong(field, width, end - next));
                        return limit;
                    }
                    index = skip(next + width, limit, base);
                    continue;
                }
                case WireType.GROUP_START, WireType.GROUP_END -> {
                    fail(base + index, "field " + field + " is a group, which OTLP does not use");
                    return limit;
                }
                default -> {
                    fail(base + index, "field " + field + " has the unknown wire type " + wireType);
                    return limit;
                }
            }
            break; // an incomplete header
        }
        this.depth = depth;
        position = base + index;
        return index;
    }

    /** Goes on with a value that began in an earlier part; −1 if it is bad. */
    private int finishValue(ByteBuffer in, int index, int limit, int base) {
        State was = state;
        state = State.FIELD;
        int end = valueEnd - base;
        return was == State.TEXT ? text(in, index, end, limit, base) : skip(end, limit, base);
    }

    /** Passes over bytes up to {@code end}, in this part or a later one. */
    private int skip(int end, int limit, int base) {
        if (end <= limit) return end;
        state = State.SKIP;
        valueEnd = base + end;
        return limit;
    }

    /** Checks text up to {@code end}, in this part or a later one; −1 if it is bad. */
    private int text(ByteBuffer in, int index, int end, int limit, int base) {
        int stop = Math.min(end, limit);
        if (sequenceLeft != 0 || !ascii(in, index, stop, limit)) {
            int bad = utf8(in, index, stop);
            if (bad >= 0) {
                fail(base + bad, "text is not UTF-8");
                return -1;
            }
        }
        if (end <= limit) {
            if (sequenceLeft == 0) return end;
            fail(base + end, "text ends inside a UTF-8 sequence");
            return -1;
        }
        state = State.TEXT;
        valueEnd = base + end;
        return limit;
    }

    /** Whether {@code index} to {@code stop} is ASCII; may look as far as {@code limit}. */
    private static boolean ascii(ByteBuffer in, int index, int stop, int limit) {
        while (stop - index >= 8) {
            if (((long) LONGS.get(in, index) & NON_ASCII) != 0) return false;
            index += 8;
        }
        int left = stop - index;
        if (left == 0) return true;
        if (limit - index >= 8)
            return ((long) LONGS.get(in, index) & (NON_ASCII >>> (64 - 8 * left))) == 0;
        while (index < stop) if (in.get(index++) < 0) return false;
        return true;
    }

    /** The index of the first bad byte, or −1. RFC 3629, section 4, is the table behind this. */
    private int utf8(ByteBuffer in, int index, int stop) {
        int left = sequenceLeft;
        int low = sequenceLow;
        int high = sequenceHigh;
        for (; index < stop; index++) {
            int octet = in.get(index);
            if (left > 0) {
                octet &= 0xFF;
                if (octet < low || octet > high) return index;
                low = 0x80;
                high = 0xBF;
                left--;
            } else if (octet < 0) {
                octet &= 0xFF;
                if (octet < 0xC2 || octet > 0xF4) return index;
                left = octet < 0xE0 ? 1 : octet < 0xF0 ? 2 : 3;
                low = octet == 0xE0 ? 0xA0 : octet == 0xF0 ? 0x90 : 0x80;
                high = octet == 0xED ? 0x9F : octet == 0xF4 ? 0x8F : 0xBF;
            }
        }
        sequenceLeft = left;
        sequenceLow = low;
        sequenceHigh = high;
        return -1;
    }

    /** Reads a varint; its end, {@link #INCOMPLETE} or {@link #OVERLONG} is in varintEnd. */
    private long varint(ByteBuffer in, int index, int stop) {
        long value = 0;
        for (int shift = 0; shift < 70; shift += 7) {
            if (index == stop) {
                varintEnd = INCOMPLETE;
                return 0;
            }
            int octet = in.get(index++);
            value |= (long) (octet & 0x7F) << shift;
            if (octet >= 0) {
                varintEnd = shift == 63 && octet > 1 ? OVERLONG : index;
                return value;
            }
        }
        varintEnd = OVERLONG;
        return 0;
    }

    /** The end of a varint, or {@link #INCOMPLETE} or {@link #OVERLONG}. */
    private static int skipVarint(ByteBuffer in, int index, int stop) {
        for (int length = 1; length <= 10; length++) {
            if (index == stop) return INCOMPLETE;
            int octet = in.get(index++);
            if (octet >= 0) return length == 10 && octet > 1 ? OVERLONG : index;
        }
        return OVERLONG;
    }

    /** Whether a header only lacks bytes of the next part; otherwise it is bad. */
    private boolean incomplete(int why, int index, int base, int end, int limit) {
        if (why == OVERLONG) return fail(base + index, "a varint is longer than 64 bits");
        if (end <= limit) return fail(base + index, "a field runs past the end of its message");
        return true;
    }

    private static String tooLong(int field, long length, int left) {
        return "field "
                + field
                + " claims "
                + Long.toUnsignedString(length)
                + " bytes, its message has "
                + left
                + " left";
    }

    private boolean fail(int where, String reason) {
        malformed = new Malformed(where, reason);
        return false;
    }
}
