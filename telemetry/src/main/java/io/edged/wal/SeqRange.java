package io.edged.wal;

/** Seqs {@code from} to {@code to} inclusive. */
record SeqRange(long from, long to) {
    SeqRange {
        if (from < 1 || to < from)
            throw new IllegalArgumentException("range " + from + " to " + to);
    }

    long count() {
        return to - from + 1;
    }

    @Override
    public String toString() {
        return from == to ? Long.toString(from) : from + "-" + to;
    }
}
