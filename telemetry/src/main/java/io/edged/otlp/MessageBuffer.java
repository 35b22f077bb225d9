package io.edged.otlp;

import java.util.Arrays;

/**
 * A protobuf message while it is being made, with messages inside that learn their length when they
 * end. Beyond its bound it takes nothing more and says so. One thread; reused.
 */
final class MessageBuffer {

    private static final int SMALLEST_BYTES = 4 << 10;

    /** Kept for the next message; more is given back. */
    private static final int KEPT_BYTES = 64 << 10;

    /** For tag and length, which do not count. */
    private static final int SLACK_BYTES = 4 << 10;

    private static final byte[] REPLACEMENT = {(byte) 0xEF, (byte) 0xBF, (byte) 0xBD};

    private byte[] bytes = new byte[SMALLEST_BYTES];
    private int length;
    private int maxBytes;
    private boolean overflown;

    void begin(int maxBytes) {
        this.maxBytes = maxBytes;
        if (bytes.length > KEPT_BYTES) bytes = new byte[SMALLEST_BYTES];
        cut(0);
    }

    byte[] bytes() {
        return bytes;
    }

    int length() {
        return length;
    }

    /** Whether something did not fit since the last {@link #cut}. */
    boolean overflown() {
        return overflown;
    }

    /** Forgets everything behind an index. */
    void cut(int to) {
        length = to;
        overflown = false;
    }

    void varint(long value) {
        if (!room(10)) return;
        while ((value & ~0x7FL) != 0) {
            bytes[length++] = (byte) (value | 0x80);
            value >>>= 7;
        }
        bytes[length++] = (byte) value;
    }

    void littleEndian(long value, int width) {
        if (!room(width)) return;
        for (int i = 0; i < width; i++) bytes[length++] = (byte) (value >>> (8 * i));
    }

    void bytes(byte[] value) {
        varint(value.length);
        if (!room(value.length)) return;
        System.arraycopy(value, 0, bytes, length, value.length);
        length += value.length;
    }

    /** Begins something with a length; the result goes to {@link #close}. */
    int open() {
        varint(0);
        return length;
    }

    /** Writes the length of what has come since {@link #open}. */
    void close(int start) {
        if (overflown) return;
        int size = length - start;
        int width = varintBytes(size);
        if (width > 1) {
            if (!room(width - 1)) return;
            System.arraycopy(bytes, start, bytes, start + width - 1, size);
            length += width - 1;
        }
        int at = start - 1;
        int rest = size;
        while ((rest & ~0x7F) != 0) {
            bytes[at++] = (byte) (rest | 0x80);
            rest >>>= 7;
        }
        bytes[at] = (byte) rest;
    }

    /** Text with its length. Half of a surrogate pair, which UTF-8 cannot say, becomes U+FFFD. */
    void text(char[] in, int from, int count) {
        int end = from + count;
        int size = 0;
        for (int i = from; i < end; i++) {
            char c = in[i];
            // Half a pair and its replacement are both three bytes; a whole pair is four.
            size += c < 0x80 ? 1 : c < 0x800 ? 2 : isPair(in, i, end) ? 4 : 3;
            if (c >= 0x800 && isPair(in, i, end)) i++;
        }
        varint(size);
        if (!room(size)) return;
        byte[] out = bytes;
        int at = length;
        for (int i = from; i < end; i++) {
            char c = in[i];
            if (c < 0x80) {
                out[at++] = (byte) c;
            } else if (c < 0x800) {
                out[at++] = (byte) (0xC0 | c >> 6);
                out[at++] = (byte) (0x80 | (c & 0x3F));
            } else if (!Character.isSurrogate(c)) {
                out[at++] = (byte) (0xE0 | c >> 12);
                out[at++] = (byte) (0x80 | ((c >> 6) & 0x3F));
                out[at++] = (byte) (0x80 | (c & 0x3F));
            } else if (isPair(in, i, end)) {
                int point = Character.toCodePoint(c, in[++i]);
                out[at++] = (byte) (0xF0 | point >> 18);
                out[at++] = (byte) (0x80 | ((point >> 12) & 0x3F));
                out[at++] = (byte) (0x80 | ((point >> 6) & 0x3F));
                out[at++] = (byte) (0x80 | (point & 0x3F));
            } else {
                for (byte octet : REPLACEMENT) out[at++] = octet;
            }
        }
        length = at;
    }

    private static boolean isPair(char[] in, int index, int end) {
        return Character.isHighSurrogate(in[index])
                && index + 1 < end
                && Character.isLowSurrogate(in[index + 1]);
    }

    static int varintBytes(int value) {
        return (38 - Integer.numberOfLeadingZeros(value | 1)) / 7;
    }

    private boolean room(long more) {
        if (overflown) return false;
        if (bytes.length - length >= more) return true;
        long most = (long) maxBytes + SLACK_BYTES;
        if (length + more > most) {
            overflown = true;
            return false;
        }
        bytes = Arrays.copyOf(bytes, (int) Math.clamp(2L * bytes.length, length + more, most));
        return true;
    }
}
