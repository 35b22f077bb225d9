package io.edged.zstd;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * A bit stream that is read from its end to its beginning (RFC 8878, 4.1). Reading past the
 * beginning gives zeros and makes {@link #left} negative; whoever reads looks at that.
 */
final class BackwardBits {

    /** Bytes that must be readable behind each stream: reads are of whole longs. */
    static final int PADDING = 8;

    /** The most that one read may ask for. */
    static final int MAX_BITS = 56;

    private static final VarHandle LONGS =
            MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    private final byte[] in;
    private final int start;
    private long left;

    /** The stream between two indexes; its last byte holds the mark of the end. */
    BackwardBits(byte[] in, int start, int end) throws ZstdException {
        if (end <= start || in[end - 1] == 0)
            throw new ZstdException("a bit stream has no end mark");
        this.in = in;
        this.start = start;
        this.left =
                8L * (end - 1 - start) + (31 - Integer.numberOfLeadingZeros(in[end - 1] & 0xFF));
    }

    /** Bits not yet read; negative after reading past the beginning. */
    long left() {
        return left;
    }

    void skip(int bits) {
        left -= bits;
    }

    /** Up to {@link #MAX_BITS} bits. */
    long read(int bits) {
        left -= bits;
        return at(left, bits);
    }

    /** The same without moving. */
    long peek(int bits) {
        return at(left - bits, bits);
    }

    private long at(long position, int bits) {
        long mask = (1L << bits) - 1;
        if (position >= 0)
            return ((long) LONGS.get(in, start + (int) (position >>> 3)) >>> (position & 7)) & mask;
        return position <= -bits ? 0 : ((long) LONGS.get(in, start) << -position) & mask;
    }
}
