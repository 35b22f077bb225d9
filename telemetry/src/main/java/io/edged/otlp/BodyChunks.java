package io.edged.otlp;

import org.jspecify.annotations.Nullable;

import java.nio.ByteBuffer;

/** Where a converted body is written to. */
@FunctionalInterface
public interface BodyChunks {

    /**
     * The next buffer, from position 0; what is written advances its position.
     *
     * @param bytes that are to be written now; it may hold fewer or more
     * @return null if there is no memory
     */
    @Nullable ByteBuffer next(int bytes);
}
