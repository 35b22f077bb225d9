package io.edged.drain;

import io.edged.wal.Frame;

import java.util.Comparator;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Frames that the destination refuses one by one. Their bodies stay in the log; here is only what
 * is needed to try again, slowly and one at a time.
 */
final class RefusedFrames {

    /** One of them; {@code dueNanos} by the monotonic clock. */
    record Refused(LaneProgress lane, Frame frame, int attempts, long dueNanos) {}

    private final RetryPolicy policy;
    private final int limit;
    private final TreeMap<Long, Refused> frames = new TreeMap<>();

    /** The one that is being tried again; 0 if none is. */
    private long trying;

    RefusedFrames(RetryPolicy policy, int limit) {
        this.policy = policy;
        this.limit = limit;
    }

    int size() {
        return frames.size();
    }

    /** Whether no further frame may be stepped over, and so none be read. */
    boolean full() {
        return frames.size() >= limit;
    }

    /** The destination refused this frame on its own, for the first time or again. */
    void refused(LaneProgress lane, Frame frame, long now) {
        Refused before = frames.get(frame.seq());
        int attempts = before == null ? 1 : before.attempts() + 1;
        long due = now + policy.backoff(attempts).toNanos();
        frames.put(frame.seq(), new Refused(lane, frame, attempts, due));
        tried(frame.seq());
    }

    /** The frame is settled, or gone. */
    void remove(long seq) {
        frames.remove(seq);
        tried(seq);
    }

    private void tried(long seq) {
        if (trying == seq) trying = 0;
    }

    /** The next one to try again, if it is time and no other is being tried. */
    Optional<Refused> due(long now) {
        return next().filter(refused -> refused.dueNanos() - now <= 0);
    }

    void trying(long seq) {
        trying = seq;
    }

    /** Nanoseconds until {@link #due} has one. */
    long waitNanos(long now) {
        return next().map(refused -> Math.max(0, refused.dueNanos() - now)).orElse(Long.MAX_VALUE);
    }

    private Optional<Refused> next() {
        if (trying != 0) return Optional.empty();
        return frames.values().stream().min(Comparator.comparingLong(Refused::dueNanos));
    }
}
