package io.edged.drain;

import io.edged.wal.FramePart;
import io.edged.wal.Settlement;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Frames that are sent in parts: how they were cut, and what became of each part. A frame settles
 * once, when the last of its items does. The cuts are kept with the cursor, and a part is sent only
 * when they are durable: after a crash the same parts are sent again, so a receiver that remembers
 * what it took knows them.
 */
final class SplitFrames {

    private SplitFrames() {}

    /** A piece is cut further. */
    static void split(LaneProgress lane, Piece piece, List<Piece> into) {
        var parts = new ArrayList<FramePart>();
        for (FramePart part : parts(lane, piece)) {
            if (!isSame(part, piece)) parts.add(part);
            else
                for (Piece cut : into)
                    parts.add(new FramePart(cut.first(), cut.last(), Optional.empty()));
        }
        lane.keepParts(piece.seq(), parts, true);
    }

    /** Adds what became of a piece; the frame's settlement once all of its items have one. */
    static Optional<Settlement> settled(LaneProgress lane, Piece piece, Settlement settlement) {
        if (piece.isWhole() && lane.parts(piece.seq()).isEmpty()) return Optional.of(settlement);
        var parts = new ArrayList<FramePart>();
        for (FramePart part : parts(lane, piece))
            parts.add(
                    isSame(part, piece)
                            ? new FramePart(part.first(), part.last(), Optional.of(settlement))
                            : part);
        if (parts.stream().allMatch(part -> part.settled().isPresent()))
            return Optional.of(sum(parts));
        lane.keepParts(piece.seq(), parts, false);
        return Optional.empty();
    }

    private static List<FramePart> parts(LaneProgress lane, Piece piece) {
        List<FramePart> parts = lane.parts(piece.seq());
        return parts.isEmpty()
                ? List.of(new FramePart(0, piece.frame().items() - 1, Optional.empty()))
                : parts;
    }

    private static boolean isSame(FramePart part, Piece piece) {
        return part.first() == piece.first() && part.last() == piece.last();
    }

    private static Settlement sum(List<FramePart> parts) {
        int delivered = 0;
        int deadLettered = 0;
        Map<String, Integer> dropped = new TreeMap<>();
        for (FramePart part : parts) {
            Settlement settlement = part.settled().orElseThrow();
            delivered += settlement.delivered();
            deadLettered += settlement.deadLettered();
            settlement
                    .dropped()
                    .forEach((reason, items) -> dropped.merge(reason, items, Integer::sum));
        }
        return new Settlement(delivered, deadLettered, dropped);
    }
}
