package io.edged.zstd;

/**
 * A table of finite state entropy (RFC 8878, 4.1): state to symbol, and to the state behind it.
 * Reused for one distribution after the other.
 */
final class FseTable {

    private static final int SMALLEST_ACCURACY = 5;

    private final int maxSymbol;
    private final int maxAccuracy;
    private final byte[] symbols;
    private final byte[] bits;
    private final short[] baselines;

    /** Scratch: probabilities, and the next state of each symbol. */
    private final short[] counts;

    private final int[] next;
    private int accuracy;

    FseTable(int maxSymbol, int maxAccuracy) {
        this.maxSymbol = maxSymbol;
        this.maxAccuracy = maxAccuracy;
        symbols = new byte[1 << maxAccuracy];
        bits = new byte[1 << maxAccuracy];
        baselines = new short[1 << maxAccuracy];
        counts = new short[maxSymbol + 1];
        next = new int[maxSymbol + 1];
    }

    int accuracy() {
        return accuracy;
    }

    int symbol(int state) {
        return symbols[state];
    }

    int bits(int state) {
        return bits[state];
    }

    /** The next state; reads its bits. */
    int next(int state, BackwardBits in) {
        return baselines[state] + (int) in.read(bits[state]);
    }

    /** Every state is this symbol. */
    void single(int symbol) throws ZstdException {
        if (symbol > maxSymbol) throw new ZstdException("a code is out of range");
        accuracy = 0;
        symbols[0] = (byte) symbol;
        bits[0] = 0;
        baselines[0] = 0;
    }

    /** A distribution that the format defines. */
    void predefined(int accuracy, short[] probabilities) {
        System.arraycopy(probabilities, 0, counts, 0, probabilities.length);
        build(accuracy, probabilities.length);
    }

    /**
     * Reads a distribution.
     *
     * @param in with {@link BackwardBits#PADDING} readable bytes behind {@code end}
     * @return the index behind it
     */
    int read(byte[] in, int from, int end) throws ZstdException {
        if (from >= end) throw cutOff();
        int accuracy = (in[from] & 15) + SMALLEST_ACCURACY;
        if (accuracy > maxAccuracy) throw new ZstdException("an entropy table is too accurate");
        int bit = 4;
        int limit = 8 * (end - from);
        int remaining = (1 << accuracy) + 1;
        int threshold = 1 << accuracy;
        int width = accuracy + 1;
        int symbol = 0;
        while (remaining > 1) {
            if (symbol > maxSymbol || bit > limit)
                throw new ZstdException("an entropy table does not add up");
            int window = bitsAt(in, from, bit);
            int few = 2 * threshold - 1 - remaining;
            int count = window & (threshold - 1);
            if (count < few) {
                bit += width - 1;
            } else {
                count = window & (2 * threshold - 1);
                if (count >= threshold) count -= few;
                bit += width;
            }
            count--; // −1 stands for "less than one"
            remaining -= Math.abs(count);
            counts[symbol++] = (short) count;
            if (count == 0) {
                int zeros;
                do {
                    if (bit > limit) throw cutOff();
                    zeros = bitsAt(in, from, bit) & 3;
                    bit += 2;
                    for (int i = 0; i < zeros; i++) {
                        if (symbol > maxSymbol)
                            throw new ZstdException("an entropy table has too many symbols");
                        counts[symbol++] = 0;
                    }
                } while (zeros == 3);
            }
            while (remaining < threshold) {
                width--;
                threshold >>= 1;
            }
        }
        if (remaining != 1) throw new ZstdException("an entropy table does not add up");
        if (bit > limit) throw cutOff();
        build(accuracy, symbol);
        return from + (bit + 7) / 8;
    }

    private void build(int accuracy, int symbolCount) {
        this.accuracy = accuracy;
        int size = 1 << accuracy;
        int high = size;
        for (int symbol = 0; symbol < symbolCount; symbol++) {
            if (counts[symbol] == -1) {
                symbols[--high] = (byte) symbol;
                next[symbol] = 1;
            } else {
                next[symbol] = counts[symbol];
            }
        }
        int step = (size >> 1) + (size >> 3) + 3;
        int position = 0;
        for (int symbol = 0; symbol < symbolCount; symbol++) {
            for (int i = 0; i < counts[symbol]; i++) {
                symbols[position] = (byte) symbol;
                do {
                    position = (position + step) & (size - 1);
                } while (position >= high);
            }
        }
        for (int state = 0; state < size; state++) {
            int following = next[symbols[state]]++;
            int width = accuracy - (31 - Integer.numberOfLeadingZeros(following));
            bits[state] = (byte) width;
            baselines[state] = (short) ((following << width) - size);
        }
    }

    /** At least 17 bits from a bit on; what lies behind the end is looked at by the caller. */
    private static int bitsAt(byte[] in, int from, int bit) {
        int index = from + (bit >>> 3);
        int word =
                (in[index] & 0xFF)
                        | (in[index + 1] & 0xFF) << 8
                        | (in[index + 2] & 0xFF) << 16
                        | (in[index + 3] & 0xFF) << 24;
        return word >>> (bit & 7);
    }

    private static ZstdException cutOff() {
        return new ZstdException("an entropy table is cut off");
    }
}
