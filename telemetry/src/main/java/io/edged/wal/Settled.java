package io.edged.wal;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** A set of seqs that has a solid lower part and a few runs above it. Not for several threads. */
final class Settled {

    private final TreeMap<Long, Long> runs = new TreeMap<>();
    private long to;

    Settled(long to, List<SeqRange> done) {
        this.to = to;
        for (SeqRange run : done) add(run.from(), run.to());
    }

    /** Everything up to here is in the set. */
    long to() {
        return to;
    }

    boolean contains(long seq) {
        if (seq <= to) return true;
        Map.Entry<Long, Long> run = runs.floorEntry(seq);
        return run != null && run.getValue() >= seq;
    }

    /** How many runs stand above {@link #to}. */
    int runs() {
        return runs.size();
    }

    /** How many runs there would be with these seqs added, of which none is in the set. */
    int runsWith(long from, long upTo) {
        if (from <= to + 1) return runs.size();
        Map.Entry<Long, Long> below = runs.floorEntry(from);
        boolean joinsBelow = below != null && below.getValue() >= from - 1;
        boolean joinsAbove = runs.containsKey(upTo + 1);
        return runs.size() + 1 - (joinsBelow ? 1 : 0) - (joinsAbove ? 1 : 0);
    }

    /** The seqs below {@code seq} that may be added with it: down to what is in the set. */
    long lowestFreeFrom(long from, long seq) {
        long lowest = Math.max(from, to + 1);
        Map.Entry<Long, Long> below = runs.floorEntry(seq);
        return below == null ? lowest : Math.max(lowest, below.getValue() + 1);
    }

    /** What is in this set and in the other one. */
    Settled and(Settled other) {
        var both = new Settled(Math.min(to, other.to), List.of());
        for (SeqRange mine : all())
            for (SeqRange theirs : other.all()) {
                long from = Math.max(mine.from(), theirs.from());
                long upTo = Math.min(mine.to(), theirs.to());
                if (from <= upTo) both.add(from, upTo);
            }
        return both;
    }

    private List<SeqRange> all() {
        var list = new ArrayList<SeqRange>();
        if (to > 0) list.add(new SeqRange(1, to));
        list.addAll(done());
        return list;
    }

    void add(long from, long upTo) {
        if (upTo <= to) return;
        long first = Math.max(from, to + 1);
        long last = upTo;
        Map.Entry<Long, Long> below = runs.floorEntry(first);
        if (below != null && below.getValue() >= first - 1) {
            first = below.getKey();
            last = Math.max(last, below.getValue());
        }
        for (Map.Entry<Long, Long> run = runs.ceilingEntry(first);
                run != null && run.getKey() <= last + 1;
                run = runs.ceilingEntry(first)) {
            last = Math.max(last, run.getValue());
            runs.remove(run.getKey());
        }
        if (first == to + 1) to = last;
        else runs.put(first, last);
    }

    List<SeqRange> done() {
        var list = new ArrayList<SeqRange>();
        runs.forEach((from, last) -> list.add(new SeqRange(from, last)));
        return List.copyOf(list);
    }
}
