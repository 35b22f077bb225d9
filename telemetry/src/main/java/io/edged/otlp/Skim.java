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
 * part, {@link #end}. A skim is reused for one body after the other; one thread at a time.
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
public final class Skim implements BodyReader {

    /** Messages inside each other, the request itself not counted. */
    public static final int MAX_DEPTH = 100;

    /** A good size for the scratch array: small enough for the first-level cache. */
    public static final int SCRATCH_BYTES = 16 << 10;

    /** Far above any limit on bodies; keeps all positions in an int. */
    private static final int MAX_BODY_BYTES = 1 << 30;

    /** Longest tag and varint or length that may follow it. */
    private static final int HEADER_BYTES = 20;

    private static final long NON_ASCII = 0x8080_8080_8080_8080L;

    /** Little-endian, so that a shifted mask covers the first bytes. */
    private static final VarHandle LONGS =
            MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    private static final int PACKED_VARINTS = Schema.Type.PACKED_VARINTS.row();
    private static final int KEY_VALUE = Schema.Type.KEY_VALUE.row();
    private static final int LOG_RECORD = Schema.Type.LOG_RECORD.row();

    /** The tag of {@code LogRecord.severity_number}. */
    private static final int SEVERITY_TAG = 2 << 3;

    /** OTLP's highest severity number. */
    private static final int MAX_SEVERITY = 24;

    /** The tag that every top-level field of a mergeable body has. */
    private static final int MERGEABLE_TAG = 1 << 3 | WireType.LENGTH;

    /** The tags of {@code KeyValue.key}, {@code KeyValue.value}, {@code AnyValue.string_value}. */
    private static final int KEY_TAG = 0x0A;

    private static final int VALUE_TAG = 0x12;
    private static final int STRING_VALUE_TAG = 0x0A;

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

    /**
     * Where parts are copied to piece by piece: array access compiles to better code than access to
     * a buffer outside the heap, by more than the copy costs.
     */
    private final byte[] scratch;

    /** A field header that began in an earlier piece. */
    private final byte[] carry = new byte[HEADER_BYTES];

    private int carried;

    /** The messages around the current position: where each ends, and its type. */
    private final int[] ends = new int[MAX_DEPTH + 1];

    private final int[] types = new int[MAX_DEPTH + 1];
    private int depth;

    private State state = State.FIELD;
    private int valueEnd;

    /** Bytes still missing in the current UTF-8 sequence, and the range of the next one. */
    private int sequenceLeft;

    private int sequenceLow;
    private int sequenceHigh;

    /** Position in the body of the first byte that was not taken; carried bytes are taken. */
    private int position;

    /** Where the last {@link #varint} ended, or why it did not. */
    private int varintEnd;

    private int items;
    private int largeItems;
    private int maxItemBytes = Integer.MAX_VALUE;
    private int highestSeverity;
    private boolean mergeable;
    private @Nullable Malformed malformed;

    /**
     * Ready for {@link #begin}.
     *
     * @param scratch at least 1 KiB, better {@link #SCRATCH_BYTES}; used only while {@link #feed}
     *     runs, so that all skims of a thread may share it
     */
    public Skim(byte[] scratch) {
        if (scratch.length < 1024)
            throw new IllegalArgumentException(
                    "scratch must be at least 1024 bytes, was " + scratch.length);
        this.scratch = scratch;
    }

    /** Starts over with the body of a request of this signal, whose items may be of any size. */
    public void begin(Signal signal) {
        begin(signal, Integer.MAX_VALUE);
    }

    /**
     * Starts over with the body of a request of this signal.
     *
     * @param maxItemBytes items with more are counted in {@link #largeItems} as well
     */
    public void begin(Signal signal, int maxItemBytes) {
        this.maxItemBytes = maxItemBytes;
        largeItems = 0;
        ends[0] = MAX_BODY_BYTES;
        types[0] = Schema.root(signal).row();
        carried = 0;
        depth = 0;
        state = State.FIELD;
        sequenceLeft = 0;
        position = 0;
        items = 0;
        highestSeverity = 0;
        mergeable = true;
        malformed = null;
    }

    @Override
    public boolean feed(ByteBuffer part) {
        if (malformed != null) return false;
        if (part.remaining() >= MAX_BODY_BYTES - position)
            return fail(position, "the body is longer than 1 GiB");
        int from = part.position();
        int limit = part.limit();
        while (from < limit) {
            if (state == State.SKIP) { // needs no copy
                int skipped = Math.min(valueEnd - position, limit - from);
                from += skipped;
                position += skipped;
                if (position == valueEnd) state = State.FIELD;
                continue;
            }
            int added = Math.min(limit - from, scratch.length - carried);
            System.arraycopy(carry, 0, scratch, 0, carried);
            part.get(from, scratch, carried, added);
            from += added;
            position -= carried;
            int length = carried + added;
            int stopped = run(scratch, length);
            if (malformed != null) return false;
            carried = length - stopped;
            System.arraycopy(scratch, stopped, carry, 0, carried);
            position += carried;
        }
        return true;
    }

    @Override
    public boolean end() {
        if (malformed != null) return false;
        if (carried > 0) return fail(position - carried, "the body ends inside a field");
        if (state != State.FIELD)
            return fail(position, "the body ends inside a field, " + missing(valueEnd));
        leaveMessages(position);
        if (depth > 0) return fail(position, "the body ends inside a message, " + missing(ends[1]));
        return true;
    }

    /** Items so far; of the whole body after {@link #end}. */
    public int items() {
        return items;
    }

    /** Those of the items so far that are larger than they may be. */
    public int largeItems() {
        return largeItems;
    }

    /** The highest severity number of the log records so far, 0 to 24; 0 if none has one. */
    public int highestSeverity() {
        return highestSeverity;
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

    @Override
    public Malformed malformed() {
        if (malformed == null) throw new IllegalStateException("the body is well formed so far");
        return malformed;
    }

    private String missing(int end) {
        return (end - position) + " bytes are missing";
    }

    /** Leaves the messages that are complete when a body ends with a value that was skipped. */
    private void leaveMessages(int at) {
        while (depth > 0 && ends[depth] == at) depth--;
    }

    /**
     * Goes through the first {@code limit} bytes of {@code in}, which begin at {@link #position};
     * on exit that stands for the result: the limit, or where an incomplete header begins.
     */
    private int run(byte[] in, int limit) {
        int base = position; // position in the body = base + index in the array
        int index = 0;
        if (state == State.TEXT) {
            state = State.FIELD;
            index = text(in, 0, valueEnd - base, limit, base);
        }
        int depth = this.depth;
        int type = types[depth];
        int end = ends[depth] - base;
        int items = this.items;
        while (index >= 0) {
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
                    if (unfinished(next, index, base, end, limit)) break;
                    return limit;
                }
                index = next;
                continue;
            }

            int next = index + 1;
            int tag = in[index];
            if (tag < 0) {
                long value = varint(in, index, stop);
                next = varintEnd;
                if (next < 0) {
                    if (unfinished(next, index, base, end, limit)) break;
                    return limit;
                }
                if (value >>> 32 != 0) {
                    fail(base + index, "a tag is longer than 32 bits");
                    return limit;
                }
                tag = (int) value;
            }
            if (depth == 0 && tag != MERGEABLE_TAG) mergeable = false;
            if (tag >>> 3 == 0) {
                fail(base + index, "field number 0");
                return limit;
            }
            int action =
                    tag >>> 8 == 0 ? Schema.action(type, tag) : Schema.unknown(tag); // unsigned

            if (action < Schema.VARINT) {
                long length;
                if (next < stop && in[next] >= 0) {
                    length = in[next++];
                } else {
                    length = varint(in, next, stop);
                    next = varintEnd;
                    if (next < 0) {
                        if (unfinished(next, index, base, end, limit)) break;
                        return limit;
                    }
                }
                if (length < 0 || length > end - next) {
                    fail(base + index, tooLong(tag, length, end - next));
                    return limit;
                }
                int valueEnd = next + (int) length;
                if (action >= Schema.MESSAGE) {
                    items += action / Schema.ITEM;
                    if (length > maxItemBytes && action >= Schema.ITEM) largeItems++;
                    int child = (action & (Schema.ITEM - 1)) - Schema.MESSAGE;
                    if (child == KEY_VALUE && valueEnd <= limit && plain(in, next, valueEnd)) {
                        index = valueEnd;
                        continue;
                    }
                    if (depth == MAX_DEPTH) {
                        fail(base + index, "messages are nested deeper than " + MAX_DEPTH);
                        return limit;
                    }
                    type = child;
                    end = valueEnd;
                    depth++;
                    types[depth] = type;
                    ends[depth] = base + end;
                    index = next;
                } else if (action == Schema.TEXT) {
                    index = text(in, next, valueEnd, limit, base);
                } else if (action == Schema.PACKED_FIXED64 && (length & 7) != 0) {
                    fail(base + index, "packed 8-byte numbers take " + length + " bytes");
                    return limit;
                } else {
                    index = skip(valueEnd, limit, base);
                }
            } else if (action == Schema.VARINT) {
                int valueBegin = next;
                next = skipVarint(in, next, stop);
                if (next < 0) {
                    if (unfinished(next, index, base, end, limit)) break;
                    return limit;
                }
                if (tag == SEVERITY_TAG && type == LOG_RECORD)
                    noteSeverity(varint(in, valueBegin, stop));
                index = next;
            } else if (action == Schema.FIXED64 || action == Schema.FIXED32) {
                int width = action == Schema.FIXED64 ? 8 : 4;
                if (width > end - next) {
                    fail(base + index, tooLong(tag, width, end - next));
                    return limit;
                }
                index = skip(next + width, limit, base);
            } else {
                fail(base + index, notOtlp(tag));
                return limit;
            }
        }
        this.depth = depth;
        this.items = items;
        position = base + index;
        return index;
    }

    /**
     * Whether a {@code KeyValue} is a short ASCII key with a short ASCII text, as most attributes
     * are: then one look at all of it spares entering two messages. Tags and lengths below 128 are
     * ASCII as well. Anything else is left to the general way.
     */
    private static boolean plain(byte[] in, int index, int end) {
        if (end - index < 6 || in[index] != KEY_TAG || in[index + 1] < 0) return false;
        int value = index + 2 + in[index + 1];
        return value <= end - 4
                && in[value] == VALUE_TAG
                && in[value + 1] == end - value - 2
                && in[value + 2] == STRING_VALUE_TAG
                && in[value + 3] == end - value - 4
                && ascii(in, index, end);
    }

    /** Passes over bytes up to {@code end}, in this piece or a later one. */
    private int skip(int end, int limit, int base) {
        if (end <= limit) return end;
        state = State.SKIP;
        valueEnd = base + end;
        return limit;
    }

    /** Checks text up to {@code end}, in this piece or a later one; −1 if it is bad. */
    private int text(byte[] in, int index, int end, int limit, int base) {
        int stop = Math.min(end, limit);
        if (sequenceLeft != 0 || !ascii(in, index, stop)) {
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

    /** Whether the bytes are ASCII; the array is longer than any tail. */
    private static boolean ascii(byte[] in, int index, int stop) {
        for (; stop - index >= 8; index += 8)
            if (((long) LONGS.get(in, index) & NON_ASCII) != 0) return false;
        int left = stop - index;
        if (left == 0) return true;
        if (in.length - index >= 8)
            return ((long) LONGS.get(in, index) & (NON_ASCII >>> (8 * (8 - left)))) == 0;
        while (index < stop) if (in[index++] < 0) return false;
        return true;
    }

    /** The index of the first bad byte, or −1. RFC 3629, section 4, is the table behind this. */
    private int utf8(byte[] in, int index, int stop) {
        int left = sequenceLeft;
        int low = sequenceLow;
        int high = sequenceHigh;
        for (; index < stop; index++) {
            int octet = in[index];
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
    private long varint(byte[] in, int index, int stop) {
        long value = 0;
        for (int shift = 0; shift < 70; shift += 7) {
            if (index == stop) {
                varintEnd = INCOMPLETE;
                return 0;
            }
            int octet = in[index++];
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
    private static int skipVarint(byte[] in, int index, int stop) {
        for (int length = 1; length <= 10; length++) {
            if (index == stop) return INCOMPLETE;
            int octet = in[index++];
            if (octet >= 0) return length == 10 && octet > 1 ? OVERLONG : index;
        }
        return OVERLONG;
    }

    /** Whether a header only lacks bytes of the next piece; otherwise it is bad. */
    private boolean unfinished(int why, int index, int base, int end, int limit) {
        if (why == OVERLONG) return fail(base + index, "a varint is longer than 64 bits");
        if (end <= limit) return fail(base + index, "a field runs past the end of its message");
        return true;
    }

    /** A number that OTLP does not know says nothing. */
    private void noteSeverity(long number) {
        if (number > highestSeverity && number <= MAX_SEVERITY) highestSeverity = (int) number;
    }

    private static String tooLong(int tag, long length, int left) {
        return "field "
                + (tag >>> 3)
                + " claims "
                + Long.toUnsignedString(length)
                + " bytes, its message has "
                + left
                + " left";
    }

    private static String notOtlp(int tag) {
        return "field "
                + (tag >>> 3)
                + (Schema.unknown(tag) == Schema.GROUP
                        ? " is a group, which OTLP does not use"
                        : " has the unknown wire type " + (tag & 7));
    }

    private boolean fail(int where, String reason) {
        malformed = new Malformed(where, reason);
        return false;
    }
}
