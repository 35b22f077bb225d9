package io.edged.drain;

/**
 * How long the {@code edge-batch} header of a growing batch is, without writing it each time.
 * Frames come with rising sequences, or with falling ones.
 */
final class EdgeBatchLength {

    private final int base;
    private int closed;
    private long from;
    private long to;

    EdgeBatchLength(int prefixLength) {
        this.base = prefixLength;
    }

    /** Whether the header stays within its bound with this frame. */
    boolean fits(long seq) {
        return base + lengthWith(seq) <= EdgeBatch.MAX_LENGTH;
    }

    void add(long seq) {
        if (from != 0 && seq == to + 1) {
            to = seq;
            return;
        }
        if (from != 0 && seq == from - 1) {
            from = seq;
            return;
        }
        if (from != 0) closed += runLength(from, to) + 1;
        from = seq;
        to = seq;
    }

    private int lengthWith(long seq) {
        if (from == 0) return digits(seq);
        if (seq == to + 1) return closed + runLength(from, seq);
        if (seq == from - 1) return closed + runLength(seq, to);
        return closed + runLength(from, to) + 1 + digits(seq);
    }

    private static int runLength(long from, long to) {
        return from == to ? digits(from) : digits(from) + 1 + digits(to);
    }

    private static int digits(long number) {
        return Long.toString(number).length();
    }
}
