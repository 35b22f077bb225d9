package io.edged.sink;

import java.nio.charset.StandardCharsets;

/**
 * Walks the fields of one protobuf message in place. Every length is checked against the message
 * before it is followed.
 *
 * <p>Use: {@code while (fields.next()) switch (fields.number()) …}.
 */
final class Fields {

    /** The bytes are not a protobuf message. */
    static final class Malformed extends Exception {
        private static final long serialVersionUID = 1;

        Malformed(String message) {
            super(message, null, false, false);
        }
    }

    static final int VARINT = 0;
    static final int FIXED64 = 1;
    static final int LENGTH = 2;
    static final int FIXED32 = 5;

    private final byte[] bytes;
    private final int end;
    private int at;
    private int number;
    private int wireType;
    private long value;
    private int from;
    private int to;

    Fields(byte[] bytes, int from, int to) {
        this.bytes = bytes;
        this.at = from;
        this.end = to;
    }

    /** Steps to the next field; false at the end of the message. */
    boolean next() throws Malformed {
        if (at == end) return false;
        long tag = varint();
        number = (int) (tag >>> 3);
        wireType = (int) (tag & 7);
        if (tag >>> 32 != 0 || number == 0) throw new Malformed("bad field tag at byte " + at);
        switch (wireType) {
            case VARINT -> value = varint();
            case FIXED64 -> skip(8);
            case FIXED32 -> skip(4);
            case LENGTH -> {
                long length = varint();
                if (length < 0 || length > end - at)
                    throw new Malformed("length " + length + " at byte " + at + " is too large");
                from = at;
                at += (int) length;
                to = at;
            }
            default -> throw new Malformed("wire type " + wireType + " at byte " + at);
        }
        return true;
    }

    private void skip(int length) throws Malformed {
        if (length > end - at) throw new Malformed("ends inside a number");
        at += length;
    }

    private long varint() throws Malformed {
        long result = 0;
        for (int shift = 0; shift < 70; shift += 7) {
            if (at == end) throw new Malformed("ends inside a number");
            byte next = bytes[at++];
            result |= (long) (next & 0x7f) << shift;
            if (next >= 0) return result;
        }
        throw new Malformed("number too long at byte " + at);
    }

    int number() {
        return number;
    }

    /** Whether the current field has a length, so that it may be a message, a string or bytes. */
    boolean isLength(int wanted) {
        return number == wanted && wireType == LENGTH;
    }

    boolean isVarint(int wanted) {
        return number == wanted && wireType == VARINT;
    }

    /** The current field's number, if it is a varint. */
    long value() {
        return value;
    }

    /** The current field as a message of its own. */
    Fields message() {
        return new Fields(bytes, from, to);
    }

    /** The current field as text, its first bytes at most. */
    String text(int maxBytes) {
        return new String(bytes, from, Math.min(maxBytes, to - from), StandardCharsets.UTF_8);
    }
}
