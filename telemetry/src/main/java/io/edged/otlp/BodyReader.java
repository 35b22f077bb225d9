package io.edged.otlp;

import java.nio.ByteBuffer;

/** Looks at a plain (decompressed) body as its parts come in. One thread at a time. */
public interface BodyReader {

    /**
     * Looks at the next part, between its position and limit, and leaves both alone. The bytes are
     * there only during the call.
     *
     * @return false if the body is bad, in this part or an earlier one
     */
    boolean feed(ByteBuffer part);

    /**
     * Says that the body is complete.
     *
     * @return false if it is bad
     */
    boolean end();

    /**
     * Why the last body was refused.
     *
     * @throws IllegalStateException if it was not
     */
    Malformed malformed();
}
