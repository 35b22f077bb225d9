package io.edged.wal;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Ranges of seqs that are gone and accounted for, each with its reason. Immutable, so that readers
 * need no lock.
 */
final class Gaps {

    static final Gaps NONE = new Gaps(new TreeMap<>());

    /** {@code from} to {@code to} inclusive. */
    record Gap(long from, long to, String reason) {
        Gap {
            if (from < 1 || to < from)
                throw new IllegalArgumentException("gap " + from + " to " + to);
        }
    }

    private final NavigableMap<Long, Gap> byFrom;

    private Gaps(NavigableMap<Long, Gap> byFrom) {
        this.byFrom = byFrom;
    }

    static Gaps of(List<Gap> gaps) {
        Gaps result = NONE;
        for (Gap gap : gaps) result = result.with(gap);
        return result;
    }

    List<Gap> list() {
        return List.copyOf(byFrom.values());
    }

    boolean isEmpty() {
        return byFrom.isEmpty();
    }

    /** The gap that holds {@code seq}. */
    Optional<Gap> at(long seq) {
        Map.Entry<Long, Gap> entry = byFrom.floorEntry(seq);
        return entry != null && entry.getValue().to() >= seq
                ? Optional.of(entry.getValue())
                : Optional.empty();
    }

    /** The first seq from {@code seq} on that is in no gap. */
    long skip(long seq) {
        long at = seq;
        for (Optional<Gap> gap = at(at); gap.isPresent(); gap = at(at)) at = gap.get().to() + 1;
        return at;
    }

    boolean covers(long from, long to) {
        return skip(from) > to;
    }

    /** The parts of a range that are in no gap, in order. */
    List<SeqRange> uncovered(long from, long to) {
        var parts = new ArrayList<SeqRange>();
        for (long at = skip(from); at <= to; at = skip(at)) {
            Long next = byFrom.higherKey(at);
            long end = next == null ? to : Math.min(to, next - 1);
            parts.add(new SeqRange(at, end));
            at = end + 1;
        }
        return parts;
    }

    /** The end of the last gap; 0 if there is none. */
    long maxTo() {
        return byFrom.values().stream().map(Gap::to).max(Comparator.naturalOrder()).orElse(0L);
    }

    /** How many seqs at or behind {@code seq} are in gaps. */
    long countFrom(long seq) {
        return byFrom.values().stream()
                .filter(gap -> gap.to() >= seq)
                .mapToLong(gap -> gap.to() - Math.max(seq, gap.from()) + 1)
                .sum();
    }

    /** With one more range, of which only what is not yet in a gap is added. */
    Gaps with(Gap gap) {
        var result = new TreeMap<>(byFrom);
        for (SeqRange part : uncovered(gap.from(), gap.to())) {
            Map.Entry<Long, Gap> before = result.lowerEntry(part.from());
            long from = part.from();
            // Neighbours of one reason are one range, so that the list stays as short as the damage
            // is.
            if (before != null
                    && before.getValue().to() == from - 1
                    && before.getValue().reason().equals(gap.reason())) from = before.getKey();
            result.put(from, new Gap(from, part.to(), gap.reason()));
        }
        return new Gaps(result);
    }

    /** Without the gaps that end before {@code seq}. */
    Gaps from(long seq) {
        var result = new TreeMap<Long, Gap>();
        byFrom.forEach((from, gap) -> {
            if (gap.to() >= seq) result.put(from, gap);
        });
        return new Gaps(result);
    }
}
