package io.edged.drain;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * Room for bodies, side by side, so that a batch of many small frames is a few large buffers.
 * Memory is never used twice: a connection that is being closed may still read it.
 */
final class Chunks {

    private static final int CHUNK_BYTES = 64 << 10;

    private ByteBuffer chunk = ByteBuffer.allocate(0);

    ByteBuffer allocate(int bytes) {
        if (bytes > CHUNK_BYTES / 2) return ByteBuffer.allocate(bytes);
        if (bytes > chunk.remaining()) chunk = ByteBuffer.allocate(CHUNK_BYTES);
        ByteBuffer slice = chunk.slice(chunk.position(), bytes);
        chunk.position(chunk.position() + bytes);
        return slice;
    }

    /** The same bytes in as few buffers as possible: neighbours in one array become one. */
    static List<ByteBuffer> joined(List<ByteBuffer> parts) {
        var joined = new ArrayList<ByteBuffer>();
        for (ByteBuffer part : parts) {
            ByteBuffer last = joined.isEmpty() ? null : joined.getLast();
            if (last != null && adjacent(last, part)) {
                var both =
                        ByteBuffer.wrap(
                                last.array(),
                                last.arrayOffset() + last.position(),
                                last.remaining() + part.remaining());
                joined.set(joined.size() - 1, both);
            } else {
                joined.add(part);
            }
        }
        return joined;
    }

    @SuppressWarnings("ReferenceEquality") // the same array, not one with the same content
    private static boolean adjacent(ByteBuffer before, ByteBuffer after) {
        return before.array() == after.array()
                && before.arrayOffset() + before.limit() == after.arrayOffset() + after.position();
    }
}
