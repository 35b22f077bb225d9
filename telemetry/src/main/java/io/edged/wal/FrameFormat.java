package io.edged.wal;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32C;

/**
 * The bytes of a frame, as {@code docs/wal-format.md} lays them out: a big-endian length, then an
 * entry (JSON) or a batch (48-byte header, metadata, body). Encoding allocates nothing.
 *
 * <p>An instance belongs to one thread: it holds the checksum and the seed of one segment.
 */
final class FrameFormat {

    static final int LENGTH_BYTES = 4;
    static final int BATCH_HEADER_BYTES = 48;
    static final int MAX_PAYLOAD_BYTES = 65 << 20;
    static final int MAX_GROUP_FRAMES = 4_096;

    /** The least that a batch frame takes; bounds how many frames fit into a range of bytes. */
    static final int MIN_BATCH_FRAME_BYTES = LENGTH_BYTES + BATCH_HEADER_BYTES;

    static final byte BATCH_KIND = 0x01;
    static final byte ENTRY_KIND = '{';

    static final int FLAG_COMMIT = 1;
    static final int FLAG_MERGEABLE = 2;

    static final int OFFSET_SIGNAL = 1;
    static final int OFFSET_ENCODING = 2;
    static final int OFFSET_FLAGS = 3;
    static final int OFFSET_ITEMS = 4;
    static final int OFFSET_SEQ = 8;
    static final int OFFSET_WRITTEN_AT = 16;
    static final int OFFSET_METADATA_LENGTH = 24;
    static final int OFFSET_BODY_LENGTH = 28;
    static final int OFFSET_HEADER_CRC = 32;
    static final int OFFSET_GROUP = 36;
    static final int OFFSET_BODY_CRC = 40;
    static final int OFFSET_RESERVED = 44;

    /** {@code ,"crc32c":"xxxxxxxx"}} at the end of an entry, which its checksum does not cover. */
    static final int ENTRY_CRC_BYTES = 21;

    static final byte[] ENTRY_SEQ = ascii("{\"seq\":");
    static final byte[] ENTRY_WRITTEN_AT = ascii(",\"written_at\":\"");
    static final byte[] ENTRY_EVENT = ascii("\",\"event\":");
    static final byte[] ENTRY_GROUP = ascii(",\"group\":");
    static final byte[] ENTRY_COMMIT = ascii(",\"commit\":true");
    static final byte[] ENTRY_CRC = ascii(",\"crc32c\":\"");

    /** {@code 2026-11-21T12:00:00.000000000Z}. */
    static final int WRITTEN_AT_BYTES = 30;

    /** Room for everything of an entry that stands before its event, length included. */
    static final int ENTRY_HEAD_BYTES =
            LENGTH_BYTES
                    + ENTRY_SEQ.length
                    + 19
                    + ENTRY_WRITTEN_AT.length
                    + WRITTEN_AT_BYTES
                    + ENTRY_EVENT.length;

    /** Room for everything of an entry that stands behind its event. */
    static final int ENTRY_TAIL_BYTES =
            ENTRY_GROUP.length + 4 + ENTRY_COMMIT.length + ENTRY_CRC_BYTES;

    private static final byte[] HEX = ascii("0123456789abcdef");

    private final CRC32C crc = new CRC32C();
    private final byte[] seed = new byte[16];

    FrameFormat(long logId, long segmentFirstSeq) {
        seed(logId, segmentFirstSeq);
    }

    /** Changes to another segment. */
    void seed(long logId, long segmentFirstSeq) {
        ByteBuffer.wrap(seed).putLong(logId).putLong(segmentFirstSeq);
    }

    /** The most bytes that the frame of this append can take on disk. */
    static int maxFrameBytes(Append append) {
        return append.entry
                ? ENTRY_HEAD_BYTES + append.bodyBytes + ENTRY_TAIL_BYTES
                : MIN_BATCH_FRAME_BYTES + append.metadata.remaining() + append.bodyBytes;
    }

    /**
     * Writes length and header of a batch into {@code head}; metadata and body follow it on disk.
     *
     * @param head at least {@link #MIN_BATCH_FRAME_BYTES} from its position; absolute puts, then
     *     limit and position span what was written
     * @return bytes of the whole frame
     */
    int putBatchHead(
            ByteBuffer head,
            Append append,
            long seq,
            long writtenAtNanos,
            int group,
            boolean commit) {
        int metadataBytes = append.metadata.remaining();
        int payload = BATCH_HEADER_BYTES + metadataBytes + append.bodyBytes;
        int flags = (commit ? FLAG_COMMIT : 0) | (append.mergeable ? FLAG_MERGEABLE : 0);
        head.clear();
        head.putInt(payload);
        head.put(BATCH_KIND);
        head.put((byte) append.signalCode());
        head.put((byte) append.encoding.code());
        head.put((byte) flags);
        head.putInt(append.items);
        head.putLong(seq);
        head.putLong(writtenAtNanos);
        head.putInt(metadataBytes);
        head.putInt(append.bodyBytes);
        head.putInt(0);
        head.putInt(group);
        head.putInt(append.bodyCrc32c);
        head.putInt(0);
        head.limit(MIN_BATCH_FRAME_BYTES).position(LENGTH_BYTES);
        crc.reset();
        crc.update(seed, 0, seed.length);
        crc.update(head);
        if (metadataBytes > 0) {
            int position = append.metadata.position();
            crc.update(append.metadata);
            append.metadata.position(position);
        }
        head.putInt(LENGTH_BYTES + OFFSET_HEADER_CRC, (int) crc.getValue());
        head.position(0);
        return LENGTH_BYTES + payload;
    }

    /**
     * Writes what stands before the event into {@code head} and what stands behind it into {@code
     * tail}.
     *
     * @param writtenAt {@link #WRITTEN_AT_BYTES} characters
     * @return bytes of the whole frame
     */
    int putEntry(
            ByteBuffer head,
            ByteBuffer tail,
            Append append,
            long seq,
            byte[] writtenAt,
            int group,
            boolean commit) {
        head.clear();
        head.position(LENGTH_BYTES);
        head.put(ENTRY_SEQ);
        putDigits(head, seq);
        head.put(ENTRY_WRITTEN_AT).put(writtenAt).put(ENTRY_EVENT);
        head.flip().position(LENGTH_BYTES);

        tail.clear();
        if (group > 0) {
            tail.put(ENTRY_GROUP);
            putDigits(tail, group);
        }
        if (commit) tail.put(ENTRY_COMMIT);
        int covered = tail.position();
        int payload = head.remaining() + append.bodyBytes + covered + ENTRY_CRC_BYTES;

        crc.reset();
        crc.update(seed, 0, seed.length);
        crc.update(head);
        ByteBuffer event = append.body[0];
        int position = event.position();
        crc.update(event);
        event.position(position);
        tail.flip();
        crc.update(tail);

        tail.limit(covered + ENTRY_CRC_BYTES);
        tail.put(ENTRY_CRC);
        putHex(tail, (int) crc.getValue());
        tail.put((byte) '"').put((byte) '}');
        tail.flip();
        head.putInt(0, payload).position(0);
        return LENGTH_BYTES + payload;
    }

    /** The seeded checksum of the remaining bytes of {@code covered}. */
    int seededCrc(ByteBuffer covered) {
        crc.reset();
        crc.update(seed, 0, seed.length);
        crc.update(covered);
        return (int) crc.getValue();
    }

    static void putHex(ByteBuffer into, int value) {
        for (int shift = 28; shift >= 0; shift -= 4) into.put(HEX[(value >>> shift) & 15]);
    }

    static void putDigits(ByteBuffer into, long value) {
        int digits = 1;
        for (long rest = value; rest >= 10; rest /= 10) digits++;
        int end = into.position() + digits;
        long rest = value;
        for (int at = end - 1; at >= into.position(); at--) {
            into.put(at, (byte) ('0' + rest % 10));
            rest /= 10;
        }
        into.position(end);
    }

    /**
     * Formats a time as RFC 3339 in UTC with nine decimals, into {@link #WRITTEN_AT_BYTES} bytes.
     */
    static void putWrittenAt(byte[] into, long epochNanos) {
        long seconds = Math.floorDiv(epochNanos, 1_000_000_000L);
        long nanos = Math.floorMod(epochNanos, 1_000_000_000L);
        long days = Math.floorDiv(seconds, 86_400L);
        int ofDay = (int) Math.floorMod(seconds, 86_400L);
        // Civil date from days: years of 365.2425 days that begin in March, so that a leap day ends
        // a year.
        long shifted = days + 719_468;
        long era = Math.floorDiv(shifted, 146_097L);
        long dayOfEra = shifted - era * 146_097;
        long yearOfEra =
                (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365;
        long dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100);
        long shiftedMonth = (5 * dayOfYear + 2) / 153;
        int day = (int) (dayOfYear - (153 * shiftedMonth + 2) / 5 + 1);
        int month = (int) (shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9);
        int year = (int) (yearOfEra + era * 400 + (month <= 2 ? 1 : 0));
        digits(into, 0, 4, year);
        into[4] = '-';
        digits(into, 5, 2, month);
        into[7] = '-';
        digits(into, 8, 2, day);
        into[10] = 'T';
        digits(into, 11, 2, ofDay / 3_600);
        into[13] = ':';
        digits(into, 14, 2, ofDay / 60 % 60);
        into[16] = ':';
        digits(into, 17, 2, ofDay % 60);
        into[19] = '.';
        digits(into, 20, 9, nanos);
        into[29] = 'Z';
    }

    private static void digits(byte[] into, int at, int count, long value) {
        long rest = value;
        for (int i = at + count - 1; i >= at; i--) {
            into[i] = (byte) ('0' + rest % 10);
            rest /= 10;
        }
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }
}
