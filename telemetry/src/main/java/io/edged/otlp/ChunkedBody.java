package io.edged.otlp;

import org.jspecify.annotations.Nullable;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * A body that is written from front to back into buffers as they are needed. Lengths that are not
 * known yet take four bytes and are filled in later: a varint may be longer than it must.
 */
final class ChunkedBody {

    private static final int LENGTH_BYTES = 4;

    private final BodyChunks source;
    private final long maxBytes;
    private final List<ByteBuffer> chunks = new ArrayList<>();

    /** Where each chunk begins in the body. */
    private final List<Long> begins = new ArrayList<>();

    private @Nullable ByteBuffer last;
    private long position;

    ChunkedBody(BodyChunks source, long maxBytes) {
        this.source = source;
        this.maxBytes = maxBytes;
    }

    long position() {
        return position;
    }

    void write(byte[] bytes, int length) throws ConversionException {
        if (length > maxBytes - position) throw ConversionException.tooLarge();
        int from = 0;
        while (from < length) {
            ByteBuffer to = room(length - from);
            int part = Math.min(to.remaining(), length - from);
            to.put(bytes, from, part);
            from += part;
            position += part;
        }
    }

    /** Leaves room for a length; the result goes to {@link #patchLength}. */
    long openLength() throws ConversionException {
        write(new byte[LENGTH_BYTES], LENGTH_BYTES);
        return position;
    }

    /** Writes the length of what has come since {@link #openLength}. */
    void patchLength(long start) {
        long size = position - start;
        for (int i = 0; i < LENGTH_BYTES; i++) {
            int more = i < LENGTH_BYTES - 1 ? 0x80 : 0;
            put(start - LENGTH_BYTES + i, (byte) ((size >>> (7 * i) & 0x7F) | more));
        }
    }

    private void put(long at, byte octet) {
        int chunk = chunks.size() - 1;
        while (begins.get(chunk) > at) chunk--;
        chunks.get(chunk).put((int) (at - begins.get(chunk)), octet);
    }

    private ByteBuffer room(int wanted) throws ConversionException {
        ByteBuffer current = last;
        if (current != null && current.hasRemaining()) return current;
        ByteBuffer next = source.next(wanted);
        if (next == null) throw ConversionException.noMemory();
        chunks.add(next);
        begins.add(position);
        last = next;
        return next;
    }
}
