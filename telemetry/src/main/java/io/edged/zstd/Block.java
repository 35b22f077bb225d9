package io.edged.zstd;

import java.util.Arrays;

/** Decodes compressed blocks (RFC 8878, 3.1.1.3) and keeps the codes that later ones may reuse. */
final class Block {

    private static final int MAX_LITERAL_LENGTH_CODE = 35;
    private static final int MAX_MATCH_LENGTH_CODE = 52;
    private static final int MAX_OFFSET_CODE = 31;

    private static final short[] LITERAL_LENGTHS = {
        4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1,
        1, -1, -1, -1, -1
    };
    private static final short[] OFFSETS = {
        1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1
    };
    private static final short[] MATCH_LENGTHS = {
        1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
        1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1
    };

    private static final int[] LITERAL_LENGTH_BASE = {
        0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 18, 20, 22, 24, 28, 32, 40, 48,
        64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536
    };
    private static final int[] LITERAL_LENGTH_BITS = {
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10,
        11, 12, 13, 14, 15, 16
    };
    private static final int[] MATCH_LENGTH_BASE = {
        3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27,
        28, 29, 30, 31, 32, 33, 34, 35, 37, 39, 41, 43, 47, 51, 59, 67, 83, 99, 131, 259, 515, 1027,
        2051, 4099, 8195, 16387, 32771, 65539
    };
    private static final int[] MATCH_LENGTH_BITS = {
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        0, 1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16
    };

    /** Below this a loop is cheaper than a call. */
    private static final int SHORT_COPY_BYTES = 16;

    private final ZstdDecoder.Memory memory;
    private final Huffman huffman = new Huffman();
    private final FseTable literalLengths = new FseTable(MAX_LITERAL_LENGTH_CODE, 9);
    private final FseTable offsets = new FseTable(MAX_OFFSET_CODE, 8);
    private final FseTable matchLengths = new FseTable(MAX_MATCH_LENGTH_CODE, 9);
    private boolean sequencesSeen;
    private int repeat1;
    private int repeat2;
    private int repeat3;

    /** Decoded literals, unless they stand in the block as they are. */
    private byte[] decoded = new byte[0];

    private byte[] literals = decoded;
    private int literal;
    private int literalEnd;

    Block(ZstdDecoder.Memory memory) {
        this.memory = memory;
    }

    /** Forgets everything, at the beginning of a frame. */
    void begin() {
        huffman.reset();
        sequencesSeen = false;
        repeat1 = 1;
        repeat2 = 4;
        repeat3 = 8;
    }

    long heldBytes() {
        return decoded.length;
    }

    /** Gives back what only a large block needed. */
    void trim() {
        if (decoded.length > ZstdDecoder.KEPT_BYTES) decoded = new byte[0];
        literals = decoded;
    }

    /**
     * Decodes one block to the position of the window.
     *
     * @param in the block up to {@code end}, with {@link BackwardBits#PADDING} bytes behind it
     * @param maxBytes that may come out; the window has room for them
     * @return false if memory is not to be had
     */
    boolean decode(byte[] in, int end, Window window, int maxBytes) throws ZstdException {
        int index = literals(in, end, maxBytes);
        if (index < 0) return false;
        sequences(in, index, end, window, maxBytes);
        return true;
    }

    /** Reads the literals and returns the index behind them, or −1 if there is no memory. */
    private int literals(byte[] in, int end, int maxBytes) throws ZstdException {
        if (end < 1) throw new ZstdException("a block is empty");
        int kind = in[0] & 3;
        int format = (in[0] >> 2) & 3;
        return kind <= 1
                ? plainLiterals(in, end, maxBytes, kind == 1, format)
                : huffmanLiterals(in, end, maxBytes, kind == 3, format);
    }

    private int plainLiterals(byte[] in, int end, int maxBytes, boolean run, int format)
            throws ZstdException {
        int headerBytes = format == 1 ? 2 : format == 3 ? 3 : 1;
        long header = header(in, headerBytes, end);
        int length = (int) (header >>> ((format & 1) == 0 ? 3 : 4));
        int after = headerBytes + (run ? 1 : length);
        if (after > end) throw new ZstdException("literals are cut off");
        if (length > maxBytes) throw tooMuch();
        if (run) {
            if (!roomForLiterals(length)) return -1;
            Arrays.fill(decoded, 0, length, in[headerBytes]);
            use(decoded, 0, length);
        } else {
            use(in, headerBytes, length);
        }
        return after;
    }

    private int huffmanLiterals(byte[] in, int end, int maxBytes, boolean reuse, int format)
            throws ZstdException {
        int headerBytes = format < 2 ? 3 : format + 2;
        int width = format < 2 ? 10 : format == 2 ? 14 : 18;
        long header = header(in, headerBytes, end) >>> 4;
        int length = (int) (header & ((1 << width) - 1));
        int packed = (int) ((header >>> width) & ((1 << width) - 1));
        int after = headerBytes + packed;
        if (after > end) throw new ZstdException("literals are cut off");
        if (length > maxBytes) throw tooMuch();
        int index = headerBytes;
        if (!reuse) index = huffman.read(in, index, after);
        else if (!huffman.isSet()) throw new ZstdException("there is no Huffman table to reuse");
        if (!roomForLiterals(length)) return -1;
        if (format == 0) huffman.decode(in, index, after, decoded, 0, length);
        else huffman.decodeFour(in, index, after, decoded, length);
        use(decoded, 0, length);
        return after;
    }

    private void use(byte[] from, int begin, int length) {
        literals = from;
        literal = begin;
        literalEnd = begin + length;
    }

    private boolean roomForLiterals(int length) {
        if (decoded.length >= length) return true;
        int wanted = Math.min(Math.max(length, 2 * decoded.length), ZstdDecoder.MAX_BLOCK_BYTES);
        if (!memory.take(wanted - decoded.length)) return false;
        decoded = new byte[wanted];
        return true;
    }

    private void sequences(byte[] in, int from, int end, Window window, int maxBytes)
            throws ZstdException {
        int index = from;
        if (index >= end) throw new ZstdException("the number of sequences is cut off");
        int count = in[index++] & 0xFF;
        if (count >= 128) {
            int more = count == 255 ? 2 : 1;
            if (index + more > end) throw new ZstdException("the number of sequences is cut off");
            count =
                    count == 255
                            ? (in[index] & 0xFF) + ((in[index + 1] & 0xFF) << 8) + 0x7F00
                            : ((count - 128) << 8) + (in[index] & 0xFF);
            index += more;
        }
        if (count == 0) {
            if (index != end) throw new ZstdException("bytes follow a block without sequences");
            finish(window, window.position(), maxBytes);
            return;
        }
        if (index >= end) throw new ZstdException("the modes of sequences are cut off");
        int modes = in[index++] & 0xFF;
        if ((modes & 3) != 0) throw new ZstdException("a reserved bit is set in a block");
        index = table(literalLengths, modes >> 6, LITERAL_LENGTHS, 6, in, index, end);
        index = table(offsets, (modes >> 4) & 3, OFFSETS, 5, in, index, end);
        index = table(matchLengths, (modes >> 2) & 3, MATCH_LENGTHS, 6, in, index, end);
        sequencesSeen = true;
        finish(
                window,
                execute(new BackwardBits(in, index, end), count, window, maxBytes),
                maxBytes);
    }

    private int table(
            FseTable table, int mode, short[] usual, int accuracy, byte[] in, int index, int end)
            throws ZstdException {
        switch (mode) {
            case 0 -> table.predefined(accuracy, usual);
            case 1 -> {
                if (index >= end) throw new ZstdException("a code of sequences is cut off");
                table.single(in[index] & 0xFF);
                return index + 1;
            }
            case 2 -> {
                return table.read(in, index, end);
            }
            default -> {
                if (!sequencesSeen) throw new ZstdException("there is no table to reuse");
            }
        }
        return index;
    }

    /** Literals and matches in turn; returns the index behind the last match. */
    private int execute(BackwardBits bits, int count, Window window, int maxBytes)
            throws ZstdException {
        byte[] out = window.bytes();
        int begin = window.position();
        int oldest = begin - window.history();
        int limit = begin + maxBytes;
        int at = begin;
        int lengths = (int) bits.read(literalLengths.accuracy());
        int distances = (int) bits.read(offsets.accuracy());
        int matches = (int) bits.read(matchLengths.accuracy());
        for (int left = count; left > 0; left--) {
            int offsetCode = offsets.symbol(distances);
            long offset = (1L << offsetCode) + bits.read(offsetCode);
            int code = matchLengths.symbol(matches);
            int match = MATCH_LENGTH_BASE[code] + (int) bits.read(MATCH_LENGTH_BITS[code]);
            code = literalLengths.symbol(lengths);
            int run = LITERAL_LENGTH_BASE[code] + (int) bits.read(LITERAL_LENGTH_BITS[code]);
            if (left > 1) {
                lengths = literalLengths.next(lengths, bits);
                matches = matchLengths.next(matches, bits);
                distances = offsets.next(distances, bits);
            }
            if (bits.left() < 0) throw new ZstdException("the sequences are cut off");

            offset = distance(offset, run);
            if (run > literalEnd - literal)
                throw new ZstdException("a sequence wants more literals");
            if (run + match > limit - at) throw tooMuch();
            copy(literals, literal, out, at, run);
            literal += run;
            at += run;
            if (offset > at - oldest || offset > window.size())
                throw new ZstdException("a match reaches too far back");
            repeat(out, at, (int) offset, match);
            at += match;
        }
        if (bits.left() != 0) throw new ZstdException("the sequences do not end in time");
        return at;
    }

    /** Resolves an offset that stands for an earlier one, and remembers it. */
    private long distance(long offset, int run) throws ZstdException {
        if (offset > 3) {
            repeat3 = repeat2;
            repeat2 = repeat1;
            repeat1 = (int) Math.min(offset - 3, Integer.MAX_VALUE); // beyond any window
            return repeat1;
        }
        int which = (int) offset + (run == 0 ? 1 : 0);
        if (which == 1) return repeat1;
        int chosen = which == 2 ? repeat2 : which == 3 ? repeat3 : repeat1 - 1;
        if (chosen == 0) throw new ZstdException("a match reaches back by nothing");
        if (which != 2) repeat3 = repeat2;
        repeat2 = repeat1;
        repeat1 = chosen;
        return chosen;
    }

    /** What is left of the literals ends the block. */
    private void finish(Window window, int at, int maxBytes) throws ZstdException {
        int rest = literalEnd - literal;
        int begin = window.position();
        if (rest > begin + maxBytes - at) throw tooMuch();
        copy(literals, literal, window.bytes(), at, rest);
        window.advance(at + rest - begin);
    }

    private static void copy(byte[] from, int begin, byte[] to, int at, int length) {
        if (length > SHORT_COPY_BYTES) System.arraycopy(from, begin, to, at, length);
        else for (int i = 0; i < length; i++) to[at + i] = from[begin + i];
    }

    /** Copies what lies {@code offset} bytes back; where they overlap, what was just written. */
    private static void repeat(byte[] out, int at, int offset, int length) {
        if (length <= SHORT_COPY_BYTES) {
            for (int i = at; i < at + length; i++) out[i] = out[i - offset];
            return;
        }
        int from = at - offset;
        int done = Math.min(offset, length);
        System.arraycopy(out, from, out, at, done);
        while (done < length) { // each round doubles the period
            int more = Math.min(done, length - done);
            System.arraycopy(out, at, out, at + done, more);
            done += more;
        }
    }

    private static long header(byte[] in, int bytes, int end) throws ZstdException {
        if (bytes > end) throw new ZstdException("the header of literals is cut off");
        long header = 0;
        for (int i = 0; i < bytes; i++) header |= (in[i] & 0xFFL) << (8 * i);
        return header;
    }

    private static ZstdException tooMuch() {
        return new ZstdException("a block holds more than a block may");
    }
}
