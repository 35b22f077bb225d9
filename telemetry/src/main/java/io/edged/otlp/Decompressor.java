package io.edged.otlp;

import java.nio.ByteBuffer;

/**
 * Decompresses one body as its parts come in, and hands what comes out to a {@link BodyReader}. The
 * output is bounded twice, in bytes and in proportion to the input, so that a bomb costs little
 * more than it may. One thread at a time.
 */
public sealed interface Decompressor extends AutoCloseable permits Gunzip, Unzstd {

    /** What became of the bytes so far. */
    enum Outcome {
        GOOD,
        /** Not of this encoding, or the reader refused what is inside: {@link #malformed}. */
        MALFORMED,
        /** More comes out than is allowed. */
        TOO_LARGE,
        /** More comes out for what went in than is allowed. */
        TOO_DENSE,
        /** The decompressor needs more memory than there is. */
        NO_MEMORY
    }

    /** Where a decompressor's own memory comes from, asked before it is used. */
    @FunctionalInterface
    interface Memory {
        /** Whether that much more may be held until the body is done with. */
        boolean take(long bytes);
    }

    /** Below this much output nobody asks for the ratio: short bodies may compress very well. */
    int RATIO_FREE_BYTES = 1 << 20;

    /** Memory that it holds before it has seen a byte; what it needs beyond, it asks for. */
    long heldBytes();

    /**
     * Starts over with another body.
     *
     * @param maxBytes that may come out
     * @param maxRatio how many bytes may come out for one that went in, above {@link
     *     #RATIO_FREE_BYTES}
     */
    void begin(long maxBytes, int maxRatio, Memory memory);

    /** Takes the next part, between its position and limit, which stay. */
    Outcome feed(ByteBuffer part, BodyReader reader);

    /** Says that the body is complete; also ends the reader. */
    Outcome end(BodyReader reader);

    /** Why the last outcome was {@link Outcome#MALFORMED}. */
    Malformed malformed();

    @Override
    void close();
}
