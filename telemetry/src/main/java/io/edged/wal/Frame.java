package io.edged.wal;

import io.edged.otlp.ContentEncoding;
import io.edged.otlp.Signal;

import java.util.Optional;

/**
 * What the header of one committed frame says, and where its body lies. The body stays on disk
 * until {@link LogReader#readBody}.
 *
 * @param seq its number, from 1
 * @param writtenAtNanos wall clock when it was written, nanoseconds since the epoch; for people,
 *     never for order
 * @param signal of a batch; empty for an entry
 * @param encoding of the body
 * @param mergeable whether its (decompressed) body may be concatenated with others of its signal
 * @param items log records, data points or spans; 1 for an entry
 * @param metadata JSON as written at admission, or empty
 * @param kind of an event, as far as it has one of at most 64 characters; else empty
 * @param segment seq of the first frame of the segment that holds it
 * @param bodyOffset byte in the segment at which the body begins; of an entry: the event
 * @param bodyBytes length of the body; of an entry: of the event
 * @param bodyCrc32c checksum that {@link LogReader#readBody} compares; of an entry: of its event,
 *     once its own checksum was found right
 */
public record Frame(
        long seq,
        long writtenAtNanos,
        Optional<Signal> signal,
        ContentEncoding encoding,
        boolean mergeable,
        int items,
        String metadata,
        String kind,
        long segment,
        long bodyOffset,
        int bodyBytes,
        int bodyCrc32c) {

    public boolean isEntry() {
        return signal.isEmpty();
    }

    /**
     * The signal under which its items travel upstream and are counted: events become log records.
     */
    public Signal deliveredAs() {
        return signal.orElse(Signal.LOGS);
    }
}
