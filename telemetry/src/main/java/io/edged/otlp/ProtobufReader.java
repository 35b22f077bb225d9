package io.edged.otlp;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * Reads one small protobuf message field by field, from a buffer that it does not change. Anything
 * that is not well formed is a {@link MalformedException}.
 */
public final class ProtobufReader {

    /** The bytes are not a protobuf message. */
    public static final class MalformedException extends Exception {
        private static final long serialVersionUID = 1;

        MalformedException(String message) {
            super(message);
        }
    }

    private final ByteBuffer in;
    private int wireType;

    /** Reads what is between position and limit, which stay. */
    public ProtobufReader(ByteBuffer in) {
        this.in = in.slice();
    }

    /** The number of the next field, or 0 at the end. */
    public int next() throws MalformedException {
        if (!in.hasRemaining()) return 0;
        long tag = varint();
        long field = tag >>> 3;
        wireType = (int) tag & 7;
        if (tag >>> 32 != 0 || field == 0)
            throw new MalformedException("a tag is " + Long.toUnsignedString(tag));
        return (int) field;
    }

    /** Whether the current field has this wire type; a known field with another is unknown. */
    public boolean is(int expected) {
        return wireType == expected;
    }

    /** The number of a field of wire type varint, as 64 bits. */
    public long varint() throws MalformedException {
        long value = 0;
        for (int shift = 0; shift < 70; shift += 7) {
            int octet = take(1).get();
            value |= (long) (octet & 0x7F) << shift;
            if (octet >= 0) return value;
        }
        throw new MalformedException("a varint is longer than 64 bits");
    }

    /** A little-endian number of four bytes. */
    int fixed32() throws MalformedException {
        return take(4).order(ByteOrder.LITTLE_ENDIAN).getInt();
    }

    /** A little-endian number of eight bytes. */
    long fixed64() throws MalformedException {
        return take(8).order(ByteOrder.LITTLE_ENDIAN).getLong();
    }

    /** Where the next byte is read, from the start of the message. */
    int position() {
        return in.position();
    }

    /** Goes on reading elsewhere; only where a field begins. */
    void position(int position) {
        in.position(position);
    }

    /** Whether bytes are left. */
    boolean hasMore() {
        return in.hasRemaining();
    }

    /** The bytes of a length-delimited field. */
    public ByteBuffer bytes() throws MalformedException {
        return take(varint());
    }

    /** Text cut to a number of bytes; what is not UTF-8 becomes U+FFFD. */
    public String text(int maxBytes) throws MalformedException {
        ByteBuffer text = bytes();
        text.limit(Math.min(text.limit(), maxBytes));
        return StandardCharsets.UTF_8.decode(text).toString();
    }

    /** Passes over the current field. */
    public void skip() throws MalformedException {
        switch (wireType) {
            case WireType.VARINT -> varint();
            case WireType.FIXED64 -> take(8);
            case WireType.LENGTH -> bytes();
            case WireType.FIXED32 -> take(4);
            default -> throw new MalformedException("wire type " + wireType);
        }
    }

    private ByteBuffer take(long length) throws MalformedException {
        if (length < 0 || length > in.remaining())
            throw new MalformedException(
                    Long.toUnsignedString(length) + " bytes wanted, " + in.remaining() + " left");
        ByteBuffer taken = in.slice(in.position(), (int) length);
        in.position(in.position() + (int) length);
        return taken;
    }
}
