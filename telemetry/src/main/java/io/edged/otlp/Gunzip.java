package io.edged.otlp;

import java.nio.ByteBuffer;
import java.util.zip.CRC32;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;

/**
 * Decompresses one gzip body (RFC 1952) as its parts come in, and hands what comes out to a {@link
 * BodyReader}; nothing decompressed is kept. The output is bounded twice, in bytes and in
 * proportion to the input, and both bounds are looked at after each scratch buffer, so that a bomb
 * costs one scratch buffer more than it may. Checksum and length of the trailer are compared.
 *
 * <p>A body must be <em>one</em> gzip member. The format allows several in a row, but a body is
 * forwarded as it came, and there are receivers that keep the first member and drop the rest
 * without a word: it is better to refuse it here, where the sender learns of it.
 *
 * <p>Holds about 48 KiB outside the heap until closed; reused for one body after the other, by one
 * thread at a time.
 */
public final class Gunzip implements Decompressor {

    /** Outside the heap, per decompressor: zlib's window and tables. */
    public static final int NATIVE_BYTES = 48 << 10;

    private static final int HEADER_CRC = 2;
    private static final int EXTRA = 4;
    private static final int NAME = 8;
    private static final int COMMENT = 16;

    /** The fixed parts of the format: bytes 0 to 9, then what the flags announce. */
    private enum Stage {
        FIXED(10),
        EXTRA_LENGTH(2),
        EXTRA(0),
        NAME(0),
        COMMENT(0),
        HEADER_CRC(2),
        DATA(0),
        TRAILER(8),
        DONE(0);

        private final int bytes;

        Stage(int bytes) {
            this.bytes = bytes;
        }
    }

    private final Inflater inflater = new Inflater(true);
    private final CRC32 crc = new CRC32();
    private final ByteBuffer scratch;

    private Stage stage = Stage.FIXED;

    /** Bytes of the current stage seen so far, and up to 8 of them, little-endian. */
    private int seen;

    private long value;
    private int flags;
    private int extraLeft;
    private long inputBytes;
    private long outputBytes;
    private long maxBytes;
    private int maxRatio;
    private Malformed malformed = new Malformed(0, "nothing was read");

    /**
     * Ready for {@link #begin}.
     *
     * @param scratch a direct buffer for what comes out; may be shared by all decompressors of a
     *     thread
     */
    public Gunzip(ByteBuffer scratch) {
        this.scratch = scratch;
    }

    @Override
    public long heldBytes() {
        return NATIVE_BYTES;
    }

    @Override
    public void begin(long maxBytes, int maxRatio, Memory memory) {
        begin(maxBytes, maxRatio);
    }

    /** The same without memory to ask for: it holds all that it needs. */
    public void begin(long maxBytes, int maxRatio) {
        inflater.reset();
        crc.reset();
        enter(Stage.FIXED);
        inputBytes = 0;
        outputBytes = 0;
        this.maxBytes = maxBytes;
        this.maxRatio = maxRatio;
    }

    @Override
    public Outcome feed(ByteBuffer part, BodyReader reader) {
        int index = part.position();
        int limit = part.limit();
        while (index < limit) {
            if (stage == Stage.DATA) {
                int before = index;
                Outcome outcome = inflate(part, index, reader);
                if (outcome != Outcome.GOOD) return outcome;
                index = limit - inflater.getRemaining();
                inputBytes += index - before;
                if (inflater.finished()) enter(Stage.TRAILER);
            } else {
                if (stage == Stage.DONE)
                    return fail(
                            "bytes follow the gzip member; a body must be compressed as one"
                                    + " member");
                if (!framing(part.get(index) & 0xFF)) return Outcome.MALFORMED;
                index++;
                inputBytes++;
            }
        }
        return Outcome.GOOD;
    }

    @Override
    public Outcome end(BodyReader reader) {
        if (stage != Stage.DONE) return fail("the gzip body is cut off");
        if (reader.end()) return Outcome.GOOD;
        malformed = reader.malformed();
        return Outcome.MALFORMED;
    }

    @Override
    public Malformed malformed() {
        return malformed;
    }

    @Override
    public void close() {
        inflater.end();
    }

    private Outcome inflate(ByteBuffer part, int index, BodyReader reader) {
        inflater.setInput(part.duplicate().position(index));
        try {
            while (true) {
                int length = inflater.inflate(scratch.clear());
                if (length == 0) {
                    if (inflater.needsDictionary()) return fail("the gzip data wants a dictionary");
                    return Outcome.GOOD; // wants more input, or is finished
                }
                outputBytes += length;
                long input = inputBytes + part.limit() - index - inflater.getRemaining();
                if (outputBytes > maxBytes) return Outcome.TOO_LARGE;
                if (outputBytes > RATIO_FREE_BYTES && outputBytes / maxRatio > input)
                    return Outcome.TOO_DENSE;
                crc.update(scratch.flip());
                if (!reader.feed(scratch.rewind())) {
                    malformed = reader.malformed();
                    return Outcome.MALFORMED;
                }
            }
        } catch (DataFormatException e) {
            return fail("the gzip data is damaged");
        }
    }

    /** Takes one byte of the header or trailer. */
    private boolean framing(int octet) {
        if (seen < 8) value |= (long) octet << (8 * seen);
        if (seen == 3 && stage == Stage.FIXED) flags = octet;
        seen++;
        switch (stage) {
            case NAME, COMMENT -> {
                if (octet == 0) afterHeaderPart();
            }
            case EXTRA -> {
                if (--extraLeft == 0) afterHeaderPart();
            }
            default -> {
                if (seen == stage.bytes) return complete();
            }
        }
        return true;
    }

    private boolean complete() {
        switch (stage) {
            case FIXED -> {
                if ((value & 0xFF_FFFF) != 0x08_8B1F || (flags & 0xE0) != 0) {
                    fail("the body does not begin like gzip");
                    return false;
                }
                afterHeaderPart();
            }
            case EXTRA_LENGTH -> {
                extraLeft = (int) value;
                if (extraLeft == 0) afterHeaderPart();
                else enter(Stage.EXTRA);
            }
            case TRAILER -> {
                if ((value & 0xFFFF_FFFFL) != crc.getValue()
                        || value >>> 32 != (outputBytes & 0xFFFF_FFFFL)) {
                    fail("the gzip checksum or length does not match the data");
                    return false;
                }
                enter(Stage.DONE);
            }
            default -> afterHeaderPart(); // the header's own checksum: the trailer's is enough
        }
        return true;
    }

    /** Enters the next stage that the flags announce; each flag is cleared when it is served. */
    private void afterHeaderPart() {
        if (take(EXTRA)) enter(Stage.EXTRA_LENGTH);
        else if (take(NAME)) enter(Stage.NAME);
        else if (take(COMMENT)) enter(Stage.COMMENT);
        else if (take(HEADER_CRC)) enter(Stage.HEADER_CRC);
        else enter(Stage.DATA);
    }

    private boolean take(int flag) {
        boolean set = (flags & flag) != 0;
        flags &= ~flag;
        return set;
    }

    private void enter(Stage next) {
        stage = next;
        seen = 0;
        value = 0;
    }

    private Outcome fail(String reason) {
        malformed = new Malformed(inputBytes, reason);
        return Outcome.MALFORMED;
    }
}
