package io.edged.wal;

/**
 * One segment file of an open log. The writer thread publishes what is committed in it; readers
 * look at nothing beyond.
 */
final class Segment {

    private final SegmentName name;
    private final long allocatedBytes;

    /**
     * Written by the writer thread after each force (or by the one that opens the log); read by
     * any.
     */
    private volatile Committed committed;

    private volatile boolean sealed;
    private int pins;
    private boolean retired;

    /**
     * What readers may see.
     *
     * @param bytes end of the last committed frame; of a sealed segment, the size of the file
     * @param lastSeq of the last committed frame; the segment's first seq - 1 if there is none
     */
    record Committed(long bytes, long lastSeq) {}

    Segment(SegmentName name, long allocatedBytes, Committed committed, boolean sealed) {
        this.name = name;
        this.allocatedBytes = allocatedBytes;
        this.committed = committed;
        this.sealed = sealed;
    }

    SegmentName name() {
        return name;
    }

    long allocatedBytes() {
        return allocatedBytes;
    }

    Committed committed() {
        return committed;
    }

    boolean sealed() {
        return sealed;
    }

    void commit(long bytes, long lastSeq) {
        committed = new Committed(bytes, lastSeq);
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
