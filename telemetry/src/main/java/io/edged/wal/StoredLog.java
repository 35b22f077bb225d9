package io.edged.wal;

import io.edged.disk.AtomicFile;
import io.edged.disk.LogDirectory;
import io.edged.disk.LogFile;

import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * The names and small files of a log that somebody else may be writing, as they were at one moment.
 * Reading it changes nothing and takes no lock. The small files are read before the names of the
 * segments, so nothing that they mention can be missing because it is newer than the names.
 *
 * <p>Immutable; any thread.
 */
public final class StoredLog {

    /** What a file in the directory is. */
    public enum Kind {
        SEGMENT,
        /** A segment of another log, under its own name or set aside. */
        FOREIGN,
        /** Made ready to become a segment; removed at the next open. */
        PREPARED,
        /** An unfinished replacement; removed at the next open. */
        TEMPORARY,
        SAFE_POINT,
        POSITIONS,
        UNKNOWN
    }

    /**
     * One file.
     *
     * @param bytes its size when it was looked at
     * @param firstSeq of a segment the seq of its first frame, else 0
     */
    public record StoredFile(String name, Kind kind, long bytes, long firstSeq) {}

    /** Where a cursor stands: everything up to {@code seq} is settled, and some runs above it. */
    public record CursorState(String name, long seq, int runsAbove) {}

    /** A range that is gone and accounted for. */
    public record GapState(long from, long to, String reason) {}

    /**
     * What became of the items of one signal at one cursor, with the reasons of what was dropped.
     */
    public record LedgerState(
            String cursor,
            String signal,
            long accepted,
            long delivered,
            long deadLettered,
            Map<String, Long> dropped,
            long pending) {}

    private static final int MOST_LISTINGS = 100;

    private final LogDirectory directory;
    private final List<StoredFile> files;
    private final List<SegmentName> segments;
    private final SafePoint.Stored safePoint;
    private final Optional<Positions> positions;
    private final Optional<String> positionsProblem;

    private StoredLog(
            LogDirectory directory,
            List<StoredFile> files,
            List<SegmentName> segments,
            SafePoint.Stored safePoint,
            Optional<Positions> positions,
            Optional<String> positionsProblem) {
        this.directory = directory;
        this.files = files;
        this.segments = segments;
        this.safePoint = safePoint;
        this.positions = positions;
        this.positionsProblem = positionsProblem;
    }

    /** Looks at {@code directory}. */
    public static StoredLog read(LogDirectory directory) throws IOException {
        SafePoint.Stored safePoint = SafePoint.read(directory);
        Optional<Positions> positions = Optional.empty();
        Optional<String> problem = Optional.empty();
        try {
            Optional<byte[]> content =
                    AtomicFile.read(directory, Positions.FILE, Positions.MAX_BYTES);
            if (content.isPresent()) positions = Optional.of(Positions.decode(content.get()));
        } catch (IOException e) {
            problem = Optional.of(String.valueOf(e.getMessage()));
        }
        List<String> names = settledNames(directory);
        List<SegmentName> segments = own(names, positions);
        var files = new ArrayList<StoredFile>();
        for (String name : names) {
            OptionalLong bytes = size(directory, name);
            if (bytes.isPresent())
                files.add(
                        new StoredFile(
                                name,
                                kind(name, segments),
                                bytes.getAsLong(),
                                SegmentName.parse(name).map(SegmentName::firstSeq).orElse(0L)));
        }
        return new StoredLog(
                directory, List.copyOf(files), segments, safePoint, positions, problem);
    }

    /**
     * The names, listed until two listings agree: one that is made while files are renamed can miss
     * both the old and the new name of one.
     */
    private static List<String> settledNames(LogDirectory directory) throws IOException {
        List<String> names = directory.names();
        for (int more = 0; more < MOST_LISTINGS; more++) {
            List<String> again = directory.names();
            if (again.equals(names)) return names;
            names = again;
        }
        return names;
    }

    /** The segments of the log to which the cursors belong, or else of the one with the newest. */
    private static List<SegmentName> own(List<String> names, Optional<Positions> positions) {
        var all = new ArrayList<SegmentName>();
        for (String name : names) SegmentName.parse(name).ifPresent(all::add);
        all.sort(null);
        if (all.isEmpty()) return List.of();
        long own = LogOpener.ownLog(all, positions);
        all.removeIf(name -> name.logId() != own);
        return List.copyOf(all);
    }

    private static OptionalLong size(LogDirectory directory, String name) throws IOException {
        try (LogFile file = directory.openReadOnly(name)) {
            return OptionalLong.of(file.size());
        } catch (NoSuchFileException e) {
            return OptionalLong.empty(); // it went away since the names were read
        }
    }

    private static Kind kind(String name, List<SegmentName> segments) {
        if (name.equals(SafePoint.FILE)) return Kind.SAFE_POINT;
        if (name.equals(Positions.FILE)) return Kind.POSITIONS;
        if (name.endsWith(AtomicFile.TEMPORARY_SUFFIX)) return Kind.TEMPORARY;
        if (name.endsWith(Prepared.SUFFIX)) return Kind.PREPARED;
        if (name.endsWith(LogOpener.FOREIGN_SUFFIX)) return Kind.FOREIGN;
        Optional<SegmentName> segment = SegmentName.parse(name);
        if (segment.isEmpty()) return Kind.UNKNOWN;
        return segments.contains(segment.get()) ? Kind.SEGMENT : Kind.FOREIGN;
    }

    LogDirectory directory() {
        return directory;
    }

    /** Oldest first. */
    List<SegmentName> segments() {
        return segments;
    }

    SafePoint.Stored safePoint() {
        return safePoint;
    }

    Optional<Positions> positions() {
        return positions;
    }

    Gaps listedGaps() {
        return positions.map(Positions::gaps).orElse(Gaps.NONE);
    }

    /** The safe point, or 0 if it is not known. */
    long safeSeqOrZero() {
        return safePoint instanceof SafePoint.Stored.At at ? at.seq() : 0;
    }

    /**
     * Everything up to this seq was forced, as far as {@code segment} goes: the name of the next
     * one proves it, or else the safe point.
     */
    long provenIn(SegmentName segment) {
        Optional<SegmentName> next = after(segment);
        return next.isPresent()
                ? next.get().firstSeq() - 1
                : Math.max(safeSeqOrZero(), segment.firstSeq() - 1);
    }

    Optional<SegmentName> after(SegmentName segment) {
        return segments.stream().filter(name -> name.firstSeq() > segment.firstSeq()).findFirst();
    }

    /** Whether there is nothing of a log here. */
    public boolean isEmpty() {
        return segments.isEmpty()
                && safePoint instanceof SafePoint.Stored.Missing
                && positions.isEmpty()
                && positionsProblem.isEmpty();
    }

    /** 16 hex digits; empty if neither a segment nor the cursors say it. */
    public Optional<String> logId() {
        if (!segments.isEmpty()) return Optional.of(SegmentName.hex(segments.getLast().logId()));
        return positions.map(Positions::log).map(SegmentName::hex);
    }

    /** All files, sorted by name. */
    public List<StoredFile> files() {
        return files;
    }

    /** Empty if the file is missing or damaged. */
    public OptionalLong safeSeq() {
        return safePoint instanceof SafePoint.Stored.At at
                ? OptionalLong.of(at.seq())
                : OptionalLong.empty();
    }

    /** Why the file of the cursors could not be used; empty if it could, or is missing. */
    public Optional<String> positionsProblem() {
        return positionsProblem;
    }

    public List<CursorState> cursors() {
        return positions.stream()
                .flatMap(found -> found.cursors().stream())
                .map(cursor -> new CursorState(cursor.name(), cursor.seq(), cursor.done().size()))
                .toList();
    }

    public List<GapState> gaps() {
        return listedGaps().list().stream()
                .map(gap -> new GapState(gap.from(), gap.to(), gap.reason()))
                .toList();
    }

    public List<LedgerState> ledger() {
        return positions.stream()
                .flatMap(found -> found.ledger().stream())
                .map(row ->
                        new LedgerState(
                                row.cursor(),
                                row.signal(),
                                row.accepted(),
                                row.delivered(),
                                row.deadLettered(),
                                row.dropped(),
                                row.pending()))
                .toList();
    }

    /** Events that still have to be appended. */
    public int notices() {
        return positions.map(found -> found.notices().size()).orElse(0);
    }

    /** Every committed frame up to this one is in the ledger's accepted items. */
    public long countedTo() {
        return positions.map(Positions::countedTo).orElse(0L);
    }
}
