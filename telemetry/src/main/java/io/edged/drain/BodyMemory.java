package io.edged.drain;

import org.jspecify.annotations.Nullable;

import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Memory for the bodies between the log and the answer, which is used again and again. It lies
 * outside of the heap: there, a backlog that passes would leave so much behind that the heap grows
 * to its bound, and the kernel would want a copy of each body besides.
 *
 * <p>Bodies stand side by side in large blocks. Whoever uses a body holds its block; a block that
 * nobody holds is written again. A body that does not fit into a block, or for which none is free,
 * gets memory of the heap, so nothing ever waits here.
 *
 * <p>One thread takes memory; uses end on any.
 */
final class BodyMemory {

    /** What a compressed body grows by. */
    private static final int GROWTH_BYTES = 64 << 10;

    private static final int MAX_BLOCK_BYTES = 4 << 20;

    /** For one destination; what is beyond it is memory of the heap. */
    private static final int MAX_BYTES = 16 << 20;

    private final int blockBytes;
    private final int maxBlocks;
    private final List<Block> blocks = new ArrayList<>();

    /** What was taken since {@link #settled}, once for each: nobody else may hold it yet. */
    private final List<Block> unsettled = new ArrayList<>();

    /** Where the next body goes; held by us. */
    private Block current = new Block(ByteBuffer.allocate(0));

    /**
     * @param blockBytes the largest body that is kept here
     */
    BodyMemory(int blockBytes, int maxBlocks) {
        this.blockBytes = blockBytes;
        this.maxBlocks = maxBlocks;
        current.users.incrementAndGet();
    }

    /**
     * For the bodies of a destination.
     *
     * @param batchBytes in one request
     * @param readAheadBytes at once
     */
    static BodyMemory of(int batchBytes, long readAheadBytes) {
        int block = Math.min(batchBytes, MAX_BLOCK_BYTES);
        return new BodyMemory(block, (int) (Math.min(readAheadBytes, MAX_BYTES) / block));
    }

    /** Memory that is written again when nobody holds it. */
    private static final class Block {
        private final ByteBuffer memory;
        private final AtomicInteger users = new AtomicInteger();
        private int used;

        private Block(ByteBuffer memory) {
            this.memory = memory;
        }

        boolean isFree() {
            return users.get() == 0;
        }
    }

    /** A body, or a part of one, and what it stands in. */
    static final class Room {
        private final Block block;
        private final int offset;
        private final ByteBuffer bytes;

        private Room(Block block, int offset, int length) {
            this.block = block;
            this.offset = offset;
            this.bytes = block.memory.slice(offset, length);
        }

        /** Of the heap, and so nobody's to give back. */
        static Room of(ByteBuffer bytes) {
            ByteBuffer own = bytes.slice();
            return new Room(new Block(own), 0, own.remaining());
        }

        /** From 0 to its length; shared, so its position is not to be moved. */
        ByteBuffer bytes() {
            return bytes;
        }

        /** From now on somebody more uses it. */
        void hold() {
            block.users.incrementAndGet();
        }

        /** One of those who held it does not use it any more. Any thread. */
        void letGo() {
            if (block.users.decrementAndGet() < 0)
                throw new IllegalStateException("memory was let go more often than held");
        }

        private Room first(int length) {
            return new Room(block, offset, length);
        }

        @SuppressWarnings("ReferenceEquality") // the same memory, not the same content
        private boolean precedes(Room next) {
            return block == next.block && offset + bytes.limit() == next.offset;
        }
    }

    /** Room for so many bytes, which stays ours until {@link #settled}. */
    Room take(int bytes) {
        if (bytes > blockBytes) return Room.of(ByteBuffer.allocate(bytes));
        // What everybody else let go of is begun again, before another is touched.
        if (current.users.get() == 1) current.used = 0;
        if (bytes > current.memory.capacity() - current.used) {
            Block next = free();
            if (next == null) return Room.of(ByteBuffer.allocate(bytes));
            current.users.decrementAndGet();
            next.users.incrementAndGet();
            next.used = 0;
            current = next;
        }
        var room = new Room(current, current.used, bytes);
        current.used += bytes;
        room.hold();
        unsettled.add(current);
        return room;
    }

    private @Nullable Block free() {
        for (Block block : blocks) if (block.isFree()) return block;
        if (blocks.size() == maxBlocks) return null;
        var block = new Block(ByteBuffer.allocateDirect(blockBytes));
        blocks.add(block);
        return block;
    }

    /** Everything that was taken is held by those who use it, or by nobody. */
    void settled() {
        for (Block block : unsettled) block.users.decrementAndGet();
        unsettled.clear();
    }

    /** The same bytes in as few buffers as possible: neighbours become one. */
    static List<ByteBuffer> joined(List<Room> parts) {
        var joined = new ArrayList<ByteBuffer>();
        for (int i = 0; i < parts.size(); ) {
            Room first = parts.get(i);
            int length = first.bytes.limit();
            for (i++; i < parts.size() && parts.get(i - 1).precedes(parts.get(i)); i++)
                length += parts.get(i).bytes.limit();
            joined.add(first.first(length).bytes);
        }
        return joined;
    }

    /** Takes what is written, piece by piece. */
    final class Growing extends OutputStream {
        private final List<Room> rooms = new ArrayList<>();
        private ByteBuffer rest = ByteBuffer.allocate(0);

        @Override
        public void write(int octet) {
            write(new byte[] {(byte) octet}, 0, 1);
        }

        @Override
        public void write(byte[] bytes, int offset, int length) {
            for (int done = 0; done < length; ) {
                if (!rest.hasRemaining()) {
                    Room room = take(Math.min(GROWTH_BYTES, blockBytes));
                    rooms.add(room);
                    rest = room.bytes.duplicate();
                }
                int some = Math.min(length - done, rest.remaining());
                rest.put(bytes, offset + done, some);
                done += some;
            }
        }

        /** What was written; the last piece may be given back in part. */
        List<Room> written() {
            if (rooms.isEmpty()) return List.of();
            Room last = rooms.removeLast();
            rooms.add(last.first(rest.position()));
            if (last.block == current && last.offset + last.bytes.limit() == current.used)
                current.used -= rest.remaining();
            return List.copyOf(rooms);
        }
    }
}
