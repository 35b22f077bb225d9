package io.edged.wal;

/**
 * One segment file of an open log. The writer thread publishes what is committed in it; readers
 * look at nothing beyond.
 */
final class Segment {

    private final SegmentName name;
    private final long allocatedBytes;

    /**
     * End of the last committed frame; of a sealed segment, the size of the file. Written by the
     * writer thread after each force, before {@link #lastSeq}; readers read it after that, so they
     * never see a seq without its bytes. Two fields and no object, for this happens once for each
     * group.
     */
    private volatile long committedBytes;

    /** The last committed frame; the segment's first seq - 1 if there is none. */
    private volatile long lastSeq;

    private volatile boolean sealed;
    private int pins;
    private boolean retired;

    Segment(
            SegmentName name,
            long allocatedBytes,
            long committedBytes,
            long lastSeq,
            boolean sealed) {
        this.name = name;
        this.allocatedBytes = allocatedBytes;
        this.committedBytes = committedBytes;
        this.lastSeq = lastSeq;
        this.sealed = sealed;
    }

    SegmentName name() {
        return name;
    }

    long allocatedBytes() {
        return allocatedBytes;
    }

    long lastSeq() {
        return lastSeq;
    }

    /** Readers look at nothing behind this; to be read after {@link #lastSeq}. */
    long committedBytes() {
        return committedBytes;
    }

    boolean sealed() {
        return sealed;
    }

    void commit(long bytes, long seq) {
        committedBytes = bytes;
        lastSeq = seq;
    }

    /** Nothing will be written to it any more. */
    void seal() {
        sealed = true;
    }

    /**
     * Keeps its file from being recycled or deleted until {@link #unpin}; false if it is on its way
     * out.
     */
    synchronized boolean pin() {
        if (retired) return false;
        pins++;
        return true;
    }

    synchronized void unpin() {
        pins--;
    }

    /** Takes it out of use, unless a reader stands in it. */
    synchronized boolean retire() {
        if (pins > 0) return false;
        retired = true;
        return true;
    }

    /** Takes it out of use even under a reader, which finds that out at its next step. */
    synchronized void replace() {
        retired = true;
    }

    synchronized boolean retired() {
        return retired;
    }
}
