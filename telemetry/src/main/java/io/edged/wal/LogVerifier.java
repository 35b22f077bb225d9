package io.edged.wal;

import io.edged.disk.LogDirectory;
import io.edged.disk.LogFile;
import io.edged.wal.Recovery.Damage;
import io.edged.wal.Recovery.FoundLog;
import io.edged.wal.Recovery.FoundSafePoint;
import io.edged.wal.Recovery.LogRow;
import io.edged.wal.Recovery.Verdict;

import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.function.LongConsumer;

/**
 * Reads every byte of a log and says what an open, and later its readers, would find: the same scan
 * and the same rows as {@link LogOpener} uses, and nothing is changed.
 *
 * <p>The log may be written meanwhile. So damage counts only if a second look, which begins after
 * the first has ended, sees the same; a segment that was given back in between is no damage; and
 * what stands behind the last committed group is work in progress.
 */
public final class LogVerifier {

    /** How much a finding matters. */
    public enum Severity {
        /** Nothing is lost. */
        NOTE,
        /** What was durable is damaged. */
        DAMAGE
    }

    /**
     * One thing that was found.
     *
     * @param code stable: a {@link Corruption}, or {@code TORN_TAIL}, {@code POSITIONS_BAD}, {@code
     *     FOREIGN_SEGMENT}, {@code PASSED_OVER}
     * @param file the file it is in
     * @param offset byte in that file
     * @param bytes how many bytes are concerned; 0 if none are there
     * @param fromSeq first record concerned; 0 if none is
     * @param toSeq last record concerned
     * @param meaning what it is
     * @param nextOpen what the next open of the log will do
     */
    public record Finding(
            Severity severity,
            String code,
            String file,
            long offset,
            long bytes,
            long fromSeq,
            long toSeq,
            String meaning,
            String nextOpen) {}

    /**
     * One segment.
     *
     * @param lastSeq its last committed record; the first - 1 if it has none
     * @param records intact and committed ones
     * @param bytes size of the file
     * @param damaged whether a finding is about it
     */
    public record SegmentResult(
            String file, long firstSeq, long lastSeq, long records, long bytes, boolean damaged) {}

    /**
     * The result.
     *
     * @param lastSeq the last committed record; 0 if there is none
     * @param reused segments that were settled and given back while the log was read
     */
    public record Verification(
            Optional<String> logId,
            List<SegmentResult> segments,
            List<Finding> findings,
            long records,
            long lastSeq,
            long safeSeq,
            int reused) {

        public boolean isSound() {
            return findings.stream().allMatch(finding -> finding.severity() == Severity.NOTE);
        }
    }

    private static final String POSITIONS_BAD = "POSITIONS_BAD";
    private static final String TORN_TAIL = "TORN_TAIL";
    private static final String FOREIGN_SEGMENT = "FOREIGN_SEGMENT";
    private static final String PASSED_OVER = "PASSED_OVER";

    private final LogDirectory directory;
    private final LongConsumer progress;
    private final List<SegmentResult> segments = new ArrayList<>();
    private final List<Finding> findings = new ArrayList<>();
    private StoredLog log;
    private int reused;

    private LogVerifier(LogDirectory directory, StoredLog log, LongConsumer progress) {
        this.directory = directory;
        this.log = log;
        this.progress = progress;
    }

    /**
     * Verifies the log in {@code directory}.
     *
     * @param progress is told how many bytes were read, segment by segment
     */
    public static Verification verify(LogDirectory directory, LongConsumer progress)
            throws IOException {
        return new LogVerifier(directory, StoredLog.read(directory), progress).verify();
    }

    private Verification verify() throws IOException {
        smallFiles();
        for (SegmentName name : log.segments()) {
            Optional<Look> look = look(name);
            if (look.isEmpty()) {
                reused++;
                continue;
            }
            report(look.get());
            progress.accept(look.get().scan().fileBytes());
        }
        long lastSeq = segments.isEmpty() ? 0 : segments.getLast().lastSeq();
        passedOver(lastSeq);
        return new Verification(
                log.logId(),
                List.copyOf(segments),
                List.copyOf(findings),
                segments.stream().mapToLong(SegmentResult::records).sum(),
                lastSeq,
                log.safeSeqOrZero(),
                reused);
    }

    // ---- small files and names

    private void smallFiles() {
        log.positionsProblem()
                .ifPresent(why ->
                        add(
                                Severity.DAMAGE,
                                POSITIONS_BAD,
                                Positions.FILE,
                                "the file of the cursors is damaged: " + why,
                                "every cursor starts again at the oldest record: some are delivered twice,"
                                        + " none is lost"));
        for (StoredLog.StoredFile file : log.files())
            if (file.kind() == StoredLog.Kind.FOREIGN && file.name().endsWith(".wal"))
                add(
                        Severity.NOTE,
                        FOREIGN_SEGMENT,
                        file.name(),
                        "a segment of another log",
                        "it is set aside as " + file.name() + LogOpener.FOREIGN_SUFFIX);
        FoundSafePoint safePoint = LogOpener.foundSafePoint(log.safePoint());
        var found =
                new FoundLog(
                        !log.segments().isEmpty(),
                        safePoint,
                        log.positions().map(LogOpener::hasProgress).orElse(false),
                        log.positions()
                                .map(read -> LogOpener.settledTo(read, log.safeSeqOrZero()))
                                .orElse(false));
        LogRow row = Recovery.row(found);
        switch (row) {
            case FIRST_RUN, EMPTY_AND_SETTLED, SEGMENTS -> {}
            case LOG_LOST -> lost(safePoint);
            case SAFE_POINT_BAD ->
                    add(
                            Severity.DAMAGE,
                            Corruption.SAFE_POINT_BAD.name(),
                            SafePoint.FILE,
                            safePointProblem(),
                            "the safe point is rebuilt from the log");
        }
    }

    private String safePointProblem() {
        return switch (log.safePoint()) {
            case SafePoint.Stored.Missing() -> "the safe point is missing";
            case SafePoint.Stored.Damaged(String why) -> "the safe point is damaged: " + why;
            case SafePoint.Stored.At(long seq) -> "the safe point is " + seq;
        };
    }

    private void lost(FoundSafePoint safePoint) {
        long last =
                log.positions()
                        .map(positions -> LogOpener.highest(positions, log.safeSeqOrZero()))
                        .orElse(log.safeSeqOrZero());
        if (last == 0) {
            add(
                    Severity.DAMAGE,
                    Corruption.SAFE_POINT_BAD.name(),
                    SafePoint.FILE,
                    safePointProblem()
                            + ", and no record was ever written"
                            + (safePoint == FoundSafePoint.DAMAGED ? "" : " as far as is known"),
                    "the log begins anew");
            return;
        }
        long settled =
                log.positions().stream()
                        .flatMap(positions -> positions.cursors().stream())
                        .mapToLong(Positions.CursorPosition::seq)
                        .min()
                        .orElse(0);
        findings.add(
                new Finding(
                        Severity.DAMAGE,
                        Corruption.COMMITTED_DATA_LOST.name(),
                        "every segment",
                        0,
                        0,
                        Math.min(settled, last - 1) + 1,
                        last,
                        "the small files know of records up to "
                                + last
                                + ", and no segment is there",
                        "the loss is accounted for, and the log goes on under a new id"));
    }

    private void passedOver(long lastSeq) {
        if (log.segments().isEmpty() || segments.isEmpty()) return;
        long known = log.positions().map(positions -> LogOpener.highest(positions, 0)).orElse(0L);
        long highest = Math.max(lastSeq, log.segments().getLast().firstSeq() - 1);
        if (known <= highest) return;
        List<SeqRange> uncovered = log.listedGaps().uncovered(highest + 1, known);
        for (SeqRange range : uncovered)
            findings.add(
                    new Finding(
                            Severity.NOTE,
                            PASSED_OVER,
                            Positions.FILE,
                            0,
                            0,
                            range.from(),
                            range.to(),
                            "a cursor has settled records that are in no frame any more",
                            "their numbers are passed over"));
    }

    private void add(Severity severity, String code, String file, String meaning, String nextOpen) {
        findings.add(new Finding(severity, code, file, 0, 0, 0, 0, meaning, nextOpen));
    }

    // ---- segments

    /** A segment as one look saw it. */
    record Look(SegmentName name, SegmentScan scan, Verdict verdict, boolean last) {}

    /** Looks until two looks agree, or nothing is wrong; empty if the segment was given back. */
    private Optional<Look> look(SegmentName name) throws IOException {
        Optional<Look> before = lookOnce(log, name);
        if (before.isEmpty() || before.get().verdict().damages().isEmpty()) return before;
        log = StoredLog.read(directory);
        if (!log.segments().contains(name)) return Optional.empty();
        return lookAgain(log, before.get());
    }

    /**
     * Looks a second time at a segment in which the first look saw damage: what has changed in
     * between was being written, or has been repaired.
     *
     * @param log read after the first look
     */
    static Optional<Look> lookAgain(StoredLog log, Look before) throws IOException {
        Optional<Look> after = lookOnce(log, before.name());
        if (after.isEmpty()) return after;
        var seen = new HashSet<>(before.verdict().damages());
        Verdict now = after.get().verdict();
        List<Damage> confirmed = now.damages().stream().filter(seen::contains).toList();
        if (confirmed.size() == now.damages().size()) return after;
        return Optional.of(
                new Look(
                        before.name(),
                        after.get().scan(),
                        new Verdict(
                                now.kept(),
                                confirmed,
                                now.lastSeq(),
                                now.tornOffset(),
                                now.phantoms(),
                                now.clean()),
                        after.get().last()));
    }

    static Optional<Look> lookOnce(StoredLog log, SegmentName name) throws IOException {
        Optional<SegmentName> next = log.after(name);
        long lastSeq = next.map(segment -> segment.firstSeq() - 1).orElse(Long.MAX_VALUE);
        Gaps gaps = log.listedGaps();
        try (LogFile file = log.directory().openReadOnly(name.file())) {
            SegmentScan scan = SegmentScan.of(name, file, gaps, lastSeq);
            Verdict verdict = Recovery.judge(scan, log.provenIn(name), gaps);
            return Optional.of(new Look(name, scan, verdict, next.isEmpty()));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
    }

    private void report(Look look) {
        Verdict verdict = look.verdict();
        String file = look.name().file();
        for (Damage damage : verdict.damages()) findings.add(finding(look, damage));
        if (look.last() && verdict.tornOffset() >= 0)
            findings.add(
                    new Finding(
                            Severity.NOTE,
                            TORN_TAIL,
                            file,
                            verdict.tornOffset(),
                            look.scan().fileBytes() - verdict.tornOffset(),
                            0,
                            0,
                            "an unfinished write behind the last committed record, "
                                    + verdict.lastSeq()
                                    + "; nothing that was acknowledged is in it, and while a daemon"
                                    + " writes it is the write in progress",
                            "it is cut"
                                    + (verdict.phantoms() > 0
                                            ? ", with "
                                                    + verdict.phantoms()
                                                    + " records that were never acknowledged"
                                            : "")));
        long records =
                verdict.kept().stream().mapToLong(part -> part.toSeq() - part.fromSeq() + 1).sum();
        segments.add(
                new SegmentResult(
                        file,
                        look.name().firstSeq(),
                        verdict.lastSeq(),
                        records,
                        look.scan().fileBytes(),
                        !verdict.damages().isEmpty()));
    }

    private static Finding finding(Look look, Damage damage) {
        String what =
                switch (damage.code()) {
                    case BAD_FRAME -> "records that were forced are damaged";
                    case COMMITTED_DATA_LOST ->
                            "records that were forced are not there: the file ends, or holds zeros";
                    case SEQ_GAP -> "numbers are missing between intact records";
                    case SEQ_NOT_MONOTONIC -> "numbers appear twice";
                    case SAFE_POINT_BAD -> "the safe point is damaged";
                };
        String when =
                look.last()
                        ? ""
                        : " as soon as a reader comes to it (older segments are read late)";
        return new Finding(
                Severity.DAMAGE,
                damage.code().name(),
                look.name().file(),
                damage.fromOffset(),
                damage.toOffset() - damage.fromOffset(),
                damage.seqs().from(),
                damage.seqs().to(),
                what,
                "with on_corruption = \"quarantine\" the bytes are set aside in "
                        + Quarantine.DIRECTORY
                        + "/"
                        + damage.seqs().from()
                        + "-"
                        + damage.seqs().to()
                        + ".bin, the records are counted as dropped(corruption), and the segment is"
                        + " replaced by its intact records"
                        + when
                        + "; with \"fail\" the daemon ends with exit code 3");
    }
}
