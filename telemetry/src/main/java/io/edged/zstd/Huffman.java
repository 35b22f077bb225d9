package io.edged.zstd;

import java.util.Arrays;

/** The Huffman code of literals (RFC 8878, 4.2); kept from block to block of a frame. */
final class Huffman {

    private static final int MAX_BITS = 11;
    private static final int MAX_SYMBOLS = 256;
    private static final int STREAMS = 4;
    private static final int JUMP_TABLE_BYTES = 6;

    private final byte[] symbols = new byte[1 << MAX_BITS];
    private final byte[] widths = new byte[1 << MAX_BITS];
    private final byte[] weights = new byte[MAX_SYMBOLS];
    private final int[] ranks = new int[MAX_BITS + 2];
    private final FseTable weightTable = new FseTable(MAX_BITS + 1, 6);
    private int maxBits;

    /** Forgets the code, at the beginning of a frame. */
    void reset() {
        maxBits = 0;
    }

    boolean isSet() {
        return maxBits > 0;
    }

    /** Reads the description of a code and returns the index behind it. */
    int read(byte[] in, int from, int end) throws ZstdException {
        if (from >= end) throw new ZstdException("a Huffman table is cut off");
        int header = in[from] & 0xFF;
        int index = from + 1;
        int count;
        if (header >= 128) {
            count = header - 127;
            int after = index + (count + 1) / 2;
            if (after > end) throw new ZstdException("a Huffman table is cut off");
            for (int i = 0; i < count; i++) {
                int pair = in[index + i / 2] & 0xFF;
                weights[i] = (byte) ((i & 1) == 0 ? pair >> 4 : pair & 15);
            }
            index = after;
        } else {
            int after = index + header;
            if (after > end) throw new ZstdException("a Huffman table is cut off");
            count = readWeights(in, index, after);
            index = after;
        }
        build(count);
        return index;
    }

    /** Decodes one stream of literals. */
    void decode(byte[] in, int from, int end, byte[] out, int outFrom, int outEnd)
            throws ZstdException {
        var bits = new BackwardBits(in, from, end);
        int width = maxBits;
        for (int i = outFrom; i < outEnd; i++) {
            int code = (int) bits.peek(width);
            out[i] = symbols[code];
            bits.skip(widths[code]);
        }
        if (bits.left() != 0) throw new ZstdException("a stream of literals does not end in time");
    }

    /** Decodes four streams, whose sizes stand before them. */
    void decodeFour(byte[] in, int from, int end, byte[] out, int length) throws ZstdException {
        int begin = from + JUMP_TABLE_BYTES;
        if (begin > end) throw new ZstdException("the sizes of the literal streams are cut off");
        int quarter = (length + STREAMS - 1) / STREAMS;
        if (quarter * (STREAMS - 1) > length)
            throw new ZstdException("too few literals for four streams");
        for (int i = 0; i < STREAMS; i++) {
            int size =
                    i == STREAMS - 1
                            ? end - begin
                            : (in[from + 2 * i] & 0xFF) | (in[from + 2 * i + 1] & 0xFF) << 8;
            if (size > end - begin)
                throw new ZstdException("a stream of literals is larger than its block");
            int until = i == STREAMS - 1 ? length : quarter * (i + 1);
            decode(in, begin, begin + size, out, quarter * i, until);
            begin += size;
        }
    }

    /** Weights that are themselves compressed, by two states that take turns. */
    private int readWeights(byte[] in, int from, int end) throws ZstdException {
        int begin = weightTable.read(in, from, end);
        var bits = new BackwardBits(in, begin, end);
        int width = weightTable.accuracy();
        int one = (int) bits.read(width);
        int two = (int) bits.read(width);
        if (bits.left() < 0) throw new ZstdException("the weights of a Huffman table are cut off");
        int count = 0;
        while (true) {
            count = weight(count, weightTable.symbol(one));
            one = weightTable.next(one, bits);
            if (bits.left() < 0) return weight(count, weightTable.symbol(two));
            count = weight(count, weightTable.symbol(two));
            two = weightTable.next(two, bits);
            if (bits.left() < 0) return weight(count, weightTable.symbol(one));
        }
    }

    private int weight(int count, int weight) throws ZstdException {
        // One symbol less: the weight of the last one is not written.
        if (count == MAX_SYMBOLS - 1) throw new ZstdException("a Huffman table is too long");
        weights[count] = (byte) weight;
        return count + 1;
    }

    private void build(int count) throws ZstdException {
        int sum = 0;
        Arrays.fill(ranks, 0);
        for (int i = 0; i < count; i++) {
            if (weights[i] > MAX_BITS) throw new ZstdException("a Huffman code is too long");
            ranks[weights[i]]++;
            sum += (1 << weights[i]) >> 1;
        }
        if (sum == 0) throw new ZstdException("a Huffman table is empty");
        int total = Integer.highestOneBit(sum) << 1;
        int rest = total - sum;
        int bits = Integer.numberOfTrailingZeros(total);
        if (bits > MAX_BITS || Integer.bitCount(rest) != 1)
            throw new ZstdException("a Huffman table does not add up");
        int last = Integer.numberOfTrailingZeros(rest) + 1;
        weights[count] = (byte) last;
        ranks[last]++;
        if (ranks[1] < 2 || (ranks[1] & 1) != 0)
            throw new ZstdException("a Huffman table does not add up");
        int begin = 0;
        for (int weight = 1; weight <= bits; weight++) {
            int entries = ranks[weight] << (weight - 1);
            ranks[weight] = begin;
            begin += entries;
        }
        for (int symbol = 0; symbol <= count; symbol++) {
            int weight = weights[symbol];
            if (weight == 0) continue;
            int from = ranks[weight];
            int to = from + (1 << (weight - 1));
            Arrays.fill(symbols, from, to, (byte) symbol);
            Arrays.fill(widths, from, to, (byte) (bits + 1 - weight));
            ranks[weight] = to;
        }
        maxBits = bits;
    }
}
