package io.edged.drain;

import io.edged.wal.Settlement;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** Frames of which a part is settled: a frame settles once, when the last of its items does. */
final class SplitFrames {

    private static final class Tally {
        private int delivered;
        private int deadLettered;
        private final Map<String, Integer> dropped = new TreeMap<>();

        Settlement sum(Settlement more) {
            delivered += more.delivered();
            deadLettered += more.deadLettered();
            more.dropped().forEach((reason, items) -> dropped.merge(reason, items, Integer::sum));
            return new Settlement(delivered, deadLettered, dropped);
        }
    }

    private final Map<Long, Tally> frames = new HashMap<>();

    /** Adds what became of a piece; the frame's settlement once all of its items have one. */
    Optional<Settlement> settled(Piece piece, Settlement settlement) {
        if (piece.isWhole()) return Optional.of(settlement);
        Settlement sum = frames.computeIfAbsent(piece.seq(), _ -> new Tally()).sum(settlement);
        if (sum.items() < piece.frame().items()) return Optional.empty();
        frames.remove(piece.seq());
        return Optional.of(sum);
    }

    /** The frame is gone. */
    void forget(long seq) {
        frames.remove(seq);
    }
}
