package io.edged.otlp;

import io.edged.zstd.ZstdDecoder;
import io.edged.zstd.ZstdException;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.zip.ZipException;

/**
 * Decompresses a zstd body (RFC 8878): one frame, without a dictionary, with a window of at most 8
 * MiB. More than one frame is refused for the reason that {@link Gunzip} refuses more than one
 * member.
 *
 * <p>Heap only; reused for one body after the other.
 */
public final class Unzstd implements Decompressor {

    private final ZstdDecoder decoder = new ZstdDecoder(bytes -> memory().take(bytes));
    private Memory memory = _ -> false;
    private long outputBytes;
    private long maxBytes;
    private int maxRatio;
    private Outcome stopped = Outcome.GOOD;
    private Malformed malformed = new Malformed(0, "nothing was read");

    /**
     * What a whole body holds.
     *
     * @throws ZipException if it is not zstd or holds more than {@code maxBytes}
     */
    public static byte[] decompress(ByteBuffer body, int maxBytes) throws ZipException {
        var out = new Collector();
        try (var decompressor = new Unzstd()) {
            // No bound on the ratio: all of the body is there already.
            decompressor.begin(maxBytes, Integer.MAX_VALUE, _ -> true);
            Outcome outcome = decompressor.feed(body, out);
            if (outcome == Outcome.GOOD) outcome = decompressor.end(out);
            if (outcome == Outcome.TOO_LARGE)
                throw new ZipException("it is larger than " + maxBytes + " bytes uncompressed");
            if (outcome != Outcome.GOOD)
                throw new ZipException("it is not zstd: " + decompressor.malformed().describe());
        }
        return out.bytes.toByteArray();
    }

    private static final class Collector implements BodyReader {
        private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

        @Override
        public boolean feed(ByteBuffer part) {
            bytes.write(part.array(), part.arrayOffset() + part.position(), part.remaining());
            return true;
        }

        @Override
        public boolean end() {
            return true;
        }

        @Override
        public Malformed malformed() {
            throw new IllegalStateException("everything is taken");
        }
    }

    private Memory memory() {
        return memory;
    }

    @Override
    public long heldBytes() {
        return ZstdDecoder.FIXED_BYTES + decoder.heldBytes();
    }

    @Override
    public void begin(long maxBytes, int maxRatio, Memory memory) {
        decoder.begin();
        outputBytes = 0;
        this.maxBytes = maxBytes;
        this.maxRatio = maxRatio;
        this.memory = memory;
    }

    @Override
    public Outcome feed(ByteBuffer part, BodyReader reader) {
        try {
            return switch (decoder.feed(part, decoded -> take(decoded, reader))) {
                case GOOD -> Outcome.GOOD;
                case STOPPED -> stopped;
                case NO_MEMORY -> Outcome.NO_MEMORY;
            };
        } catch (ZstdException e) {
            return fail(String.valueOf(e.getMessage()));
        }
    }

    @Override
    public Outcome end(BodyReader reader) {
        if (!decoder.isComplete()) return fail("the zstd body is cut off");
        if (reader.end()) return Outcome.GOOD;
        malformed = reader.malformed();
        return Outcome.MALFORMED;
    }

    @Override
    public Malformed malformed() {
        return malformed;
    }

    /** Gives back what only a large body needed; it may be used again. */
    @Override
    public void close() {
        memory = _ -> false;
        decoder.trim();
    }

    private boolean take(ByteBuffer decoded, BodyReader reader) {
        outputBytes += decoded.remaining();
        if (outputBytes > maxBytes) stopped = Outcome.TOO_LARGE;
        else if (outputBytes > RATIO_FREE_BYTES && outputBytes / maxRatio > decoder.inputBytes())
            stopped = Outcome.TOO_DENSE;
        else if (reader.feed(decoded)) return true;
        else {
            malformed = reader.malformed();
            stopped = Outcome.MALFORMED;
        }
        return false;
    }

    private Outcome fail(String reason) {
        malformed = new Malformed(decoder.inputBytes(), "zstd: " + reason);
        return Outcome.MALFORMED;
    }
}
