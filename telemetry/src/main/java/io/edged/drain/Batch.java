package io.edged.drain;

import io.edged.otlp.ContentEncoding;
import io.edged.otlp.ItemSlice;
import io.edged.otlp.Signal;
import io.edged.wal.Frame;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/** Frames that travel in one request, until each of them is settled or refused. */
final class Batch {

    static final Comparator<Batch> OLDEST_FIRST =
            Comparator.comparingLong(Batch::firstSeq).thenComparingInt(Batch::firstItem);

    /** A frame, or some of its items, and the bytes it adds to the request's body. */
    record Part(Piece piece, BodyMemory.Room room) {

        /** What one frame occupies beside its body. */
        static final int OVERHEAD_BYTES = 512;

        static Part whole(Frame frame, BodyMemory.Room room) {
            return new Part(Piece.whole(frame), room);
        }

        static Part of(Piece piece, ByteBuffer body) {
            return new Part(piece, BodyMemory.Room.of(body));
        }

        ByteBuffer body() {
            return room.bytes();
        }

        Frame frame() {
            return piece.frame();
        }

        long heldBytes() {
            return (long) body().remaining() + OVERHEAD_BYTES;
        }
    }

    /**
     * What frames must have in common to share a request.
     *
     * @param metadata as written at admission: tenant and forwarded headers
     */
    record Key(Lane lane, Signal signal, String metadata) {}

    private final Key key;
    private final ContentEncoding encoding;
    private final long openedNanos;
    private final List<Part> parts = new ArrayList<>();
    private long bytes;
    private long items;
    private long heldBytes;
    private List<BodyMemory.Room> compressed = List.of();

    /** The dead letter that it tries again; empty if it carries frames of the log. */
    Optional<DeadLetters.Found> letter = Optional.empty();

    /**
     * Requests of its signal that had been taken when this data was refused first, alone or among
     * others; -1 before that.
     */
    long takenBeforeRefusal = -1;

    /** Requests that carried it so far. */
    int attempts;

    /** Those of them that met a fault of the destination, which this data may be the cause of. */
    int faults;

    /** Not to be sent again before; monotonic nanoseconds. */
    long dueNanos;

    /**
     * @param encoding in which the parts stand
     */
    Batch(Key key, ContentEncoding encoding, long openedNanos) {
        this.key = key;
        this.encoding = encoding;
        this.openedNanos = openedNanos;
        this.dueNanos = openedNanos;
    }

    Key key() {
        return key;
    }

    List<Part> parts() {
        return parts;
    }

    long openedNanos() {
        return openedNanos;
    }

    long firstSeq() {
        return parts.getFirst().frame().seq();
    }

    long lastSeq() {
        return parts.getLast().frame().seq();
    }

    private int firstItem() {
        return parts.getFirst().piece().first();
    }

    long bytes() {
        return bytes;
    }

    long items() {
        return items;
    }

    /** Memory that it keeps. */
    long heldBytes() {
        return heldBytes;
    }

    void add(Part part) {
        parts.add(part);
        bytes += part.body().remaining();
        items += part.piece().items();
        heldBytes += part.heldBytes();
    }

    /** Whether any of it came compressed, however it stands here. */
    boolean cameCompressed() {
        return parts.stream()
                .anyMatch(part ->
                        !part.frame().isEntry()
                                && part.frame().encoding() != ContentEncoding.IDENTITY);
    }

    /** Somebody has it in mind: what it stands in keeps its content. */
    void hold() {
        parts.forEach(part -> part.room().hold());
        compressed.forEach(BodyMemory.Room::hold);
    }

    /** Nobody has it in mind any more; a request that is under way holds what it reads itself. */
    void letGo() {
        parts.forEach(part -> part.room().letGo());
        compressed.forEach(BodyMemory.Room::letGo);
    }

    /**
     * Makes the request's body, of a batch that is held.
     *
     * @param compression for bodies that stand uncompressed
     * @param memory for what it makes
     */
    Payload payload(ContentEncoding compression, BodyMemory memory) {
        List<BodyMemory.Room> rooms = parts.stream().map(Part::room).toList();
        if (encoding != ContentEncoding.IDENTITY || compression == ContentEncoding.IDENTITY)
            return new Payload(encoding, rooms);
        if (compressed.isEmpty()) {
            compressed = Gzip.compress(BodyMemory.joined(rooms), memory);
            for (BodyMemory.Room room : compressed) {
                room.hold();
                heldBytes += room.bytes().remaining();
            }
        }
        return new Payload(ContentEncoding.GZIP, compressed);
    }

    record Payload(ContentEncoding encoding, List<BodyMemory.Room> rooms) {}

    /** What it carries, as {@code edge-batch} says it. */
    List<EdgeBatch.Part> named() {
        return EdgeBatch.joined(parts.stream().map(part -> part.piece().named()).toList());
    }

    /** Two batches with half the frames each; empty if there is one frame only. */
    Optional<List<Batch>> halves() {
        if (parts.size() < 2) return Optional.empty();
        int middle = parts.size() / 2;
        return Optional.of(
                List.of(part(parts.subList(0, middle)), part(parts.subList(middle, parts.size()))));
    }

    /**
     * Two batches with half the items each of the only frame.
     *
     * @param plain the frame's whole body, uncompressed
     * @return empty if there is one item only, or the body cannot be cut
     */
    Optional<List<Batch>> halves(ByteBuffer plain) {
        Piece piece = parts.getFirst().piece();
        if (piece.items() < 2) return Optional.empty();
        int middle = piece.first() + piece.items() / 2;
        Optional<Batch> head = slice(new Piece(piece.frame(), piece.first(), middle - 1), plain);
        Optional<Batch> tail = slice(new Piece(piece.frame(), middle, piece.last()), plain);
        return head.isEmpty() || tail.isEmpty()
                ? Optional.empty()
                : Optional.of(List.of(head.get(), tail.get()));
    }

    /** A batch with some items of a frame; empty if the body cannot be cut. */
    static Optional<Batch> of(Key key, Piece piece, ByteBuffer plain, long now) {
        return ItemSlice.of(key.signal(), plain, piece.frame().items(), piece.first(), piece.last())
                .map(body -> {
                    var batch = new Batch(key, ContentEncoding.IDENTITY, now);
                    batch.add(Part.of(piece, body));
                    return batch;
                });
    }

    private Optional<Batch> slice(Piece piece, ByteBuffer plain) {
        return ItemSlice.of(key.signal(), plain, piece.frame().items(), piece.first(), piece.last())
                .map(body -> {
                    var slice = new Batch(key, ContentEncoding.IDENTITY, openedNanos);
                    slice.attempts = attempts;
                    slice.takenBeforeRefusal = takenBeforeRefusal;
                    slice.add(Part.of(piece, body));
                    return slice;
                });
    }

    private Batch part(List<Part> some) {
        var half = new Batch(key, encoding, openedNanos);
        half.attempts = attempts;
        half.faults = faults;
        half.takenBeforeRefusal = takenBeforeRefusal;
        some.forEach(half::add);
        return half;
    }
}
