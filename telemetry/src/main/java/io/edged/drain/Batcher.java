package io.edged.drain;

import io.edged.otlp.ContentEncoding;
import io.edged.wal.Frame;
import io.edged.wal.WalException;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.BiConsumer;
import java.util.function.ToIntFunction;

/**
 * Makes the next batch of a lane, when it can be sent: only then are bodies read. Frames of one key
 * that may be merged share a batch until it is full; a frame that may not be merged travels alone,
 * and so does one that may have been sent before this process began, for nobody knows any more in
 * which company. Within a key, batches come out in the order of the lane.
 */
final class Batcher {

    /** The smallest bound that refusals for size can lead to. */
    static final int MIN_BYTES = 64 << 10;

    private final DestinationOptions.Batching limits;
    private final ToIntFunction<Batch.Key> headerPrefixLength;
    private final Bodies bodies;

    private final LinkWindow window;

    /** Where a batch closes at most; falls when the destination finds batches too large. */
    private int maxBytes;

    /** A frame that cannot be sent, and why. */
    record Unsent(Frame frame, String reason) {}

    /**
     * @param headerPrefixLength of the {@code edge-batch} header before its first sequence
     */
    Batcher(
            DestinationOptions.Batching limits,
            ToIntFunction<Batch.Key> headerPrefixLength,
            Bodies bodies,
            LinkWindow window) {
        this.window = window;
        this.limits = limits;
        this.maxBytes = limits.bytes();
        this.headerPrefixLength = headerPrefixLength;
        this.bodies = bodies;
    }

    /** Whether what waits in a lane fills a batch, as far as headers tell. */
    boolean fills(LaneProgress lane) {
        return lane.waitingBytes() >= maxBytes()
                || lane.waitingItems() >= limits.items()
                || lane.isFullOfWaiting();
    }

    private int maxBytes() {
        return Math.min(maxBytes, window.requestBytes());
    }

    /** What a lane would send next, by its headers; at least 1. */
    long nextBytes(LaneProgress lane) {
        // Where the bound of items closes it first, it is as much smaller.
        long bytes = lane.waitingBytes();
        if (lane.waitingItems() > limits.items())
            bytes = bytes * limits.items() / lane.waitingItems();
        return Math.clamp(bytes, 1, maxBytes());
    }

    /**
     * Reads a batch, of which no more than the bound is held in memory.
     *
     * @param unsendable takes the frames that cannot be sent
     * @param cut takes a frame that was cut before: it is not sent as a whole any more
     * @return empty if nothing of the lane can be sent now
     */
    Optional<Batch> next(
            LaneProgress lane,
            long now,
            BiConsumer<LaneProgress, Unsent> unsendable,
            BiConsumer<LaneProgress, Frame> cut)
            throws WalException {
        var open = new Open(lane, now);
        long sendableTo = lane.sendableTo();
        for (Iterator<Frame> waiting = lane.waiting(); waiting.hasNext() && !open.closed; ) {
            Frame frame = waiting.next();
            if (frame.seq() > sendableTo) {
                if (lane.newestFirst()) continue;
                break;
            }
            if (lane.isSettled(frame.seq())) {
                lane.forget(frame);
                continue;
            }
            if (!lane.parts(frame.seq()).isEmpty()) {
                lane.take(frame);
                cut.accept(lane, frame);
                continue;
            }
            if (!open.mayAdd(frame)) continue;
            switch (bodies.body(frame)) {
                case Bodies.Body.Ready ready -> open.add(frame, ready);
                case Bodies.Body.Gone() -> lane.lost(frame);
                case Bodies.Body.Unsendable(String reason) -> {
                    lane.take(frame);
                    unsendable.accept(lane, new Unsent(frame, reason));
                }
            }
        }
        return open.batch();
    }

    /** A batch that is being filled. */
    private final class Open {
        private final LaneProgress lane;
        private final long now;
        private final List<Batch.Part> parts = new ArrayList<>();
        private Batch.@Nullable Key key;
        private ContentEncoding encoding = ContentEncoding.IDENTITY;
        private @Nullable EdgeBatchLength header;
        private long bytes;
        private long items;
        private boolean closed;

        Open(LaneProgress lane, long now) {
            this.lane = lane;
            this.now = now;
        }

        /** Whether the frame's header allows it to come along; closes the batch if none can. */
        boolean mayAdd(Frame frame) {
            if (key == null) return true;
            if (!Bodies.key(lane, frame).equals(key)) return false;
            if (lane.isRepeat(frame.seq())
                    || (!frame.isEntry() && !frame.mergeable())
                    || !fits(frame, frame.isEntry() ? 0 : frame.bodyBytes())) closed = true;
            return !closed;
        }

        private boolean fits(Frame frame, int bodyBytes) {
            return bytes + bodyBytes <= maxBytes()
                    && items + frame.items() <= limits.items()
                    && header != null
                    && header.fits(frame.seq());
        }

        void add(Frame frame, Bodies.Body.Ready ready) {
            boolean alone =
                    ready.encoding() != ContentEncoding.IDENTITY
                            || !ready.mergeable()
                            || lane.isRepeat(frame.seq());
            Batch.Key own = Bodies.key(lane, frame);
            if (key == null) {
                key = own;
                encoding = ready.encoding();
                header = new EdgeBatchLength(headerPrefixLength.applyAsInt(own));
            } else if (alone || !fits(frame, ready.part().body().remaining())) {
                closed = true; // it stays where it is and begins the next batch
                return;
            }
            lane.take(frame);
            parts.add(ready.part());
            if (header != null) header.add(frame.seq());
            bytes += ready.part().body().remaining();
            items += frame.items();
            closed = alone || bytes >= maxBytes() || items >= limits.items();
        }

        Optional<Batch> batch() {
            Batch.Key of = key;
            if (of == null) return Optional.empty();
            // Rising also where the newest goes first, as the header says it.
            parts.sort(Comparator.comparingLong(part -> part.frame().seq()));
            var batch = new Batch(of, encoding, now);
            parts.forEach(batch::add);
            return Optional.of(batch);
        }
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
}
