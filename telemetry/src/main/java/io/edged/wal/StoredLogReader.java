package io.edged.wal;

import io.edged.disk.LogDirectory;
import io.edged.disk.LogFile;
import io.edged.wal.FrameParser.Parsed;
import io.edged.wal.LogVerifier.Look;
import io.edged.wal.Recovery.Damage;
import io.edged.wal.Recovery.Verdict;
import io.edged.wal.SegmentScan.Part;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.NoSuchFileException;
import java.util.ArrayDeque;
import java.util.Optional;
import java.util.zip.CRC32C;

/**
 * Reads the committed frames of a log that somebody else may be writing, in order, and changes
 * nothing. Headers are read one by one; a segment in which something is not as expected is scanned
 * whole and judged as recovery would, so damage is reported and passed over. Of the newest segment
 * only complete groups are shown: those are committed, though the newest of them may not have been
 * forced yet.
 *
 * <p>Holds a fixed amount of memory whatever the size of the log. One thread.
 */
public final class StoredLogReader implements AutoCloseable {

    /** What stands next in the log. */
    public sealed interface Next {
        /**
         * A committed frame.
         *
         * @param group frames before it in its group
         * @param commit whether it is the last of its group
         * @param bytes of the whole frame, length included
         */
        record Read(Frame frame, int group, boolean commit, long bytes) implements Next {}

        /** Records that were durable and are damaged. */
        record Damaged(
                Corruption code, String file, long offset, long bytes, long fromSeq, long toSeq)
                implements Next {}

        /** Records that are gone: a listed gap with its reason, or reused while being read. */
        record Missing(long fromSeq, long toSeq, String reason) implements Next {}

        /** Nothing more is committed; asking again later may give more. */
        record AtEnd() implements Next {}
    }

    private static final String REUSED = "settled and reused";
    private static final int WINDOW_BYTES = 64 << 10;

    private final LogDirectory directory;
    private final boolean follows;
    private final CRC32C crc = new CRC32C();

    /** What was planned for the open segment after a scan: ranges of frames, and damage. */
    private final ArrayDeque<Step> plan = new ArrayDeque<>();

    private StoredLog log;
    private @Nullable Open open;

    /** The next frame is looked for here, and not behind {@link #limit}. */
    private long offset;

    private long limit;

    /** The seq that the next frame should have. */
    private long expected;

    /** Nothing before this is told any more. */
    private long from;

    /** Whether a segment was opened before, so that what is not there any more was seen to go. */
    private boolean started;

    /** Whether what lies between offset and limit was scanned. */
    private boolean scanned;

    /** Whether the open segment was the newest one when it was opened. */
    private boolean newest;

    private record Open(SegmentName name, LogFile file, FrameParser parser) {}

    private sealed interface Step {
        record Range(Part part) implements Step {}

        record Hole(Damage damage) implements Step {}
    }

    /**
     * A reader whose first frame is {@code from} or the oldest one behind it.
     *
     * @param follows whether it reads on, when asked again at the end, in what was written since
     *     {@code log} was read; else its end is what was committed when it came there
     */
    public StoredLogReader(StoredLog log, long from, boolean follows) {
        this.directory = log.directory();
        this.log = log;
        this.follows = follows;
        this.from = Math.max(1, from);
        this.expected = this.from;
    }

    /** Reads on. */
    public Next next() throws IOException {
        while (true) {
            Open segment = open;
            if (segment == null) {
                Optional<Next> gone = openFirst();
                if (gone.isPresent()) return gone.get();
                continue;
            }
            if (offset < limit) {
                Parsed parsed = segment.parser().parse(offset, limit, false);
                if (parsed instanceof Parsed.Intact intact && fits(segment.name(), intact)) {
                    Optional<Next> next = take(intact);
                    if (next.isPresent()) return next.get();
                    continue;
                }
                if (scanned) return reused(segment);
                if (parsed instanceof Parsed.NoFrame && endsHere(segment.name())) {
                    offset = limit;
                    continue;
                }
                if (!planAgain(segment.name())) return gone(segment.name());
                continue;
            }
            Optional<Next> next = beyondRange(segment);
            if (next.isPresent()) return next.get();
        }
    }

    // ---- one segment

    /** Whether a frame may stand here: the expected one, or one behind listed gaps. */
    private boolean fits(SegmentName name, Parsed.Intact intact) {
        long seq = intact.frame().seq();
        if (scanned) return true;
        long last = log.after(name).map(next -> next.firstSeq() - 1).orElse(Long.MAX_VALUE);
        return seq <= last
                && (seq == expected
                        || (seq > expected && log.listedGaps().covers(expected, seq - 1))
                        || log.listedGaps().at(seq).isPresent());
    }

    private Optional<Next> take(Parsed.Intact intact) {
        long seq = intact.frame().seq();
        long first = Math.max(expected, from);
        if (first < seq) return Optional.of(missing(first, seq - 1, reason(first)));
        offset = intact.end();
        expected = Math.max(expected, seq + 1);
        if (seq < from || log.listedGaps().at(seq).isPresent()) return Optional.empty();
        from = seq + 1;
        return Optional.of(
                new Next.Read(
                        intact.frame(),
                        intact.group(),
                        intact.commit(),
                        intact.end() - intact.offset()));
    }

    private Next missing(long first, long last, String reason) {
        expected = Math.max(expected, last + 1);
        from = Math.max(from, last + 1);
        return new Next.Missing(first, last, reason);
    }

    /** A segment that was scanned a moment ago has other bytes now. */
    private Next reused(Open segment) throws IOException {
        long at = offset;
        log = StoredLog.read(directory);
        if (log.segments().contains(segment.name()))
            throw new IOException(
                    segment.name().file()
                            + " changed at offset "
                            + at
                            + " while it was read, and not as a log does; try again");
        return gone(segment.name());
    }

    /** A segment that was given back while it was read: go on with the next one that is there. */
    private Next gone(SegmentName name) throws IOException {
        close();
        Optional<SegmentName> next = log.after(name);
        if (next.isEmpty()) return new Next.AtEnd();
        long first = Math.max(expected, from);
        return missing(first, Math.max(first, next.get().firstSeq() - 1), REUSED);
    }

    private String reason(long seq) {
        return log.listedGaps().at(seq).map(Gaps.Gap::reason).orElse("missing");
    }

    /** Whether a segment that is not the newest one may end at the expected seq. */
    private boolean endsHere(SegmentName name) {
        Optional<SegmentName> next = log.after(name);
        return next.isPresent() && log.listedGaps().skip(expected) >= next.get().firstSeq();
    }

    /** What comes when a range has been read: the plan, the next segment, or the end. */
    private Optional<Next> beyondRange(Open segment) throws IOException {
        Step step = plan.poll();
        if (step instanceof Step.Range(Part part)) {
            offset = part.fromOffset();
            limit = part.toOffset();
            scanned = true;
            return Optional.empty();
        }
        if (step instanceof Step.Hole(Damage damage)) {
            expected = Math.max(expected, damage.seqs().to() + 1);
            if (damage.seqs().to() < from) return Optional.empty();
            from = damage.seqs().to() + 1;
            return Optional.of(
                    new Next.Damaged(
                            damage.code(),
                            segment.name().file(),
                            damage.fromOffset(),
                            damage.toOffset() - damage.fromOffset(),
                            damage.seqs().from(),
                            damage.seqs().to()));
        }
        if (newest) return follows ? grown(segment) : Optional.of(new Next.AtEnd());
        if (!scanned && !endsHere(segment.name()))
            return planAgain(segment.name()) ? Optional.empty() : Optional.of(gone(segment.name()));
        long next = log.after(segment.name()).map(SegmentName::firstSeq).orElse(expected);
        long first = Math.max(expected, from);
        close();
        expected = Math.max(expected, next);
        if (first < next) return Optional.of(missing(first, next - 1, reason(first)));
        return Optional.empty();
    }

    /** Stands at the end of the newest segment: looks whether it, or the log, has grown. */
    private Optional<Next> grown(Open segment) throws IOException {
        long at = offset;
        StoredLog now = StoredLog.read(directory);
        boolean there = now.segments().contains(segment.name());
        boolean sealed = now.after(segment.name()).isPresent();
        log = now;
        if (!there) {
            close();
            return now.segments().isEmpty() || now.segments().getLast().firstSeq() < expected
                    ? Optional.of(new Next.AtEnd())
                    : Optional.empty();
        }
        Open fresh = openFile(segment.name());
        if (fresh == null) return Optional.of(new Next.AtEnd());
        newest = !sealed;
        scanned = false;
        offset = at;
        limit = sealed ? fresh.file().size() : committedBehind(fresh, at);
        if (!sealed && limit == at) return Optional.of(new Next.AtEnd());
        return Optional.empty();
    }

    /** The end of the last complete group behind {@code start}. */
    private long committedBehind(Open segment, long start) throws IOException {
        long size = segment.file().size();
        long committed = start;
        long seq = log.listedGaps().skip(expected);
        long at = start;
        while (segment.parser().parse(at, size, true) instanceof Parsed.Intact intact
                && (intact.frame().seq() == seq
                        || log.listedGaps().at(intact.frame().seq()).isPresent())) {
            at = intact.end();
            seq = log.listedGaps().skip(intact.frame().seq() + 1);
            if (intact.commit()) committed = at;
        }
        return committed;
    }

    // ---- from segment to segment

    /** Opens the segment in which the expected frame is, or the oldest one behind it. */
    private Optional<Next> openFirst() throws IOException {
        SegmentName wanted = null;
        for (SegmentName name : log.segments())
            if (wanted == null || name.firstSeq() <= expected) wanted = name;
        if (wanted == null) {
            if (follows) log = StoredLog.read(directory);
            if (log.segments().isEmpty()) return Optional.of(new Next.AtEnd());
            return Optional.empty();
        }
        if (wanted.firstSeq() > expected) {
            long first = Math.max(expected, from);
            expected = wanted.firstSeq();
            // What is before the oldest segment was settled long ago, unless the reader stood
            // there.
            if (started && first < expected)
                return Optional.of(missing(first, expected - 1, REUSED));
            from = Math.max(from, expected);
        }
        Open segment = openFile(wanted);
        if (segment == null) {
            log = StoredLog.read(directory);
            return Optional.empty();
        }
        started = true;
        expected = wanted.firstSeq();
        offset = 0;
        newest = log.after(wanted).isEmpty();
        scanned = false;
        limit = segment.file().size();
        if (newest && !planAgain(wanted)) close();
        return Optional.empty();
    }

    private @Nullable Open openFile(SegmentName name) throws IOException {
        close();
        try {
            LogFile file = directory.openReadOnly(name.file());
            Open segment =
                    new Open(name, file, new FrameParser(name, new ReadWindow(file, WINDOW_BYTES)));
            open = segment;
            return segment;
        } catch (NoSuchFileException e) {
            return null;
        }
    }

    /** Scans a segment and plans what to read of it; false if it has been given back. */
    private boolean planAgain(SegmentName name) throws IOException {
        Optional<Look> look = LogVerifier.lookOnce(log, name);
        if (look.isPresent() && !look.get().verdict().damages().isEmpty()) {
            log = StoredLog.read(directory);
            look =
                    log.segments().contains(name)
                            ? LogVerifier.lookAgain(log, look.get())
                            : Optional.empty();
        }
        if (look.isEmpty()) {
            log = StoredLog.read(directory);
            close();
            return false;
        }
        long before = expected;
        if (openFile(name) == null) return false;
        newest = look.get().last();
        plan(look.get().verdict(), before);
        return true;
    }

    private void plan(Verdict verdict, long behind) {
        var damages = new ArrayDeque<>(verdict.damages());
        for (Part part : verdict.kept()) {
            while (!damages.isEmpty() && damages.getFirst().seqs().from() < part.fromSeq())
                hole(damages.removeFirst(), behind);
            if (part.toSeq() >= behind) plan.add(new Step.Range(part));
        }
        while (!damages.isEmpty()) hole(damages.removeFirst(), behind);
        scanned = true;
        offset = verdict.kept().isEmpty() ? 0 : verdict.kept().getLast().toOffset();
        limit = offset;
    }

    private void hole(Damage damage, long behind) {
        if (damage.seqs().to() >= behind) plan.add(new Step.Hole(damage));
    }

    // ---- bodies

    /** How reading a body went. */
    public enum Body {
        READ,
        DAMAGED,
        /** Its segment was given back meanwhile. */
        REUSED
    }

    /**
     * Reads the body of the frame that was read last.
     *
     * @param into has {@link Frame#bodyBytes} remaining
     */
    public Body readBody(Frame frame, ByteBuffer into) throws IOException {
        Open segment = open;
        if (segment == null || segment.name().firstSeq() != frame.segment())
            throw new IllegalStateException("record " + frame.seq() + " is not the one read last");
        int start = into.position();
        if (readFully(segment.file(), frame, into)) {
            crc.reset();
            crc.update(into.duplicate().flip().position(start));
            if ((int) crc.getValue() == frame.bodyCrc32c()) return Body.READ;
        }
        into.position(start);
        return StoredLog.read(directory).segments().contains(segment.name())
                ? Body.DAMAGED
                : Body.REUSED;
    }

    /**
     * Reads the last bytes of the body of the frame that was read last, unchecked.
     *
     * @param into as many as it has remaining, at most {@link Frame#bodyBytes}
     * @return false if they cannot be read
     */
    public boolean readBodyEnd(Frame frame, ByteBuffer into) {
        Open segment = open;
        if (segment == null || segment.name().firstSeq() != frame.segment())
            throw new IllegalStateException("record " + frame.seq() + " is not the one read last");
        return readFully(
                segment.file(), frame.bodyOffset() + frame.bodyBytes() - into.remaining(), into);
    }

    private static boolean readFully(LogFile file, Frame frame, ByteBuffer into) {
        ByteBuffer body = into.slice(into.position(), frame.bodyBytes());
        if (!readFully(file, frame.bodyOffset(), body)) return false;
        into.position(into.position() + frame.bodyBytes());
        return true;
    }

    private static boolean readFully(LogFile file, long offset, ByteBuffer into) {
        long at = offset - into.position();
        try {
            while (into.hasRemaining())
                if (file.read(into, at + into.position()) <= 0) return false;
            return true;
        } catch (IOException e) {
            return false; // an unreadable sector is damage like any other
        }
    }

    @Override
    public void close() throws IOException {
        Open segment = open;
        open = null;
        plan.clear();
        if (segment != null) segment.file().close();
    }
}
