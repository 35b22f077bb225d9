package io.edged.drain;

import io.edged.otlp.ContentEncoding;

import java.util.ArrayDeque;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.ToIntFunction;

/**
 * Gathers frames into batches. Frames of one key that may be merged share a batch until it is full;
 * a frame that may not be merged travels alone, in its place. Within a key, batches come out in the
 * order of the log.
 */
final class Batcher {

    /** Keys with an open batch at once; beyond it the oldest batch is closed. */
    static final int MAX_OPEN = 16;

    private final DestinationOptions.Batching limits;
    private final ToIntFunction<Batch.Key> headerPrefixLength;
    private final LinkedHashMap<Batch.Key, Open> open = new LinkedHashMap<>();
    private final ArrayDeque<Batch> ready = new ArrayDeque<>();

    /** The smallest bound that refusals for size can lead to. */
    static final int MIN_BYTES = 64 << 10;

    /** Where a batch closes; falls when the destination finds batches too large. */
    private int maxBytes;

    private record Open(Batch batch, EdgeBatchLength header) {}

    /**
     * @param headerPrefixLength of the {@code edge-batch} header before its first sequence
     */
    Batcher(DestinationOptions.Batching limits, ToIntFunction<Batch.Key> headerPrefixLength) {
        this.limits = limits;
        this.maxBytes = limits.bytes();
        this.headerPrefixLength = headerPrefixLength;
    }

    /**
     * Puts a frame into the batch of its key.
     *
     * @param encoding in which the part stands; anything but identity travels alone
     */
    void add(
            Batch.Key key, Batch.Part part, ContentEncoding encoding, boolean mergeable, long now) {
        if (encoding != ContentEncoding.IDENTITY || !mergeable) {
            closeOpen(key);
            var alone = new Batch(key, encoding, now);
            alone.add(part);
            ready.add(alone);
            return;
        }
        Open current = open.get(key);
        if (current != null && !fits(current, part)) {
            closeOpen(key);
            current = null;
        }
        if (current == null) {
            if (open.size() >= MAX_OPEN) closeOpen(open.firstEntry().getKey());
            current =
                    new Open(
                            new Batch(key, encoding, now),
                            new EdgeBatchLength(headerPrefixLength.applyAsInt(key)));
            open.put(key, current);
        }
        current.batch.add(part);
        current.header.add(part.frame().seq());
        if (current.batch.bytes() >= maxBytes || current.batch.items() >= limits.items())
            closeOpen(key);
    }

    /**
     * The destination found a batch of this size too large: the next ones are half as large.
     *
     * @return the new bound, or empty if it stays
     */
    OptionalInt tooLarge(long bytes) {
        int half = (int) Math.max(MIN_BYTES, bytes / 2);
        if (half >= maxBytes) return OptionalInt.empty();
        maxBytes = half;
        return OptionalInt.of(half);
    }

    private boolean fits(Open current, Batch.Part part) {
        return current.batch.bytes() + part.body().remaining() <= maxBytes
                && current.batch.items() + part.piece().items() <= limits.items()
                && current.header.fits(part.frame().seq());
    }

    private void closeOpen(Batch.Key key) {
        Open closed = open.remove(key);
        if (closed != null) ready.add(closed.batch);
    }

    /**
     * The next batch to send.
     *
     * @param openedBefore a batch that is not full is given out only if it was opened before this
     *     time
     */
    Optional<Batch> poll(long openedBefore) {
        if (!ready.isEmpty()) return Optional.of(ready.poll());
        Map.Entry<Batch.Key, Open> oldest = open.firstEntry();
        if (oldest == null || oldest.getValue().batch.openedNanos() - openedBefore > 0)
            return Optional.empty();
        open.pollFirstEntry();
        return Optional.of(oldest.getValue().batch);
    }

    /** When the oldest batch that is not full was opened. */
    Optional<Long> oldestOpenedNanos() {
        Map.Entry<Batch.Key, Open> oldest = open.firstEntry();
        return oldest == null
                ? Optional.empty()
                : Optional.of(oldest.getValue().batch.openedNanos());
    }
}
