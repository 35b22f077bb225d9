package io.edged.drain;

import io.edged.otlp.ContentEncoding;
import io.edged.otlp.ItemSlice;
import io.edged.otlp.Unzstd;
import io.edged.wal.Frame;
import io.edged.wal.LogReader;
import io.edged.wal.WalException;

import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.zip.ZipException;

/** Reads bodies, and counts the bytes that stand between the log and the answer. */
final class Bodies implements AutoCloseable {

    /** What a frame may grow to when it has to be decompressed: the limit of a request body. */
    private static final int MAX_BODY_BYTES = 64 << 20;

    /** A frame's bytes, or why there are none. */
    sealed interface Body {

        /**
         * Bytes in memory of their own.
         *
         * @param encoding in which the part stands
         */
        record Ready(Batch.Part part, ContentEncoding encoding, boolean mergeable)
                implements Body {}

        /** Damaged on the disk; the log has set it aside and accounted for it. */
        record Gone() implements Body {}

        /** The destination does not take it as it stands, and it cannot be changed here. */
        record Unsendable(String reason) implements Body {}
    }

    private final LogReader reader;
    private final DestinationOptions.Batching limits;
    private final EventRecords events;
    private final BodyMemory memory;

    private long heldBytes;

    Bodies(LogReader reader, DestinationOptions.Batching limits, EventRecords events) {
        this.reader = reader;
        this.limits = limits;
        this.events = events;
        this.memory = BodyMemory.of(limits.bytes(), limits.readAheadBytes());
    }

    /** Bytes between the log and the answer. */
    long heldBytes() {
        return heldBytes;
    }

    /** A batch comes into memory. */
    void hold(Batch batch) {
        heldBytes += batch.heldBytes();
        batch.hold();
        memory.settled();
    }

    /** A batch is done with, once for each time it was held. */
    void letGo(Batch batch) {
        heldBytes -= batch.heldBytes();
        batch.letGo();
    }

    /** The body of a request with a batch that is held. */
    Batch.Payload payload(Batch batch, ContentEncoding compression) {
        long before = batch.heldBytes();
        Batch.Payload payload = batch.payload(compression, memory);
        heldBytes += batch.heldBytes() - before;
        memory.settled();
        return payload;
    }

    /** Whether so much is held that a batch of this size has to wait for an answer. */
    boolean isFull(long bytes) {
        return heldBytes > 0 && heldBytes + bytes > limits.readAheadBytes();
    }

    static Batch.Key key(LaneProgress lane, Frame frame) {
        return new Batch.Key(lane.lane(), frame.deliveredAs(), frame.metadata());
    }

    /** Reads one frame's bytes into memory of their own. */
    Body body(Frame frame) throws WalException {
        if (frame.isEntry()) return event(frame);
        if (!limits.accepts().contains(frame.encoding())) return uncompressed(frame);
        BodyMemory.Room room = memory.take(frame.bodyBytes());
        if (!reader.readBody(frame, room.bytes().duplicate())) return new Body.Gone();
        Optional<ByteBuffer> small = SmallBodies.plain(frame, room.bytes(), limits);
        return small.isPresent()
                ? ready(frame, BodyMemory.Room.of(small.get()), true)
                : new Body.Ready(
                        Batch.Part.whole(frame, room), frame.encoding(), frame.mergeable());
    }

    private Body event(Frame frame) throws WalException {
        ByteBuffer bytes = ByteBuffer.allocate(frame.bodyBytes());
        if (!reader.readBody(frame, bytes.duplicate())) return new Body.Gone();
        ByteBuffer record = events.encode(frame.seq(), frame.writtenAtNanos(), bytes);
        BodyMemory.Room room = memory.take(record.remaining());
        room.bytes().duplicate().put(record);
        return ready(frame, room, true);
    }

    /** What the destination does not take as it stands. */
    private Body uncompressed(Frame frame) throws WalException {
        ByteBuffer bytes = ByteBuffer.allocate(frame.bodyBytes());
        if (!reader.readBody(frame, bytes.duplicate())) return new Body.Gone();
        try {
            byte[] plain = plain(frame.encoding(), bytes.array(), MAX_BODY_BYTES);
            return ready(frame, BodyMemory.Room.of(ByteBuffer.wrap(plain)), frame.mergeable());
        } catch (ZipException e) {
            return new Body.Unsendable("its body cannot be decompressed: " + e.getMessage());
        }
    }

    /** A frame's body as a letter keeps it; empty if it is damaged. */
    Optional<ByteBuffer> asItCame(Frame frame) throws WalException {
        if (frame.isEntry()) return plain(frame);
        ByteBuffer bytes = ByteBuffer.allocate(frame.bodyBytes());
        return reader.readBody(frame, bytes.duplicate()) ? Optional.of(bytes) : Optional.empty();
    }

    /** Some items of a frame, uncompressed; empty if they cannot be had any more. */
    Optional<ByteBuffer> slice(Piece piece) throws WalException {
        return plain(piece.frame())
                .flatMap(body ->
                        ItemSlice.of(
                                piece.frame().deliveredAs(),
                                body,
                                piece.frame().items(),
                                piece.first(),
                                piece.last()));
    }

    /** A frame's body, uncompressed; empty if it is damaged or cannot be decompressed. */
    Optional<ByteBuffer> plain(Frame frame) throws WalException {
        if (frame.isEntry())
            return body(frame) instanceof Body.Ready ready
                    ? Optional.of(ready.part().body())
                    : Optional.empty();
        ByteBuffer bytes = ByteBuffer.allocate(frame.bodyBytes());
        if (!reader.readBody(frame, bytes.duplicate())) return Optional.empty();
        try {
            return Optional.of(
                    ByteBuffer.wrap(plain(frame.encoding(), bytes.array(), MAX_BODY_BYTES)));
        } catch (ZipException e) {
            return Optional.empty();
        }
    }

    /**
     * What is inside of a body.
     *
     * @throws ZipException if it is not of that encoding or holds more than {@code maxBytes}
     */
    static byte[] plain(ContentEncoding encoding, byte[] body, int maxBytes) throws ZipException {
        return switch (encoding) {
            case IDENTITY -> body;
            case GZIP -> Gzip.decompress(body, maxBytes);
            case ZSTD -> Unzstd.decompress(ByteBuffer.wrap(body), maxBytes);
        };
    }

    private static Body ready(Frame frame, BodyMemory.Room room, boolean mergeable) {
        return new Body.Ready(Batch.Part.whole(frame, room), ContentEncoding.IDENTITY, mergeable);
    }

    @Override
    public void close() {
        reader.close();
    }
}
