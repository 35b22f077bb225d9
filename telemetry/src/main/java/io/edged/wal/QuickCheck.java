package io.edged.wal;

import io.edged.disk.AtomicFile;
import io.edged.disk.LogDirectory;
import io.edged.disk.LogFile;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A look at a log that changes nothing: the small files, the names and the last segment, which is
 * what opening it looks at. Older segments are checked when they are read. The log must not be open
 * anywhere.
 */
public final class QuickCheck {

    private QuickCheck() {}

    /**
     * What was found.
     *
     * @param segments number of segment files
     * @param lastSeq the last committed record, 0 in an empty log
     * @param damages durable data that is damaged, a line each: what opening the log would set
     *     aside or, by policy, refuse
     * @param notes what opening the log will put right without loss, a line each
     */
    public record Report(int segments, long lastSeq, List<String> damages, List<String> notes) {
        public Report {
            damages = List.copyOf(damages);
            notes = List.copyOf(notes);
        }
    }

    /**
     * Looks at the log in {@code directory}.
     *
     * @throws IOException the directory or a file in it cannot be read
     */
    public static Report of(LogDirectory directory) throws IOException {
        var damages = new ArrayList<String>();
        var notes = new ArrayList<String>();
        Optional<Positions> stored = positions(directory, notes);
        var names = new ArrayList<SegmentName>();
        for (String name : directory.names()) SegmentName.parse(name).ifPresent(names::add);
        names.sort(null);
        long own = names.isEmpty() ? 0 : LogOpener.ownLog(names, stored);
        if (names.removeIf(name -> name.logId() != own))
            notes.add("segments of another log will be set aside");
        SafePoint.Stored safe = SafePoint.read(directory);
        long safeSeq = safe instanceof SafePoint.Stored.At(long seq) ? seq : 0;
        var found =
                new Recovery.FoundLog(
                        !names.isEmpty(),
                        LogOpener.foundSafePoint(safe),
                        stored.map(LogOpener::hasProgress).orElse(false),
                        stored.map(positions -> LogOpener.settledTo(positions, safeSeq))
                                .orElse(false));
        switch (Recovery.row(found)) {
            case FIRST_RUN, EMPTY_AND_SETTLED -> {
                return new Report(0, safeSeq, damages, notes);
            }
            case LOG_LOST -> {
                damages.add(Corruption.COMMITTED_DATA_LOST + ": every segment is gone");
                return new Report(0, safeSeq, damages, notes);
            }
            case SAFE_POINT_BAD ->
                    damages.add(
                            Corruption.SAFE_POINT_BAD
                                    + ": "
                                    + SafePoint.FILE
                                    + " is "
                                    + (safe instanceof SafePoint.Stored.Damaged(String why)
                                            ? "damaged: " + why
                                            : "missing"));
            case SEGMENTS -> {}
        }
        SegmentName last = names.getLast();
        Gaps gaps =
                stored.filter(positions -> positions.log() == last.logId())
                        .map(Positions::gaps)
                        .orElse(Gaps.NONE);
        long proven = Math.max(safeSeq, last.firstSeq() - 1);
        try (LogFile file = directory.openReadOnly(last.file())) {
            SegmentScan scan = SegmentScan.of(last, file, gaps, Long.MAX_VALUE);
            Recovery.Verdict verdict = Recovery.judge(scan, proven, gaps);
            for (Recovery.Damage damage : verdict.damages())
                damages.add(
                        damage.code()
                                + ": records "
                                + damage.seqs()
                                + " in "
                                + last.file()
                                + " at byte "
                                + damage.fromOffset());
            if (verdict.tornOffset() >= 0)
                notes.add(
                        "an unfinished last write will be cut from "
                                + last.file()
                                + " at byte "
                                + verdict.tornOffset()
                                + "; nothing in it was acknowledged");
            return new Report(names.size(), verdict.lastSeq(), damages, notes);
        }
    }

    private static Optional<Positions> positions(LogDirectory directory, List<String> notes)
            throws IOException {
        Optional<byte[]> content;
        try {
            content = AtomicFile.read(directory, Positions.FILE, Positions.MAX_BYTES);
            return content.isEmpty()
                    ? Optional.empty()
                    : Optional.of(Positions.decode(content.get()));
        } catch (IOException e) {
            notes.add(
                    Positions.FILE
                            + " is damaged ("
                            + e.getMessage()
                            + "): destinations will start at the oldest record, which repeats some"
                            + " and loses none");
            return Optional.empty();
        }
    }
}
