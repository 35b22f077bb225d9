package io.edged.wal;

import io.edged.disk.AtomicFile;
import io.edged.disk.LogDirectory;
import io.edged.disk.LogFile;
import io.edged.wal.Recovery.FoundLog;
import io.edged.wal.Recovery.FoundSafePoint;
import io.edged.wal.Recovery.LogRow;
import io.edged.wal.Recovery.Verdict;

import java.io.IOException;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Opens a log: reads the small files, the names and the last segment, does what {@link Recovery}
 * decides, and leaves the directory so that the first group makes a new segment. Opening twice
 * changes nothing the second time.
 */
final class LogOpener {

    private static final System.Logger LOG = System.getLogger(LogOpener.class.getName());

    /** Below every seq, 0 included, so that raising it always writes the file. */
    private static final long NO_SAFE_POINT = -1;

    /** What a segment file of another log gets behind its name. */
    static final String FOREIGN_SUFFIX = ".foreign";

    private final LogDirectory directory;
    private final WalOptions options;
    private final WalEnvironment environment;
    private final WalMetrics metrics;

    LogOpener(
            LogDirectory directory,
            WalOptions options,
            WalEnvironment environment,
            WalMetrics metrics) {
        this.directory = directory;
        this.options = options;
        this.environment = environment;
        this.metrics = metrics;
    }

    /**
     * An opened log.
     *
     * @param recount whether what is pending must be counted anew, because readable headers are all
     *     that is left to tell
     */
    record Opened(
            long logId,
            Segments segments,
            SafePoint safePoint,
            Progress progress,
            SegmentRepair repair,
            PositionFile positionFile,
            long nextSeq,
            boolean recount) {}

    Opened open() throws IOException {
        removeLeftovers();
        Optional<Positions> stored = readPositions();
        List<SegmentName> names = ownSegments(stored);
        SafePoint.Stored safe = SafePoint.read(directory);
        long safeSeq = safe instanceof SafePoint.Stored.At at ? at.seq() : 0;

        var found =
                new FoundLog(
                        !names.isEmpty(),
                        foundSafePoint(safe),
                        stored.map(LogOpener::hasProgress).orElse(false),
                        stored.map(positions -> settledTo(positions, safeSeq)).orElse(false));
        LogRow row = Recovery.row(found);
        return switch (row) {
            case FIRST_RUN -> begin(Positions.empty(newLogId()), 0, false);
            case EMPTY_AND_SETTLED ->
                    begin(stored.orElseThrow(), highest(stored.orElseThrow(), safeSeq), false);
            case LOG_LOST -> lost(stored, safeSeq);
            case SAFE_POINT_BAD -> {
                report(
                        Corruption.SAFE_POINT_BAD,
                        SafePoint.FILE,
                        0,
                        0,
                        safe instanceof SafePoint.Stored.Damaged damaged
                                ? damaged.why()
                                : "missing");
                yield segments(names, stored, NO_SAFE_POINT);
            }
            case SEGMENTS -> segments(names, stored, safeSeq);
        };
    }

    private void removeLeftovers() throws IOException {
        boolean any = false;
        for (String name : directory.names()) {
            if (name.endsWith(AtomicFile.TEMPORARY_SUFFIX) || name.endsWith(Prepared.SUFFIX)) {
                directory.delete(name);
                any = true;
            }
        }
        if (any) directory.force();
    }

    private Optional<Positions> readPositions() throws IOException {
        try {
            Optional<byte[]> content =
                    AtomicFile.read(directory, Positions.FILE, Positions.MAX_BYTES);
            return content.isEmpty()
                    ? Optional.empty()
                    : Optional.of(Positions.decode(content.get()));
        } catch (IOException e) {
            LOG.log(
                    Level.WARNING,
                    "the file of the cursors is damaged; every destination starts again at the oldest record, which"
                            + " repeats some and loses none; file={0} error={1}",
                    Positions.FILE,
                    String.valueOf(e.getMessage()));
            return Optional.empty();
        }
    }

    /** The segments of this log, oldest first; those of another one are set aside. */
    private List<SegmentName> ownSegments(Optional<Positions> stored) throws IOException {
        var all = new ArrayList<SegmentName>();
        for (String name : directory.names()) SegmentName.parse(name).ifPresent(all::add);
        all.sort(null);
        if (all.isEmpty()) return all;
        long own = ownLog(all, stored);
        var ours = new ArrayList<SegmentName>();
        for (SegmentName name : all) {
            if (name.logId() == own) {
                ours.add(name);
                continue;
            }
            directory.rename(name.file(), name.file() + FOREIGN_SUFFIX);
            directory.force();
            metrics.foreignFile();
            LOG.log(
                    Level.WARNING,
                    "a segment of another log was set aside; file={0} log={1}",
                    name.file() + FOREIGN_SUFFIX,
                    SegmentName.hex(own));
        }
        return ours;
    }

    /**
     * The log to which the cursors belong, if it has a segment; else that of the newest segment.
     */
    static long ownLog(List<SegmentName> all, Optional<Positions> stored) {
        return stored.map(Positions::log)
                .filter(log -> all.stream().anyMatch(name -> name.logId() == log))
                .orElse(all.getLast().logId());
    }

    static FoundSafePoint foundSafePoint(SafePoint.Stored safe) {
        return switch (safe) {
            case SafePoint.Stored.Missing() -> FoundSafePoint.MISSING;
            case SafePoint.Stored.Damaged(String why) -> FoundSafePoint.DAMAGED;
            case SafePoint.Stored.At(long seq) ->
                    seq == 0 ? FoundSafePoint.ZERO : FoundSafePoint.POSITIVE;
        };
    }

    static boolean hasProgress(Positions positions) {
        return !positions.gaps().isEmpty()
                || positions.cursors().stream()
                        .anyMatch(cursor -> cursor.seq() > 0 || !cursor.done().isEmpty());
    }

    /** The highest seq that the small files know of. */
    static long highest(Positions positions, long safeSeq) {
        long highest = Math.max(safeSeq, positions.gaps().maxTo());
        for (Positions.CursorPosition cursor : positions.cursors()) {
            highest = Math.max(highest, cursor.seq());
            if (!cursor.done().isEmpty()) highest = Math.max(highest, cursor.done().getLast().to());
        }
        return highest;
    }

    /** Whether every seq that the small files know of is settled in every cursor or in a gap. */
    static boolean settledTo(Positions positions, long safeSeq) {
        long highest = highest(positions, safeSeq);
        if (positions.gaps().covers(1, highest)) return true;
        return !positions.cursors().isEmpty()
                && positions.cursors().stream()
                        .allMatch(cursor -> {
                            var settled = new Settled(cursor.seq(), cursor.done());
                            for (Gaps.Gap gap : positions.gaps().list())
                                settled.add(gap.from(), gap.to());
                            return settled.to() >= highest;
                        });
    }

    private long newLogId() {
        return environment.random().nextLong();
    }

    /** A log without segments. The safe point is durable before the first segment gets a name. */
    private Opened begin(Positions positions, long safeSeq, boolean recount) throws IOException {
        var progress = new Progress(positions, options.lanes());
        var safePoint = new SafePoint(directory, 0);
        var positionFile = new PositionFile(directory, progress, safePoint);
        safePoint.begin(safeSeq);
        positionFile.save();
        var repair =
                new SegmentRepair(
                        directory,
                        options,
                        environment,
                        metrics,
                        progress,
                        safePoint,
                        positionFile);
        return new Opened(
                positions.log(),
                new Segments(),
                safePoint,
                progress,
                repair,
                positionFile,
                safeSeq + 1,
                recount || progress.isLaneChange());
    }

    /** Every segment is gone and not all of it was settled. */
    private Opened lost(Optional<Positions> stored, long safeSeq) throws IOException {
        Positions before = stored.orElseGet(() -> Positions.empty(newLogId()));
        long last = highest(before, safeSeq);
        if (last == 0) {
            report(
                    Corruption.SAFE_POINT_BAD,
                    SafePoint.FILE,
                    0,
                    0,
                    "damaged, and no record was ever written");
            return begin(before, 0, false);
        }
        long settled =
                before.cursors().stream().mapToLong(Positions.CursorPosition::seq).min().orElse(0);
        var range = new SeqRange(Math.min(settled, last - 1) + 1, last);
        report(
                Corruption.COMMITTED_DATA_LOST,
                "every segment",
                0,
                range.from(),
                "records " + range + " are gone");
        // A log that was lost gets a new id, so that its numbers can never be mistaken for the old
        // ones.
        var progress =
                new Progress(
                        new Positions(
                                newLogId(),
                                before.cursors(),
                                before.gaps(),
                                before.ledger(),
                                before.countedTo(),
                                before.notices(),
                                before.lanes()),
                        options.lanes());
        for (SeqRange part : before.gaps().uncovered(range.from(), range.to()))
            SegmentRepair.accountUnreadable(progress, part, Progress.CORRUPTION);
        progress.notice(LossEvent.damaged(Corruption.COMMITTED_DATA_LOST, range, "every segment"));
        progress.nothingPending();
        return begin(progress.snapshot(), last, false);
    }

    private Opened segments(List<SegmentName> names, Optional<Positions> stored, long storedSafeSeq)
            throws IOException {
        SegmentName last = names.getLast();
        Positions positions =
                stored.filter(found -> found.log() == last.logId())
                        .orElseGet(() -> Positions.empty(last.logId()));
        var progress = new Progress(positions, options.lanes());
        var safePoint = new SafePoint(directory, storedSafeSeq);
        var positionFile = new PositionFile(directory, progress, safePoint);
        var repair =
                new SegmentRepair(
                        directory,
                        options,
                        environment,
                        metrics,
                        progress,
                        safePoint,
                        positionFile);

        // The name of the last segment proves that everything before it was forced.
        long proven = Math.max(storedSafeSeq, last.firstSeq() - 1);
        // While a loss has not been told upstream, the file may be older than the count that
        // followed the loss: a crash came in between.
        boolean recount =
                !positions.notices().isEmpty() || progress.isLaneChange() || positions.lacksBytes();
        Verdict verdict;
        long size;
        try (LogFile file = directory.openReadOnly(last.file())) {
            SegmentScan scan = SegmentScan.of(last, file, progress.gaps(), Long.MAX_VALUE);
            verdict = Recovery.judge(scan, proven, progress.gaps());
            if (!verdict.damages().isEmpty()) {
                repair.setAside(scan, file, verdict);
                recount = true;
            }
            if (verdict.tornOffset() >= 0) reportTorn(scan, verdict);
            boolean clean =
                    verdict.clean()
                            && verdict.keptBytes() == scan.fileBytes()
                            && storedSafeSeq == Math.max(verdict.lastSeq(), last.firstSeq() - 1);
            size = clean ? scan.fileBytes() : Rewrite.keep(directory, last, file, verdict.kept());
        }

        var segments = new Segments();
        for (int i = 0; i < names.size() - 1; i++) {
            SegmentName name = names.get(i);
            try (LogFile file = directory.openReadOnly(name.file())) {
                long bytes = file.size();
                segments.add(
                        new Segment(name, bytes, bytes, names.get(i + 1).firstSeq() - 1, true));
            }
        }
        segments.add(new Segment(last, size, size, verdict.lastSeq(), true));

        recount |= passMissing(progress, positionFile, names.getFirst().firstSeq());
        Positions known = progress.snapshot();
        long nextSeq =
                1
                        + Math.max(
                                Math.max(verdict.lastSeq(), last.firstSeq() - 1),
                                Math.max(
                                        highest(known, storedSafeSeq),
                                        highest(positions, storedSafeSeq)));
        if (nextSeq - 1 > verdict.lastSeq()) {
            // Numbers that were settled or given away but are in no frame: nothing is lost, they
            // are only passed over.
            for (SeqRange part : known.gaps().uncovered(verdict.lastSeq() + 1, nextSeq - 1))
                progress.addPassed(part);
            positionFile.save();
        } else if (stored.isEmpty()) {
            positionFile.save();
        }
        safePoint.raise(nextSeq - 1);
        // What was sent is not known any more: it counts as if all of it had been.
        if (stored.isEmpty() || (progress.isLaneChange() && positions.lanes().equals(Lanes.SINGLE)))
            progress.sentUnknownTo(nextSeq - 1);
        return new Opened(
                last.logId(),
                segments,
                safePoint,
                progress,
                repair,
                positionFile,
                nextSeq,
                recount);
    }

    /**
     * Counts the records that some cursor still waits for and that lie before the oldest segment:
     * somebody took their files away, for the log itself gives none back before.
     *
     * @return whether there are any
     */
    private static boolean passMissing(Progress progress, PositionFile positionFile, long oldestSeq)
            throws IOException {
        List<SeqRange> missing = progress.awaitedBefore(oldestSeq);
        if (missing.isEmpty()) return false;
        positionFile.change(() -> {
            for (SeqRange range : missing) {
                SegmentRepair.accountUnreadable(progress, range, Progress.MISSING);
                progress.notice(LossEvent.missing(range));
            }
        });
        for (SeqRange range : missing)
            LOG.log(
                    Level.ERROR,
                    "records are missing before the oldest segment; from={0} to={1}",
                    Long.toString(range.from()),
                    Long.toString(range.to()));
        return true;
    }

    private void reportTorn(SegmentScan scan, Verdict verdict) {
        metrics.tornTail(verdict.phantoms());
        LOG.log(
                Level.INFO,
                "an unfinished last write was cut; nothing that was acknowledged was in it; file={0} offset={1} frames={2}",
                scan.name().file(),
                Long.toString(verdict.tornOffset()),
                Long.toString(verdict.phantoms()));
    }

    private void report(Corruption code, String file, long offset, long seq, String detail)
            throws WalException {
        SegmentRepair.report(metrics, options.onCorruption(), code, file, offset, seq, detail);
    }
}
