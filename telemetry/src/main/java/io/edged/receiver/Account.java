package io.edged.receiver;

/**
 * What one connection holds of the memory for bodies. A share of it is the connection's own, which
 * nobody else can use up; what is beyond the share comes out of what all connections have in
 * common. So a client with small requests is served however much the others hold.
 *
 * <p>Any thread: the connection's event loop and workers reserve, the log's writer may release.
 */
final class Account {

    private final Admission admission;
    private final long share;
    private long held;

    Account(Admission admission) {
        this.admission = admission;
        share = admission.shareBytes();
    }

    /** Takes memory; false if there is none, and nothing is taken then. */
    synchronized boolean reserve(long bytes) {
        long common = aboveShare(held + bytes) - aboveShare(held);
        if (common > 0 && !admission.reserve(common)) return false;
        held += bytes;
        admission.count(bytes);
        return true;
    }

    /**
     * Takes as much of the connection's own share as there is, up to a number of bytes.
     *
     * @return what was taken
     */
    synchronized long reserveOfShare(long bytes) {
        long taken = Math.clamp(share - held, 0, bytes);
        held += taken;
        admission.count(taken);
        return taken;
    }

    /** Whether so much could be taken now; takes nothing. */
    synchronized boolean hasRoomFor(long bytes) {
        return admission.hasRoomFor(aboveShare(held + bytes) - aboveShare(held));
    }

    /** Whether it holds something that others could have. */
    synchronized boolean isAboveShare() {
        return held > share;
    }

    synchronized void release(long bytes) {
        long common = aboveShare(held) - aboveShare(held - bytes);
        held -= bytes;
        admission.count(-bytes);
        if (common > 0) admission.release(common);
    }

    private long aboveShare(long bytes) {
        return Math.max(0, bytes - share);
    }
}
