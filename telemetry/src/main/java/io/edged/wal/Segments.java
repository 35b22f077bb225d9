package io.edged.wal;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicLong;

/** The segments of an open log, by the seq of their first frame. Any thread. */
final class Segments {

    private final ConcurrentSkipListMap<Long, Segment> byFirstSeq = new ConcurrentSkipListMap<>();
    private final AtomicLong allocatedBytes = new AtomicLong();

    void add(Segment segment) {
        Segment before = byFirstSeq.put(segment.name().firstSeq(), segment);
        if (before != null) {
            before.replace();
            allocatedBytes.addAndGet(-before.allocatedBytes());
        }
        allocatedBytes.addAndGet(segment.allocatedBytes());
    }

    void remove(Segment segment) {
        if (byFirstSeq.remove(segment.name().firstSeq(), segment))
            allocatedBytes.addAndGet(-segment.allocatedBytes());
    }

    /** The segment in which {@code seq} is, would be, or (before the oldest) the oldest one. */
    Optional<Segment> holding(long seq) {
        Map.Entry<Long, Segment> entry = byFirstSeq.floorEntry(seq);
        if (entry == null) entry = byFirstSeq.firstEntry();
        return Optional.ofNullable(entry).map(Map.Entry::getValue);
    }

    Optional<Segment> after(Segment segment) {
        return Optional.ofNullable(byFirstSeq.higherEntry(segment.name().firstSeq()))
                .map(Map.Entry::getValue);
    }

    Optional<Segment> oldest() {
        return Optional.ofNullable(byFirstSeq.firstEntry()).map(Map.Entry::getValue);
    }

    List<Segment> list() {
        return List.copyOf(byFirstSeq.values());
    }

    int count() {
        return byFirstSeq.size();
    }

    long allocatedBytes() {
        return allocatedBytes.get();
    }
}
