package io.edged.zstd;

import java.util.Arrays;

/**
 * What was decoded, at least as far back as matches may reach. Grows with the content, so that a
 * frame that announces a large window and holds little costs little.
 */
final class Window {

    private static final int SMALLEST_BYTES = 16 << 10;

    private final ZstdDecoder.Memory memory;
    private byte[] bytes = new byte[0];
    private int position;
    private int size;
    private long total;

    Window(ZstdDecoder.Memory memory) {
        this.memory = memory;
    }

    void begin(int size) {
        this.size = size;
        position = 0;
        total = 0;
    }

    /** Bytes of all blocks so far. */
    long total() {
        return total;
    }

    long heldBytes() {
        return bytes.length;
    }

    /** Gives back what is more than a small body needs. */
    void trim() {
        if (bytes.length > ZstdDecoder.KEPT_BYTES) bytes = new byte[0];
    }

    /** Makes room for a block behind what is there; false if the memory is not to be had. */
    boolean room(int block) {
        if (bytes.length - position >= block) return true;
        // A quarter more than the window, so that sliding copies each byte about four times.
        int most = size + Math.max(ZstdDecoder.MAX_BLOCK_BYTES, size / 4);
        int wanted = Math.max(Math.max(SMALLEST_BYTES, position + block), 2 * bytes.length);
        int length = Math.min(wanted, most);
        if (length > bytes.length) {
            if (!memory.take(length - bytes.length)) return false;
            bytes = Arrays.copyOf(bytes, length);
        }
        if (bytes.length - position < block) {
            int kept = Math.min(position, size);
            System.arraycopy(bytes, position - kept, bytes, 0, kept);
            position = kept;
        }
        return true;
    }

    byte[] bytes() {
        return bytes;
    }

    /** The index at which the next block begins. */
    int position() {
        return position;
    }

    /** How far back a match may reach from the beginning of the next block. */
    int history() {
        return Math.min(position, size);
    }

    int size() {
        return size;
    }

    /** A block of this many bytes was written at the position. */
    void advance(int block) {
        position += block;
        total += block;
    }
}
