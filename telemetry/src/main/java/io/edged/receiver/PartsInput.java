package io.edged.receiver;

import io.netty.buffer.ByteBuf;

import org.jspecify.annotations.Nullable;

import java.io.InputStream;
import java.util.ArrayDeque;
import java.util.List;
import java.util.function.LongConsumer;

/**
 * Reads a body out of its parts and lets go of each as soon as it has been read, so that what is
 * made of the body can have its memory. One thread.
 */
final class PartsInput extends InputStream {

    private final ArrayDeque<ByteBuf> parts;

    /** Told the bytes of each part that is gone. */
    private final LongConsumer released;

    /** Takes the parts over. */
    PartsInput(List<ByteBuf> parts, LongConsumer released) {
        this.parts = new ArrayDeque<>(parts);
        this.released = released;
    }

    @Override
    public int read() {
        ByteBuf part = current();
        return part == null ? -1 : part.readUnsignedByte();
    }

    @Override
    public int read(byte[] into, int offset, int length) {
        if (length == 0) return 0;
        ByteBuf part = current();
        if (part == null) return -1;
        int count = Math.min(length, part.readableBytes());
        part.readBytes(into, offset, count);
        return count;
    }

    @Override
    public void close() {
        while (!parts.isEmpty()) release();
    }

    private @Nullable ByteBuf current() {
        while (!parts.isEmpty() && !parts.getFirst().isReadable()) release();
        return parts.peekFirst();
    }

    private void release() {
        ByteBuf part = parts.removeFirst();
        int bytes = part.writerIndex();
        part.release();
        released.accept(bytes);
    }
}
