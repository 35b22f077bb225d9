package io.edged.wal;

import static io.edged.wal.FrameFormat.BATCH_HEADER_BYTES;
import static io.edged.wal.FrameFormat.LENGTH_BYTES;

import io.edged.otlp.ContentEncoding;
import io.edged.otlp.Signal;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.Arrays;
import java.util.Optional;
import java.util.zip.CRC32C;

/**
 * Reads one frame of a segment and says whether it is intact. Trusts no length that it has not
 * compared. One thread.
 */
final class FrameParser {

    /** What stands at an offset. */
    sealed interface Parsed {
        /**
         * A frame whose checksums hold.
         *
         * @param group frames before this one in its group
         * @param commit whether it is the last one of its group
         * @param end offset behind it
         */
        record Intact(Frame frame, int group, boolean commit, long offset, long end)
                implements Parsed {
            /** What tells groups apart: the seq of the group's first frame. */
            long identity() {
                return frame.seq() - group;
            }
        }

        /** A zero length, or fewer than four bytes: the log ends here in this segment. */
        record NoFrame() implements Parsed {}

        /** Anything else. */
        record Broken(String why) implements Parsed {}
    }

    private static final Parsed NO_FRAME = new Parsed.NoFrame();
    private static final byte[] NO_BYTES = {};

    /** What is read at once to see a header and, most often, its metadata. */
    private static final int HEADER_READ_BYTES = 4_096;

    /** Bodies above this are left on disk while headers are scanned. */
    private static final int LARGE_FRAME_BYTES = 16 << 10;

    /** The most that an entry can have beside its event. */
    private static final int ENTRY_FRAME_BYTES =
            FrameFormat.ENTRY_HEAD_BYTES + FrameFormat.ENTRY_TAIL_BYTES;

    private static final int MAX_ENTRY_PAYLOAD_BYTES = Append.MAX_EVENT_BYTES + ENTRY_FRAME_BYTES;

    private final SegmentName segment;
    private final FrameFormat format;
    private final ReadWindow window;
    private final CRC32C bodyCrc = new CRC32C();
    private int readAheadBytes;

    FrameParser(SegmentName segment, ReadWindow window) {
        this.segment = segment;
        this.format = new FrameFormat(segment.logId(), segment.firstSeq());
        this.window = window;
        this.readAheadBytes = window.capacity();
    }

    ReadWindow window() {
        return window;
    }

    /**
     * Parses the frame at {@code offset}.
     *
     * @param limit nothing at or behind this offset is looked at
     * @param checkBody whether the body's checksum is compared too
     */
    Parsed parse(long offset, long limit, boolean checkBody) throws IOException {
        if (limit - offset < LENGTH_BYTES) return NO_FRAME;
        ByteBuffer view = window.view(offset, LENGTH_BYTES, readAheadBytes, limit);
        if (view == null) return new Parsed.Broken("unreadable length");
        int length = view.getInt(view.position());
        if (length == 0) return NO_FRAME;
        if (length < 0 || length > FrameFormat.MAX_PAYLOAD_BYTES)
            return new Parsed.Broken("length " + length);
        if (length > limit - offset - LENGTH_BYTES)
            return new Parsed.Broken("length beyond the end");
        view = window.view(offset, LENGTH_BYTES + 1, readAheadBytes, limit);
        if (view == null) return new Parsed.Broken("unreadable kind");
        byte kind = view.get(view.position() + LENGTH_BYTES);
        Parsed parsed =
                switch (kind) {
                    case FrameFormat.BATCH_KIND -> batch(offset, length, limit, checkBody);
                    case FrameFormat.ENTRY_KIND -> entry(offset, length, limit);
                    default -> new Parsed.Broken("kind " + kind);
                };
        readAheadBytes =
                checkBody || length <= LARGE_FRAME_BYTES ? window.capacity() : HEADER_READ_BYTES;
        return parsed;
    }

    private Parsed batch(long offset, int length, long limit, boolean checkBody)
            throws IOException {
        if (length < BATCH_HEADER_BYTES) return new Parsed.Broken("batch of " + length + " bytes");
        long payload = offset + LENGTH_BYTES;
        ByteBuffer view = window.view(payload, BATCH_HEADER_BYTES, readAheadBytes, limit);
        if (view == null) return new Parsed.Broken("unreadable header");
        int at = view.position();
        Optional<Signal> signal = Signal.ofCode(view.get(at + FrameFormat.OFFSET_SIGNAL));
        Optional<ContentEncoding> encoding =
                ContentEncoding.ofCode(view.get(at + FrameFormat.OFFSET_ENCODING));
        int flags = view.get(at + FrameFormat.OFFSET_FLAGS);
        int items = view.getInt(at + FrameFormat.OFFSET_ITEMS);
        long seq = view.getLong(at + FrameFormat.OFFSET_SEQ);
        long writtenAt = view.getLong(at + FrameFormat.OFFSET_WRITTEN_AT);
        int metadataBytes = view.getInt(at + FrameFormat.OFFSET_METADATA_LENGTH);
        int bodyBytes = view.getInt(at + FrameFormat.OFFSET_BODY_LENGTH);
        int headerCrc = view.getInt(at + FrameFormat.OFFSET_HEADER_CRC);
        int group = view.getInt(at + FrameFormat.OFFSET_GROUP);
        int bodyCrc32c = view.getInt(at + FrameFormat.OFFSET_BODY_CRC);
        int reserved = view.getInt(at + FrameFormat.OFFSET_RESERVED);
        if (signal.isEmpty() || encoding.isEmpty() || (flags & ~3) != 0 || reserved != 0)
            return new Parsed.Broken("batch header");
        if (metadataBytes < 0
                || metadataBytes > Append.MAX_METADATA_BYTES
                || bodyBytes < 0
                || bodyBytes > Append.MAX_BODY_BYTES
                || (long) BATCH_HEADER_BYTES + metadataBytes + bodyBytes != length)
            return new Parsed.Broken("batch lengths");
        if (seq < segment.firstSeq()
                || items < 0
                || group < 0
                || group >= FrameFormat.MAX_GROUP_FRAMES
                || group >= seq) return new Parsed.Broken("batch numbers");

        int covered = BATCH_HEADER_BYTES + metadataBytes;
        view = window.view(payload, covered, readAheadBytes, limit);
        if (view == null) return new Parsed.Broken("unreadable metadata");
        at = view.position();
        // The checksum is computed over a header whose checksum field is 0.
        view.putInt(at + FrameFormat.OFFSET_HEADER_CRC, 0).limit(at + covered);
        int computed = format.seededCrc(view);
        view.putInt(at + FrameFormat.OFFSET_HEADER_CRC, headerCrc);
        if (computed != headerCrc) return new Parsed.Broken("header checksum");
        String metadata = "";
        if (metadataBytes > 0) {
            byte[] bytes = new byte[metadataBytes];
            view.get(at + BATCH_HEADER_BYTES, bytes);
            metadata = new String(bytes, StandardCharsets.UTF_8);
        }
        long body = payload + covered;
        if (checkBody && !bodyIntact(body, bodyBytes, bodyCrc32c, limit))
            return new Parsed.Broken("body checksum");
        var frame =
                new Frame(
                        seq,
                        writtenAt,
                        signal,
                        encoding.get(),
                        (flags & FrameFormat.FLAG_MERGEABLE) != 0,
                        items,
                        metadata,
                        "",
                        segment.firstSeq(),
                        body,
                        bodyBytes,
                        bodyCrc32c);
        return new Parsed.Intact(
                frame, group, (flags & FrameFormat.FLAG_COMMIT) != 0, offset, payload + length);
    }

    private boolean bodyIntact(long offset, int bytes, int expected, long limit)
            throws IOException {
        bodyCrc.reset();
        return window.update(bodyCrc, offset, bytes, limit) && (int) bodyCrc.getValue() == expected;
    }

    private Parsed entry(long offset, int length, long limit) throws IOException {
        int least =
                FrameFormat.ENTRY_SEQ.length
                        + 1
                        + FrameFormat.ENTRY_WRITTEN_AT.length
                        + FrameFormat.WRITTEN_AT_BYTES
                        + FrameFormat.ENTRY_EVENT.length
                        + 2
                        + FrameFormat.ENTRY_CRC_BYTES;
        if (length < least || length > MAX_ENTRY_PAYLOAD_BYTES)
            return new Parsed.Broken("entry of " + length + " bytes");
        // The cheap checks first: this is also asked at every byte that a search passes.
        ByteBuffer begin =
                window.view(
                        offset + LENGTH_BYTES, FrameFormat.ENTRY_SEQ.length, readAheadBytes, limit);
        if (begin == null) return new Parsed.Broken("unreadable entry");
        for (int i = 0; i < FrameFormat.ENTRY_SEQ.length; i++)
            if (begin.get(begin.position() + i) != FrameFormat.ENTRY_SEQ[i])
                return new Parsed.Broken("entry members");
        byte[] payload = payload(offset + LENGTH_BYTES, length, limit);
        if (payload.length != length) return new Parsed.Broken("unreadable entry");

        int covered = length - FrameFormat.ENTRY_CRC_BYTES;
        int stored = storedCrc(payload, covered);
        ByteBuffer checked = ByteBuffer.wrap(payload, 0, covered);
        if (stored == 0 && !hasCrcMember(payload, covered))
            return new Parsed.Broken("entry checksum member");
        if (format.seededCrc(checked) != stored) return new Parsed.Broken("entry checksum");
        Parsed.@Nullable Intact parsed = members(payload, covered, offset);
        return parsed == null ? new Parsed.Broken("entry members") : parsed;
    }

    /**
     * Copies a range out of the file, however large against the window; empty if it cannot be read.
     */
    private byte[] payload(long offset, int bytes, long limit) throws IOException {
        byte[] payload = new byte[bytes];
        int done = 0;
        while (done < bytes) {
            int chunk = Math.min(bytes - done, window.capacity());
            ByteBuffer view =
                    window.view(offset + done, chunk, Math.max(chunk, readAheadBytes), limit);
            if (view == null) return NO_BYTES;
            view.get(view.position(), payload, done, chunk);
            done += chunk;
        }
        return payload;
    }

    private static boolean hasCrcMember(byte[] payload, int covered) {
        int prefix = FrameFormat.ENTRY_CRC.length;
        if (!matches(payload, covered, FrameFormat.ENTRY_CRC)) return false;
        for (int i = covered + prefix; i < covered + prefix + 8; i++)
            if (Character.digit(payload[i], 16) < 0 || (payload[i] >= 'A' && payload[i] <= 'F'))
                return false;
        return payload[payload.length - 2] == '"' && payload[payload.length - 1] == '}';
    }

    private static int storedCrc(byte[] payload, int covered) {
        if (!hasCrcMember(payload, covered)) return 0;
        int at = covered + FrameFormat.ENTRY_CRC.length;
        return Integer.parseUnsignedInt(new String(payload, at, 8, StandardCharsets.US_ASCII), 16);
    }

    /**
     * Reads the members of a checked entry; null if they are not in the one form that a writer
     * gives them.
     */
    private Parsed.@Nullable Intact members(byte[] payload, int covered, long offset) {
        int at = FrameFormat.ENTRY_SEQ.length;
        int seqEnd = digitsEnd(payload, at);
        long seq = number(payload, at, seqEnd);
        if (seq < segment.firstSeq() || !matches(payload, seqEnd, FrameFormat.ENTRY_WRITTEN_AT))
            return null;
        int time = seqEnd + FrameFormat.ENTRY_WRITTEN_AT.length;
        int timeEnd = time + FrameFormat.WRITTEN_AT_BYTES;
        if (timeEnd > covered || !matches(payload, timeEnd, FrameFormat.ENTRY_EVENT)) return null;
        int event = timeEnd + FrameFormat.ENTRY_EVENT.length;

        // From behind: an event ends with '}', so its text can never be taken for the members that
        // follow it.
        int end = covered;
        boolean commit = endsWith(payload, end, FrameFormat.ENTRY_COMMIT);
        if (commit) end -= FrameFormat.ENTRY_COMMIT.length;
        int group = 0;
        int digits = end;
        while (digits > event && payload[digits - 1] >= '0' && payload[digits - 1] <= '9') digits--;
        if (digits < end && endsWith(payload, digits, FrameFormat.ENTRY_GROUP)) {
            long value = number(payload, digits, end);
            if (value < 1 || value >= FrameFormat.MAX_GROUP_FRAMES || value >= seq) return null;
            group = (int) value;
            end = digits - FrameFormat.ENTRY_GROUP.length;
        }
        if (end - event < 2 || payload[event] != '{' || payload[end - 1] != '}') return null;
        long writtenAt;
        try {
            Instant instant =
                    Instant.parse(
                            new String(
                                    payload,
                                    time,
                                    FrameFormat.WRITTEN_AT_BYTES,
                                    StandardCharsets.US_ASCII));
            writtenAt =
                    Math.addExact(
                            Math.multiplyExact(instant.getEpochSecond(), 1_000_000_000L),
                            instant.getNano());
        } catch (DateTimeException | ArithmeticException e) {
            return null;
        }
        bodyCrc.reset();
        bodyCrc.update(payload, event, end - event);
        var frame =
                new Frame(
                        seq,
                        writtenAt,
                        Optional.empty(),
                        ContentEncoding.IDENTITY,
                        false,
                        1,
                        "",
                        EventKind.of(payload, event, end - event),
                        segment.firstSeq(),
                        offset + LENGTH_BYTES + event,
                        end - event,
                        (int) bodyCrc.getValue());
        return new Parsed.Intact(
                frame, group, commit, offset, offset + LENGTH_BYTES + payload.length);
    }

    private static boolean matches(byte[] payload, int at, byte[] text) {
        return at >= 0
                && at + text.length <= payload.length
                && Arrays.equals(payload, at, at + text.length, text, 0, text.length);
    }

    private static boolean endsWith(byte[] payload, int end, byte[] text) {
        return matches(payload, end - text.length, text);
    }

    private static int digitsEnd(byte[] payload, int from) {
        int at = from;
        while (at < payload.length && payload[at] >= '0' && payload[at] <= '9') at++;
        return at;
    }

    /** A decimal number without leading zeros, or -1. */
    private static long number(byte[] payload, int from, int to) {
        if (to <= from || to - from > 19 || (payload[from] == '0' && to - from > 1)) return -1;
        long value = 0;
        for (int i = from; i < to; i++) {
            value = value * 10 + (payload[i] - '0');
            if (value < 0) return -1;
        }
        return value;
    }
}
