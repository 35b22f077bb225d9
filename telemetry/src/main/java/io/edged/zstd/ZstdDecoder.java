package io.edged.zstd;

import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * Decodes one Zstandard frame that comes in parts. Dictionaries and windows above {@link
 * #MAX_WINDOW_BYTES} (the bound of RFC 9659 for HTTP) are refused, and so is anything behind the
 * frame. The checksum is compared if there is one.
 *
 * <p>Memory: {@value #FIXED_BYTES} bytes, and what {@link Memory} is asked for as the content
 * grows, at most the window, a quarter of it and 512 KiB. Reused for one frame after the other; one
 * thread at a time.
 */
public final class ZstdDecoder {

    /** Windows larger than this are refused. */
    public static final int MAX_WINDOW_BYTES = 8 << 20;

    /** Heap of a decoder that has decoded nothing. */
    public static final int FIXED_BYTES = 16 << 10;

    static final int MAX_BLOCK_BYTES = 128 << 10;

    /** Of each buffer, from one frame to the next; a larger one is given back by {@link #trim}. */
    static final int KEPT_BYTES = 64 << 10;

    private static final int MAGIC = 0xFD2FB528;
    private static final int SKIPPABLE_MAGIC = 0x184D2A50;

    /** Where memory comes from, asked before it is used. */
    @FunctionalInterface
    public interface Memory {
        /** Whether that much more may be held; it counts until the decoder is trimmed. */
        boolean take(long bytes);
    }

    /** Takes what comes out. */
    @FunctionalInterface
    public interface Output {
        /**
         * Takes the next bytes, between position and limit, valid during the call; false to stop.
         */
        boolean take(ByteBuffer part);
    }

    /** How {@link #feed} ended. */
    public enum Progress {
        /** All of the part was taken. */
        GOOD,
        /** The output wants no more. */
        STOPPED,
        /** There was no memory. */
        NO_MEMORY
    }

    private enum Stage {
        MAGIC,
        DESCRIPTOR,
        HEADER,
        BLOCK_HEADER,
        BLOCK,
        CHECKSUM,
        DONE
    }

    private enum BlockType {
        RAW,
        RUN,
        COMPRESSED
    }

    private final Memory memory;
    private final Window window;
    private final Block block;
    private final XxHash64 hash = new XxHash64();

    /** What belongs to the current stage, with padding behind it for the readers of bits. */
    private byte[] in = new byte[64];

    private int length;
    private int wanted;
    private Stage stage = Stage.MAGIC;
    private int descriptor;
    private long contentBytes;
    private BlockType blockType = BlockType.RAW;
    private int blockBytes;
    private boolean lastBlock;
    private long inputBytes;

    /** Ready for {@link #begin}; {@link #FIXED_BYTES} are not asked for. */
    public ZstdDecoder(Memory memory) {
        this.memory = memory;
        window = new Window(memory);
        block = new Block(memory);
        begin();
    }

    /** Starts over with another frame. */
    public void begin() {
        inputBytes = 0;
        enter(Stage.MAGIC, 4);
    }

    /** Heap beyond the fixed part that is held now. */
    public long heldBytes() {
        return window.heldBytes() + block.heldBytes() + in.length;
    }

    /** Gives back what only a large frame needed. */
    public void trim() {
        window.trim();
        block.trim();
        if (in.length > KEPT_BYTES) in = new byte[64];
    }

    /** Bytes taken so far. */
    public long inputBytes() {
        return inputBytes;
    }

    /** Whether the frame is complete. */
    public boolean isComplete() {
        return stage == Stage.DONE;
    }

    /**
     * Takes the next part, between its position and limit, which stay. After anything but {@link
     * Progress#GOOD} begin anew.
     *
     * @throws ZstdException the bytes are no frame that is taken here
     */
    public Progress feed(ByteBuffer part, Output output) throws ZstdException {
        int index = part.position();
        int limit = part.limit();
        while (index < limit) {
            if (stage == Stage.DONE)
                throw new ZstdException("bytes follow the frame; a body must be one frame");
            int taken = Math.min(limit - index, wanted - length);
            if (!room(length + taken)) return Progress.NO_MEMORY;
            part.get(index, in, length, taken);
            index += taken;
            length += taken;
            inputBytes += taken;
            // A stage may want nothing: an empty block.
            while (length == wanted && stage != Stage.DONE) {
                Progress progress = complete(output);
                if (progress != Progress.GOOD) return progress;
            }
        }
        return Progress.GOOD;
    }

    private boolean room(int bytes) {
        int needed = bytes + BackwardBits.PADDING;
        if (in.length >= needed) return true;
        int grown = Math.max(needed, 2 * in.length);
        if (!memory.take(grown - in.length)) return false;
        in = Arrays.copyOf(in, grown);
        return true;
    }

    private Progress complete(Output output) throws ZstdException {
        switch (stage) {
            case MAGIC -> {
                int magic = (int) number(0, 4);
                if ((magic & ~15) == SKIPPABLE_MAGIC)
                    throw new ZstdException("skippable frames are not taken");
                if (magic != MAGIC) throw new ZstdException("the body does not begin like zstd");
                enter(Stage.DESCRIPTOR, 1);
            }
            case DESCRIPTOR -> {
                descriptor = in[0] & 0xFF;
                if ((descriptor & 8) != 0)
                    throw new ZstdException("a reserved bit is set in the frame's header");
                int header = windowBytes() + dictionaryBytes() + sizeBytes();
                if (header == 0)
                    throw new IllegalStateException("a header without window and size");
                enter(Stage.HEADER, header);
            }
            case HEADER -> header();
            case BLOCK_HEADER -> blockHeader();
            case BLOCK -> {
                return block(output);
            }
            case CHECKSUM -> {
                if ((int) number(0, 4) != (int) hash.value())
                    throw new ZstdException("the checksum does not match the data");
                enter(Stage.DONE, 0);
            }
            case DONE -> throw new IllegalStateException("the frame is complete");
        }
        return Progress.GOOD;
    }

    private boolean singleSegment() {
        return (descriptor & 32) != 0;
    }

    private int windowBytes() {
        return singleSegment() ? 0 : 1;
    }

    private int dictionaryBytes() {
        int flag = descriptor & 3;
        return flag == 3 ? 4 : flag;
    }

    private int sizeBytes() {
        int flag = descriptor >> 6;
        return flag == 0 ? (singleSegment() ? 1 : 0) : 1 << flag;
    }

    private void header() throws ZstdException {
        int index = windowBytes();
        if (number(index, dictionaryBytes()) != 0)
            throw new ZstdException("the frame wants a dictionary");
        index += dictionaryBytes();
        int sizeBytes = sizeBytes();
        contentBytes = sizeBytes == 0 ? -1 : number(index, sizeBytes) + (sizeBytes == 2 ? 256 : 0);
        if (contentBytes < -1 || (contentBytes == -1 && sizeBytes > 0))
            throw new ZstdException("the frame announces an impossible size");
        long size = singleSegment() ? contentBytes : window(in[0] & 0xFF);
        if (size > MAX_WINDOW_BYTES)
            throw new ZstdException(
                    "the frame needs a window of "
                            + size
                            + " bytes, and at most "
                            + MAX_WINDOW_BYTES
                            + " are allowed; compress with a lower level");
        window.begin((int) size);
        block.begin();
        hash.reset();
        enter(Stage.BLOCK_HEADER, 3);
    }

    private static long window(int octet) {
        long base = 1L << (10 + (octet >> 3));
        return base + base / 8 * (octet & 7);
    }

    private int maxBlockBytes() {
        return Math.min(window.size(), MAX_BLOCK_BYTES);
    }

    private void blockHeader() throws ZstdException {
        int header = (int) number(0, 3);
        lastBlock = (header & 1) != 0;
        blockBytes = header >>> 3;
        blockType =
                switch ((header >>> 1) & 3) {
                    case 0 -> BlockType.RAW;
                    case 1 -> BlockType.RUN;
                    case 2 -> BlockType.COMPRESSED;
                    default -> throw new ZstdException("a block has the reserved type");
                };
        if (blockBytes > maxBlockBytes())
            throw new ZstdException(
                    "a block of " + blockBytes + " bytes is larger than a block may be");
        enter(Stage.BLOCK, blockType == BlockType.RUN ? 1 : blockBytes);
    }

    private Progress block(Output output) throws ZstdException {
        int most = blockType == BlockType.COMPRESSED ? maxBlockBytes() : blockBytes;
        if (!window.room(most)) return Progress.NO_MEMORY;
        int begin = window.position();
        switch (blockType) {
            case RAW -> {
                System.arraycopy(in, 0, window.bytes(), begin, blockBytes);
                window.advance(blockBytes);
            }
            case RUN -> {
                Arrays.fill(window.bytes(), begin, begin + blockBytes, in[0]);
                window.advance(blockBytes);
            }
            case COMPRESSED -> {
                if (!block.decode(in, length, window, most)) return Progress.NO_MEMORY;
            }
        }
        int decoded = window.position() - begin;
        if (contentBytes >= 0
                && (lastBlock ? window.total() != contentBytes : window.total() > contentBytes))
            throw new ZstdException(
                    "the frame announces " + contentBytes + " bytes and holds another number");
        boolean checksum = (descriptor & 4) != 0;
        if (checksum) hash.update(window.bytes(), begin, decoded);
        if (!lastBlock) enter(Stage.BLOCK_HEADER, 3);
        else if (checksum) enter(Stage.CHECKSUM, 4);
        else enter(Stage.DONE, 0);
        if (decoded == 0) return Progress.GOOD;
        return output.take(ByteBuffer.wrap(window.bytes(), begin, decoded))
                ? Progress.GOOD
                : Progress.STOPPED;
    }

    /** A little-endian number of the current stage. */
    private long number(int from, int bytes) {
        long number = 0;
        for (int i = 0; i < bytes; i++) number |= (in[from + i] & 0xFFL) << (8 * i);
        return number;
    }

    private void enter(Stage next, int bytes) {
        stage = next;
        wanted = bytes;
        length = 0;
    }
}
