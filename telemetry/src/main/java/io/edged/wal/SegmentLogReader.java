package io.edged.wal;

import io.edged.disk.LogDirectory;
import io.edged.disk.LogFile;
import io.edged.wal.FrameParser.Parsed;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.zip.CRC32C;

/** The reader of an open log. One thread uses it; it pins the segments that it has open. */
final class SegmentLogReader implements LogReader {

    /** All that a reader holds of the log, however far behind it is. */
    private static final int WINDOW_BYTES = 64 << 10;

    private final LogDirectory directory;
    private final Segments segments;
    private final Progress progress;
    private final Damaged damaged;
    private final CRC32C crc = new CRC32C();

    private @Nullable Open headers;
    private @Nullable Open bodies;
    private long offset;
    private long expected;

    /** What a reader does about a sealed segment that is not as it should be. */
    interface Damaged {
        /** Repairs it, or stops if the policy says so. */
        void found(Segment segment) throws IOException;
    }

    /** A segment that this reader has pinned. */
    private record Open(Segment segment, LogFile file, FrameParser parser) {}

    SegmentLogReader(
            LogDirectory directory,
            Segments segments,
            Progress progress,
            Damaged damaged,
            long behindSeq) {
        this.directory = directory;
        this.segments = segments;
        this.progress = progress;
        this.damaged = damaged;
        this.expected = behindSeq + 1;
    }

    @Override
    public Next next() throws WalException {
        try {
            return step();
        } catch (WalException e) {
            throw e;
        } catch (IOException e) {
            throw new WalException(
                    WalException.Code.STORAGE_FAILED,
                    "reading record " + expected + ": " + e.getMessage(),
                    e);
        }
    }

    private Next step() throws IOException {
        while (true) {
            long behindGap = progress.gaps().skip(expected);
            Open open = headers;
            if (open != null && open.segment().retired()) {
                closeHeaders();
                open = null;
            }
            if (open == null) {
                Optional<Segment> segment = segments.holding(expected);
                if (segment.isEmpty()) return missingOrEnd(behindGap);
                if (segment.get().name().firstSeq() > expected) {
                    long from = expected;
                    expected = segment.get().name().firstSeq();
                    return new Next.Missing(from, expected - 1, reason(from));
                }
                open = openHeaders(segment.get());
                if (open == null) continue; // it went away between the look and the pin
            }
            Segment segment = open.segment();
            // Order matters: a segment that was sealed when looked at has all that it will ever
            // have.
            boolean sealed = segment.sealed();
            long lastSeq = segment.lastSeq();
            if (lastSeq < expected) {
                Optional<Segment> next = segments.after(segment);
                if (!sealed || next.isEmpty()) return missingOrEnd(behindGap);
                closeHeaders();
                long nextFirst = next.get().name().firstSeq();
                if (nextFirst > expected) {
                    long from = expected;
                    expected = nextFirst;
                    return new Next.Missing(from, nextFirst - 1, reason(from));
                }
                continue;
            }
            Parsed parsed = open.parser().parse(offset, segment.committedBytes(), false);
            if (parsed instanceof Parsed.Intact intact && intact.frame().seq() <= behindGap) {
                offset = intact.end();
                long seq = intact.frame().seq();
                // Frames before the wanted one are passed on the way to it; those in a gap are
                // accounted for already.
                if (seq < expected || progress.gaps().at(seq).isPresent()) continue;
                if (seq > expected) {
                    offset = intact.offset();
                    long from = expected;
                    expected = seq;
                    return new Next.Missing(from, seq - 1, reason(from));
                }
                expected = seq + 1;
                return new Next.Read(intact.frame());
            }
            if (behindGap > expected
                    && parsed instanceof Parsed.NoFrame
                    && sealed
                    && lastSeq < behindGap) {
                long from = expected;
                expected = behindGap;
                return new Next.Missing(from, behindGap - 1, reason(from));
            }
            if (!sealed) {
                // The active segment's committed frames are as they were forced a moment ago; if
                // the disk gives back
                // something else, the segment is looked at when it is sealed, which the next roll
                // or stop does.
                throw new IOException(
                        "record "
                                + expected
                                + " in the active segment cannot be read back: "
                                + parsed);
            }
            closeHeaders();
            damaged.found(segment);
        }
    }

    private Next missingOrEnd(long behindGap) {
        if (behindGap == expected) return new Next.AtEnd();
        long from = expected;
        expected = behindGap;
        return new Next.Missing(from, behindGap - 1, reason(from));
    }

    private String reason(long seq) {
        return progress.gaps().at(seq).map(Gaps.Gap::reason).orElse("missing");
    }

    @Override
    public boolean readBody(Frame frame, ByteBuffer into) throws WalException {
        try {
            return body(frame, into);
        } catch (WalException e) {
            throw e;
        } catch (IOException e) {
            throw new WalException(
                    WalException.Code.STORAGE_FAILED,
                    "reading record " + frame.seq() + ": " + e.getMessage(),
                    e);
        }
    }

    private boolean body(Frame frame, ByteBuffer into) throws IOException {
        if (progress.gaps().at(frame.seq()).isPresent()) return false;
        Optional<Segment> segment = segments.holding(frame.seq());
        if (segment.isEmpty() || segment.get().name().firstSeq() != frame.segment()) return false;
        Open open = openBodies(segment.get());
        if (open == null) return body(frame, into);
        if (readChecked(open.file(), frame, frame.bodyOffset(), into)) return true;
        // A repair may have moved it since its header was read.
        long moved = locate(open, frame.seq());
        if (moved >= 0
                && moved != frame.bodyOffset()
                && readChecked(open.file(), frame, moved, into)) return true;
        if (!segment.get().sealed())
            throw new IOException(
                    "the body of record "
                            + frame.seq()
                            + " in the active segment cannot be read back");
        closeBodies();
        damaged.found(segment.get());
        return false;
    }

    /**
     * Reads a body from {@code offset}; false, with {@code into} as it was, if that is not what
     * stands there.
     */
    private boolean readChecked(LogFile file, Frame frame, long offset, ByteBuffer into) {
        int start = into.position();
        if (readFully(file, into, offset, frame.bodyBytes())) {
            crc.reset();
            crc.update(into.duplicate().position(start).limit(start + frame.bodyBytes()));
            if ((int) crc.getValue() == frame.bodyCrc32c()) return true;
        }
        into.position(start);
        return false;
    }

    /** Where the body of {@code seq} lies in a segment now, or -1. */
    private static long locate(Open open, long seq) throws IOException {
        long limit = open.segment().committedBytes();
        for (long at = 0;
                open.parser().parse(at, limit, false) instanceof Parsed.Intact intact;
                at = intact.end())
            if (intact.frame().seq() == seq) return intact.frame().bodyOffset();
        return -1;
    }

    private static boolean readFully(LogFile file, ByteBuffer into, long offset, int bytes) {
        int start = into.position();
        int limit = into.limit();
        into.limit(start + bytes);
        try {
            while (into.hasRemaining()) {
                if (file.read(into, offset + into.position() - start) <= 0) return false;
            }
            return true;
        } catch (IOException e) {
            return false; // an unreadable sector is damage like any other
        } finally {
            into.limit(limit);
        }
    }

    @Override
    public void seek(long seq) {
        expected = seq + 1;
        closeHeaders();
    }

    private @Nullable Open openHeaders(Segment segment) throws IOException {
        Open open = open(segment);
        headers = open;
        offset = 0;
        return open;
    }

    private @Nullable Open openBodies(Segment segment) throws IOException {
        Open open = bodies;
        if (open != null && open.segment() == segment && !segment.retired()) return open;
        closeBodies();
        bodies = open(segment);
        return bodies;
    }

    private @Nullable Open open(Segment segment) throws IOException {
        if (!segment.pin()) return null;
        try {
            LogFile file = directory.openReadOnly(segment.name().file());
            return new Open(
                    segment,
                    file,
                    new FrameParser(segment.name(), new ReadWindow(file, WINDOW_BYTES)));
        } catch (IOException e) {
            segment.unpin();
            throw e;
        }
    }

    private void closeHeaders() {
        close(headers);
        headers = null;
    }

    private void closeBodies() {
        close(bodies);
        bodies = null;
    }

    private static void close(@Nullable Open open) {
        if (open == null) return;
        open.segment().unpin();
        try {
            open.file().close();
        } catch (IOException e) {
            // Nothing was written through it, so nothing can be lost by it.
        }
    }

    @Override
    public void close() {
        closeHeaders();
        closeBodies();
    }
}
