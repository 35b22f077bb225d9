package io.edged.wal;

import io.edged.disk.LogDirectory;
import io.edged.disk.LogFile;
import io.edged.wal.FrameParser.Parsed;
import io.edged.wal.Recovery.Damage;
import io.edged.wal.Recovery.Verdict;

import java.io.IOException;
import java.lang.System.Logger.Level;

/**
 * Sets damage to durable data aside and accounts for it, in the order that a crash at any point
 * leaves right: the bytes in the quarantine, the gap in {@code telemetry.pos}, the safe point, and
 * last the segment without them.
 */
final class SegmentRepair {

    private static final System.Logger LOG = System.getLogger(SegmentRepair.class.getName());
    private static final int WINDOW_BYTES = 64 << 10;

    private final LogDirectory directory;
    private final WalOptions options;
    private final WalEnvironment environment;
    private final WalMetrics metrics;
    private final Progress progress;
    private final SafePoint safePoint;
    private final PositionFile positionFile;

    SegmentRepair(
            LogDirectory directory,
            WalOptions options,
            WalEnvironment environment,
            WalMetrics metrics,
            Progress progress,
            SafePoint safePoint,
            PositionFile positionFile) {
        this.directory = directory;
        this.options = options;
        this.environment = environment;
        this.metrics = metrics;
        this.progress = progress;
        this.safePoint = safePoint;
        this.positionFile = positionFile;
    }

    /** Reports one damage, or stops there if the policy says so. */
    static void report(
            WalMetrics metrics,
            WalOptions.OnCorruption policy,
            Corruption code,
            String file,
            long offset,
            long seq,
            String detail)
            throws WalException {
        metrics.corruption(code);
        LOG.log(
                Level.ERROR,
                "durable data is damaged; code={0} file={1} offset={2} seq={3} detail={4}",
                code,
                file,
                Long.toString(offset),
                Long.toString(seq),
                detail);
        if (policy == WalOptions.OnCorruption.FAIL)
            throw new WalException(
                    WalException.Code.CORRUPT,
                    code
                            + " in "
                            + file
                            + " at offset "
                            + offset
                            + ", record "
                            + seq
                            + ": "
                            + detail
                            + "; nothing was changed. Look with: edged wal verify; then: edged wal repair --dry-run");
    }

    /**
     * Does all but the last step: afterwards the gaps are durable and the caller replaces the
     * segment.
     */
    void setAside(SegmentScan scan, LogFile file, Verdict verdict) throws IOException {
        var quarantine = new Quarantine(directory);
        for (Damage damage : verdict.damages())
            report(
                    metrics,
                    options.onCorruption(),
                    damage.code(),
                    scan.name().file(),
                    damage.fromOffset(),
                    damage.seqs().from(),
                    "records "
                            + damage.seqs()
                            + " are lost and set aside in "
                            + Quarantine.DIRECTORY);
        for (Damage damage : verdict.damages())
            quarantine.setAside(scan.name(), damage, file, environment.clock().instant());
        positionFile.change(() -> {
            for (Damage damage : verdict.damages()) {
                account(scan, file, damage);
                progress.notice(
                        LossEvent.damaged(damage.code(), damage.seqs(), scan.name().file()));
            }
        });
        safePoint.raise(Math.max(verdict.lastSeq(), progress.gaps().maxTo()));
    }

    /** Whether {@link #repairSealed} would set anything aside. */
    boolean isDamaged(Segment segment, long nextFirstSeq) throws IOException {
        SegmentName name = segment.name();
        try (LogFile file = directory.openReadOnly(name.file())) {
            SegmentScan scan = SegmentScan.of(name, file, progress.gaps(), nextFirstSeq - 1);
            return !Recovery.judge(scan, nextFirstSeq - 1, progress.gaps()).damages().isEmpty();
        }
    }

    /** Scans a segment that is not the last one, and repairs what is damaged in it. */
    Segment repairSealed(Segment segment, long nextFirstSeq) throws IOException {
        SegmentName name = segment.name();
        try (LogFile file = directory.openReadOnly(name.file())) {
            SegmentScan scan = SegmentScan.of(name, file, progress.gaps(), nextFirstSeq - 1);
            Verdict verdict = Recovery.judge(scan, nextFirstSeq - 1, progress.gaps());
            if (!verdict.damages().isEmpty()) setAside(scan, file, verdict);
            long size = Rewrite.keep(directory, name, file, verdict.kept());
            return new Segment(name, size, size, nextFirstSeq - 1, true);
        }
    }

    /**
     * Counts the frames of a damaged range: by their headers where only a body is damaged, else as
     * unknown.
     */
    private void account(SegmentScan scan, LogFile file, Damage damage) throws IOException {
        Progress.Before before = progress.lose(damage.seqs(), Progress.CORRUPTION);
        long seq = damage.seqs().from();
        long offset = damage.fromOffset();
        var parser = new FrameParser(scan.name(), new ReadWindow(file, WINDOW_BYTES));
        while (seq <= damage.seqs().to()
                && offset < damage.toOffset()
                && parser.parse(offset, scan.fileBytes(), false) instanceof Parsed.Intact intact
                && intact.frame().seq() == seq) {
            progress.countLost(before, intact.frame(), Progress.CORRUPTION);
            seq++;
            offset = intact.end();
        }
        for (; seq <= damage.seqs().to(); seq++)
            progress.countUnreadable(before, seq, Progress.CORRUPTION);
    }

    /**
     * Counts a range of which nothing can be read.
     *
     * @param reason of the drop in the ledger
     */
    static void accountUnreadable(Progress progress, SeqRange seqs, String reason) {
        Progress.Before before = progress.lose(seqs, Progress.CORRUPTION);
        for (long seq = seqs.from(); seq <= seqs.to(); seq++)
            progress.countUnreadable(before, seq, reason);
    }
}
