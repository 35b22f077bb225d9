package io.edged.drain;

import io.edged.otlp.ContentEncoding;
import io.edged.wal.Frame;

import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.zip.ZipException;

/**
 * Small bodies that came compressed. A large one goes out as it came; a small one would cost a
 * round trip of its own, so it is decompressed, merged with its neighbours and compressed once with
 * them. Members that are compressed already are never put behind each other: there are receivers
 * that reset such a request, and receivers that keep the first member and drop the rest without a
 * word.
 */
final class SmallBodies {

    /** Compressed, as it came: above this it is worth a request of its own. */
    static final int MAX_BYTES = 16 << 10;

    /** Decompressed: above this it compressed so well that it is left alone. */
    static final int MAX_PLAIN_BYTES = 256 << 10;

    private SmallBodies() {}

    /**
     * What is inside, if it is to be merged.
     *
     * @param bytes as they came, between position and limit, which stay
     * @return empty if the body goes out as it came, or has to be decompressed anyway
     */
    static Optional<ByteBuffer> plain(
            Frame frame, ByteBuffer bytes, DestinationOptions.Batching limits) {
        boolean candidate =
                !frame.isEntry()
                        && frame.encoding() != ContentEncoding.IDENTITY
                        && frame.mergeable()
                        && bytes.remaining() <= MAX_BYTES
                        // What is decompressed has to be compressed again.
                        && limits.accepts().contains(ContentEncoding.GZIP);
        if (!candidate) return Optional.empty();
        int maxBytes = Math.min(MAX_PLAIN_BYTES, limits.bytes());
        byte[] body = new byte[bytes.remaining()];
        bytes.duplicate().get(body);
        try {
            return Optional.of(ByteBuffer.wrap(Bodies.plain(frame.encoding(), body, maxBytes)));
        } catch (ZipException e) {
            // Too large, or not what it says: the destination decides.
            return Optional.empty();
        }
    }
}
