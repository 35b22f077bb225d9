package io.edged.wal;

import io.edged.wal.SegmentScan.Part;

import java.util.ArrayList;
import java.util.List;

/**
 * Decides what a log that was found on disk means. Pure: it is given what was found and says what
 * follows; {@link LogOpener} and {@link Wal} do it. {@code docs/crash-safety.md} prints the two
 * tables.
 */
final class Recovery {
    private Recovery() {}

    /** What the small files and the names say. */
    record FoundLog(
            boolean segments, FoundSafePoint safePoint, boolean progress, boolean lossAccounted) {
        /**
         * @param progress whether {@code telemetry.pos} has a cursor or a gap above 0
         * @param lossAccounted whether everything up to the highest seq known is settled in every
         *     cursor or in gaps
         */
        FoundLog {}
    }

    enum FoundSafePoint {
        MISSING,
        /** Wrong size or checksum. */
        DAMAGED,
        ZERO,
        POSITIVE
    }

    /**
     * One row each for what can be found before any frame is read; the first that matches holds.
     */
    enum LogRow {
        FIRST_RUN,
        /**
         * Every segment is gone, but all that was in them has been settled: the log goes on where
         * it was.
         */
        EMPTY_AND_SETTLED,
        LOG_LOST,
        SAFE_POINT_BAD,
        SEGMENTS;

        boolean matches(FoundLog found) {
            return switch (this) {
                case FIRST_RUN ->
                        !found.segments()
                                && !found.progress()
                                && (found.safePoint() == FoundSafePoint.MISSING
                                        || found.safePoint() == FoundSafePoint.ZERO);
                case EMPTY_AND_SETTLED -> !found.segments() && found.lossAccounted();
                case LOG_LOST -> !found.segments();
                case SAFE_POINT_BAD ->
                        found.safePoint() == FoundSafePoint.MISSING
                                || found.safePoint() == FoundSafePoint.DAMAGED;
                case SEGMENTS -> true;
            };
        }
    }

    static LogRow row(FoundLog found) {
        for (LogRow row : LogRow.values()) if (row.matches(found)) return row;
        throw new IllegalStateException("no row for " + found);
    }

    /**
     * What is known where a scan does not find the frame that it expects.
     *
     * @param listed whether every missing seq is in a known gap
     * @param bytesBetween whether bytes lie between the last intact frame and the next one
     * @param intactBehind whether any intact frame stands behind
     * @param forced whether something proves that the expected frame's group was forced: a frame of
     *     a later group, a later segment, the safe point, or a listed gap behind it
     * @param zeros whether the bytes from here on are readable and 0, or there are none
     */
    record FoundStop(
            boolean listed,
            boolean bytesBetween,
            boolean intactBehind,
            boolean forced,
            boolean zeros) {}

    /** One row each for such a place; the first that matches holds. */
    enum StopRow {
        LISTED_GAP,
        SEQ_GAP,
        BAD_FRAME,
        COMMITTED_DATA_LOST,
        TORN_TAIL;

        boolean matches(FoundStop found) {
            return switch (this) {
                case LISTED_GAP -> found.intactBehind() && found.listed();
                case SEQ_GAP -> found.intactBehind() && !found.bytesBetween();
                case BAD_FRAME -> found.forced() && (found.intactBehind() || !found.zeros());
                case COMMITTED_DATA_LOST -> found.forced();
                case TORN_TAIL -> true;
            };
        }
    }

    static StopRow row(FoundStop found) {
        for (StopRow row : StopRow.values()) if (row.matches(found)) return row;
        throw new IllegalStateException("no row for " + found);
    }

    /**
     * Damage to durable data.
     *
     * @param seqs what is lost
     * @param fromOffset where the damaged bytes begin
     * @param toOffset where they end; equal to {@code fromOffset} if there are none
     */
    record Damage(Corruption code, SeqRange seqs, long fromOffset, long toOffset) {}

    /**
     * What one segment amounts to.
     *
     * @param kept the parts to keep, in order
     * @param damages what durable data is lost
     * @param lastSeq the last seq that the segment accounts for, kept or lost; its first seq - 1 if
     *     it holds nothing
     * @param tornOffset where an uncommitted tail begins, or -1
     * @param phantoms frames of groups that were not committed
     * @param clean whether the kept bytes are exactly the file's bytes, apart from a zeroed rest
     */
    record Verdict(
            List<Part> kept,
            List<Damage> damages,
            long lastSeq,
            long tornOffset,
            long phantoms,
            boolean clean) {

        /** Bytes that the kept parts take. */
        long keptBytes() {
            return kept.stream().mapToLong(part -> part.toOffset() - part.fromOffset()).sum();
        }
    }

    /**
     * Judges a scanned segment.
     *
     * @param provenSeq every seq up to this one is known to have been forced: the safe point, or
     *     for a segment that is not the last one the next name - 1
     */
    static Verdict judge(SegmentScan scan, long provenSeq, Gaps gaps) {
        long proof = Math.max(Math.max(provenSeq, gaps.maxTo()), scan.maxIdentity() - 1);
        var kept = new ArrayList<Part>();
        var damages = new ArrayList<Damage>();
        boolean clean = true;
        long expected = scan.name().firstSeq();
        long offset = 0;
        long openIdentity =
                0; // of the group that the frame before lacks the rest of; 0 if that frame had the
        // commit flag

        for (Part part : scan.parts()) {
            if (part.fromSeq() > expected || part.fromOffset() > offset) {
                boolean bytesBetween = part.fromOffset() > offset;
                long behindGap = gaps.skip(expected);
                long identity =
                        behindGap == expected && openIdentity > 0 ? openIdentity : behindGap;
                boolean listed = gaps.covers(expected, part.fromSeq() - 1);
                var stop = new FoundStop(listed, bytesBetween, true, identity <= proof, false);
                switch (row(stop)) {
                    case LISTED_GAP -> clean &= !bytesBetween;
                    case SEQ_GAP -> {
                        for (SeqRange seqs : gaps.uncovered(expected, part.fromSeq() - 1))
                            damages.add(new Damage(Corruption.SEQ_GAP, seqs, offset, offset));
                    }
                    case BAD_FRAME -> {
                        clean = false;
                        for (SeqRange seqs : gaps.uncovered(expected, part.fromSeq() - 1))
                            damages.add(
                                    new Damage(
                                            Corruption.BAD_FRAME, seqs, offset, part.fromOffset()));
                    }
                    case TORN_TAIL -> {
                        return torn(scan, kept, damages, identity);
                    }
                    case COMMITTED_DATA_LOST ->
                            throw new IllegalStateException(
                                    "frames behind " + expected + " in " + scan);
                }
            }
            if (!part.complete() && part.identity() > proof)
                return torn(scan, kept, damages, part.identity());
            kept.add(part);
            openIdentity = part.committed() ? 0 : part.identity();
            expected = part.toSeq() + 1;
            offset = part.toOffset();
        }

        expected = gaps.skip(expected);
        if (expected > provenSeq) {
            long last = Math.max(expected - 1, scan.name().firstSeq() - 1);
            boolean torn = !scan.tailZeros() && !scan.tailMarked();
            return new Verdict(
                    List.copyOf(kept),
                    List.copyOf(damages),
                    last,
                    torn ? offset : -1,
                    0,
                    clean && !torn);
        }
        var stop = new FoundStop(false, offset < scan.fileBytes(), false, true, scan.tailZeros());
        Corruption code =
                switch (row(stop)) {
                    case BAD_FRAME -> Corruption.BAD_FRAME;
                    case COMMITTED_DATA_LOST -> Corruption.COMMITTED_DATA_LOST;
                    case LISTED_GAP, SEQ_GAP, TORN_TAIL ->
                            throw new IllegalStateException("forced end in " + scan);
                };
        for (SeqRange seqs : gaps.uncovered(expected, provenSeq))
            damages.add(new Damage(code, seqs, offset, scan.fileBytes()));
        return new Verdict(List.copyOf(kept), List.copyOf(damages), provenSeq, -1, 0, false);
    }

    /**
     * The log ends at the start of the group {@code identity}: its frames, kept or not yet reached,
     * are phantoms.
     */
    private static Verdict torn(
            SegmentScan scan, List<Part> kept, List<Damage> damages, long identity) {
        var before = new ArrayList<>(kept);
        while (!before.isEmpty() && before.getLast().fromSeq() >= identity) before.removeLast();
        long phantoms =
                scan.parts().stream()
                        .filter(part -> part.fromSeq() >= identity)
                        .mapToLong(part -> part.toSeq() - part.fromSeq() + 1)
                        .sum();
        long offset = before.isEmpty() ? 0 : before.getLast().toOffset();
        return new Verdict(
                List.copyOf(before),
                List.copyOf(damages),
                Math.max(identity, scan.name().firstSeq()) - 1,
                offset,
                phantoms,
                false);
    }
}
