package io.edged.wal;

import io.edged.disk.LogDirectory;
import io.edged.disk.LogFile;
import io.edged.wal.FrameParser.Parsed;
import io.edged.wal.SegmentScan.Part;

import java.io.IOException;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Predicate;

/**
 * Gives up the oldest records when the log may not grow and the operator prefers new ones: whole
 * segments, oldest first. Frames that must be kept are copied into a segment of the same name that
 * holds only them. What is given up is counted, durably, before its space is freed, and becomes an
 * event. Keeper thread only.
 */
final class Dropper {

    private static final System.Logger LOG = System.getLogger(Dropper.class.getName());

    /** Reason in the ledger, in gaps and in the event. */
    static final String CEILING = "ceiling";

    private static final int WINDOW_BYTES = 64 << 10;

    private final LogDirectory directory;
    private final Segments segments;
    private final Progress progress;
    private final PositionFile positionFile;
    private final Predicate<Frame> keeps;
    private final WalMetrics metrics;

    Dropper(
            LogDirectory directory,
            LogOpener.Opened opened,
            Predicate<Frame> keeps,
            WalMetrics metrics) {
        this.directory = directory;
        this.segments = opened.segments();
        this.progress = opened.progress();
        this.positionFile = opened.positionFile();
        this.keeps = keeps;
        this.metrics = metrics;
    }

    /** Frees the oldest segment that holds something to give up; false if there is none. */
    boolean dropOldest() throws IOException {
        List<Segment> all = segments.list();
        for (int i = 0; i < all.size() - 1; i++) {
            Segment segment = all.get(i);
            if (segment.sealed() && drop(segment, all.get(i + 1).name().firstSeq() - 1))
                return true;
        }
        return false;
    }

    private boolean drop(Segment segment, long lastSeq) throws IOException {
        SegmentName name = segment.name();
        try (LogFile file = directory.openReadOnly(name.file())) {
            var kept = new ArrayList<Part>();
            List<SeqRange> given = plan(name, file, lastSeq, kept);
            if (given.isEmpty()) return false;
            positionFile.change(() -> {
                for (SeqRange range : given) account(name, file, range);
                progress.notice(
                        LossEvent.dropped(CEILING, given.getFirst().from(), given.getLast().to()));
            });
            if (kept.isEmpty()) {
                segments.remove(segment);
                segment.replace();
                directory.delete(name.file());
                directory.force();
            } else {
                long size = Rewrite.keep(directory, name, file, kept);
                segments.add(new Segment(name, size, size, lastSeq, true));
            }
        }
        metrics.dropped();
        LOG.log(
                Level.WARNING,
                "the oldest records were given up, for the log has reached its ceiling; from={0} to={1}",
                Long.toString(name.firstSeq()),
                Long.toString(lastSeq));
        return true;
    }

    /** The ranges to give up; {@code kept} gets the bytes that stay. */
    private List<SeqRange> plan(SegmentName name, LogFile file, long lastSeq, List<Part> kept)
            throws IOException {
        each(
                name,
                file,
                frame -> {
                    if (!keeps.test(frame.frame())) return;
                    long seq = frame.frame().seq();
                    kept.add(
                            new Part(
                                    seq,
                                    seq,
                                    frame.offset(),
                                    frame.end(),
                                    frame.identity(),
                                    false,
                                    frame.commit()));
                });
        var given = new ArrayList<SeqRange>();
        long from = name.firstSeq();
        for (Part part : kept) {
            if (part.fromSeq() > from)
                given.addAll(progress.gaps().uncovered(from, part.fromSeq() - 1));
            from = part.toSeq() + 1;
        }
        if (from <= lastSeq) given.addAll(progress.gaps().uncovered(from, lastSeq));
        return given;
    }

    private void account(SegmentName name, LogFile file, SeqRange range) throws IOException {
        Progress.Before before = progress.lose(range, CEILING);
        each(
                name,
                file,
                frame -> {
                    Frame lost = frame.frame();
                    if (lost.seq() >= range.from() && lost.seq() <= range.to())
                        progress.countLost(before, lost, CEILING);
                });
    }

    /**
     * Reads the headers of a segment as far as they are readable; what is damaged behind that goes
     * with the rest.
     */
    private static void each(SegmentName name, LogFile file, Consumer<Parsed.Intact> action)
            throws IOException {
        var parser = new FrameParser(name, new ReadWindow(file, WINDOW_BYTES));
        long limit = file.size();
        for (long at = 0;
                parser.parse(at, limit, false) instanceof Parsed.Intact intact;
                at = intact.end()) action.accept(intact);
    }
}
