package io.edged.wal;

import io.edged.disk.LogFile;
import io.edged.wal.FrameParser.Parsed;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * Everything intact in one segment, found by reading it from end to end. Where a frame is not
 * intact, the rest is searched byte by byte for the next one that is; what lies between is for
 * {@link Recovery} to judge.
 *
 * @param name the segment
 * @param parts runs of intact frames without a break in bytes or seqs, in the order of the file
 * @param fileBytes size of the file
 * @param tailZeros whether every byte behind the last part is readable and 0
 * @param tailMarked whether a zero length, or the end of the file, follows the last part: what a
 *     writer leaves there
 */
record SegmentScan(
        SegmentName name, List<Part> parts, long fileBytes, boolean tailZeros, boolean tailMarked) {

    private static final int WINDOW_BYTES = 256 << 10;

    /**
     * A run of frames. Complete groups that follow each other are one part; a group of which
     * something is missing is a part of its own.
     *
     * @param identity of the run's last group
     * @param complete whether each group in it is there from its first frame to its commit flag
     * @param committed whether its last frame has the commit flag
     */
    record Part(
            long fromSeq,
            long toSeq,
            long fromOffset,
            long toOffset,
            long identity,
            boolean complete,
            boolean committed) {}

    /** Where the bytes behind the last part begin. */
    long tailOffset() {
        return parts.isEmpty() ? 0 : parts.getLast().toOffset();
    }

    /** The seq that is expected behind the last part. */
    long nextSeq() {
        return parts.isEmpty() ? name.firstSeq() : parts.getLast().toSeq() + 1;
    }

    /** The largest identity of any group seen. */
    long maxIdentity() {
        return parts.stream().mapToLong(Part::identity).max().orElse(0);
    }

    /**
     * Scans {@code file}.
     *
     * @param gaps ranges that may be missing
     * @param lastSeq the largest seq that the segment can hold: the name of the next one - 1; of
     *     the last segment {@link Long#MAX_VALUE}, and the bound comes from its size
     */
    static SegmentScan of(SegmentName name, LogFile file, Gaps gaps, long lastSeq)
            throws IOException {
        long limit = file.size();
        int window = Math.clamp(limit, ReadWindow.UNIT_BYTES, WINDOW_BYTES);
        var parser = new FrameParser(name, new ReadWindow(file, window));
        var parts = new Parts();
        long expected = name.firstSeq();
        long offset = 0;
        while (true) {
            long bound = bound(lastSeq, expected, limit - offset, gaps);
            Parsed parsed = parser.parse(offset, limit, true);
            Parsed.Intact frame =
                    inWindow(parsed, expected, bound)
                            ? (Parsed.Intact) parsed
                            : search(
                                    parser,
                                    parsed instanceof Parsed.NoFrame ? offset : offset + 1,
                                    limit,
                                    expected,
                                    bound);
            if (frame == null) break;
            parts.add(frame);
            expected = frame.frame().seq() + 1;
            offset = frame.end();
        }
        List<Part> list = parts.finish();
        boolean marked = parser.parse(offset, limit, false) instanceof Parsed.NoFrame;
        return new SegmentScan(name, list, limit, zeros(parser.window(), offset, limit), marked);
    }

    private static long bound(long lastSeq, long expected, long bytesLeft, Gaps gaps) {
        if (lastSeq != Long.MAX_VALUE) return lastSeq;
        return expected + bytesLeft / FrameFormat.MIN_BATCH_FRAME_BYTES + gaps.countFrom(expected);
    }

    private static boolean inWindow(Parsed parsed, long minSeq, long maxSeq) {
        return parsed instanceof Parsed.Intact intact
                && intact.frame().seq() >= minSeq
                && intact.frame().seq() <= maxSeq;
    }

    /** The next intact frame at or behind {@code from} with a seq in the window, or null. */
    private static Parsed.@Nullable Intact search(
            FrameParser parser, long from, long limit, long minSeq, long maxSeq)
            throws IOException {
        ReadWindow window = parser.window();
        long offset = from;
        while (limit - offset >= FrameFormat.MIN_BATCH_FRAME_BYTES) {
            ByteBuffer view =
                    window.view(
                            offset, FrameFormat.MIN_BATCH_FRAME_BYTES, window.capacity(), limit);
            if (view == null) {
                offset++; // an unreadable unit; the next view that clears it is found step by step
                continue;
            }
            int position = view.position();
            int last = view.limit() - FrameFormat.MIN_BATCH_FRAME_BYTES;
            long start = offset - position;
            long candidate = -1;
            for (int i = position; i <= last; i++) {
                if (plausible(view, i, limit - start - i, minSeq, maxSeq)) {
                    candidate = start + i;
                    break;
                }
            }
            if (candidate < 0) {
                offset = start + last + 1;
                continue;
            }
            Parsed parsed = parser.parse(candidate, limit, true);
            if (inWindow(parsed, minSeq, maxSeq)) return (Parsed.Intact) parsed;
            offset = candidate + 1;
        }
        return null;
    }

    /** The checks that cost next to nothing and fail at almost every byte. */
    private static boolean plausible(
            ByteBuffer view, int at, long bytesLeft, long minSeq, long maxSeq) {
        byte kind = view.get(at + FrameFormat.LENGTH_BYTES);
        if (kind != FrameFormat.BATCH_KIND && kind != FrameFormat.ENTRY_KIND) return false;
        int length = view.getInt(at);
        if (length < FrameFormat.BATCH_HEADER_BYTES
                || length > FrameFormat.MAX_PAYLOAD_BYTES
                || length > bytesLeft - FrameFormat.LENGTH_BYTES) return false;
        int payload = at + FrameFormat.LENGTH_BYTES;
        if (kind == FrameFormat.ENTRY_KIND) {
            for (int i = 0; i < FrameFormat.ENTRY_SEQ.length; i++)
                if (view.get(payload + i) != FrameFormat.ENTRY_SEQ[i]) return false;
            return true;
        }
        long seq = view.getLong(payload + FrameFormat.OFFSET_SEQ);
        if (seq < minSeq || seq > maxSeq || view.getInt(payload + FrameFormat.OFFSET_RESERVED) != 0)
            return false;
        long metadata =
                Integer.toUnsignedLong(view.getInt(payload + FrameFormat.OFFSET_METADATA_LENGTH));
        long body = Integer.toUnsignedLong(view.getInt(payload + FrameFormat.OFFSET_BODY_LENGTH));
        return FrameFormat.BATCH_HEADER_BYTES + metadata + body == length;
    }

    private static boolean zeros(ReadWindow window, long from, long limit) throws IOException {
        for (long offset = from; offset < limit; ) {
            ByteBuffer view = window.view(offset, 1, window.capacity(), limit);
            if (view == null) return false;
            int bytes = view.remaining();
            if (!window.readable(offset, bytes)) return false;
            while (view.remaining() >= Long.BYTES) if (view.getLong() != 0) return false;
            while (view.hasRemaining()) if (view.get() != 0) return false;
            offset += bytes;
        }
        return true;
    }

    /** Collects frames into parts. */
    private static final class Parts {
        private final List<Part> parts = new ArrayList<>();
        private @Nullable Part run; // complete groups
        private @Nullable Part group; // the frames of the group that is being read
        private boolean groupFromStart;

        void add(Parsed.Intact frame) {
            long seq = frame.frame().seq();
            Part open = group;
            boolean continues =
                    open != null
                            && open.identity() == frame.identity()
                            && open.toSeq() + 1 == seq
                            && open.toOffset() == frame.offset();
            if (open != null && !continues) close(open);
            if (continues && open != null) {
                group =
                        new Part(
                                open.fromSeq(),
                                seq,
                                open.fromOffset(),
                                frame.end(),
                                open.identity(),
                                false,
                                frame.commit());
            } else {
                groupFromStart = frame.group() == 0;
                group =
                        new Part(
                                seq,
                                seq,
                                frame.offset(),
                                frame.end(),
                                frame.identity(),
                                false,
                                frame.commit());
            }
            if (frame.commit()) {
                close(group);
            }
        }

        private void close(Part done) {
            group = null;
            Part before = run;
            if (!groupFromStart || !done.committed()) {
                if (before != null) parts.add(before);
                run = null;
                parts.add(done);
            } else if (before != null
                    && before.toSeq() + 1 == done.fromSeq()
                    && before.toOffset() == done.fromOffset()) {
                run =
                        new Part(
                                before.fromSeq(),
                                done.toSeq(),
                                before.fromOffset(),
                                done.toOffset(),
                                done.identity(),
                                true,
                                true);
            } else {
                if (before != null) parts.add(before);
                run =
                        new Part(
                                done.fromSeq(),
                                done.toSeq(),
                                done.fromOffset(),
                                done.toOffset(),
                                done.identity(),
                                true,
                                true);
            }
        }

        List<Part> finish() {
            Part open = group;
            if (open != null) close(open);
            if (run != null) parts.add(run);
            return List.copyOf(parts);
        }
    }
}
