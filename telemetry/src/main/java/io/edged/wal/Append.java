package io.edged.wal;

import io.edged.otlp.ContentEncoding;
import io.edged.otlp.Signal;

import org.jspecify.annotations.Nullable;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * One record on its way into the log: what to write, and whom to tell. A caller extends it, hands
 * it to {@link Appender#offer} and must leave its buffers alone until {@link #durable} or {@link
 * #failed} has been called.
 *
 * <p>The object is its own queue node, so that an append costs the writer thread no allocation.
 */
public abstract class Append {

    /** The largest event of an entry, and so the most that the log reads to check one. */
    public static final int MAX_EVENT_BYTES = 1 << 20;

    /** Body bytes of a batch, as received: DESIGN's limit and the format's. */
    public static final int MAX_BODY_BYTES = 64 << 20;

    public static final int MAX_METADATA_BYTES = 64 << 10;

    static final ByteBuffer[] NO_BUFFERS = {};

    final boolean entry;
    final @Nullable Signal signal;
    final ContentEncoding encoding;
    final boolean mergeable;
    final int items;

    /** Names the lane besides, if the log's rule says so: see {@link #place}. */
    ByteBuffer metadata;

    final int bodyCrc32c;
    final ByteBuffer[] body;
    final int bodyBytes;

    /**
     * Links queued appends; written by the thread that offers, read by the writer after the queue's
     * exchange.
     */
    @Nullable Append next;

    /** When it was offered; set by the thread that does so, before the queue's exchange. */
    long offeredNanos;

    /** Set by the writer thread when it numbers the frame. */
    long seq;

    /** Place of its lane; set by the thread that offers, before the queue's exchange. */
    int lane;

    /** Whether {@link #lane} is decided; of the thread that offers, which may do so again. */
    private boolean placed;

    /**
     * A batch: an OTLP request body as received.
     *
     * @param items log records, data points or spans in the body, at least 1
     * @param mergeable whether every top-level field of the (decompressed) body is number 1, wire
     *     type 2
     * @param metadata a JSON object or nothing, at most {@link #MAX_METADATA_BYTES}, between
     *     position and limit
     * @param bodyCrc32c CRC-32C of the body, computed where the body was still in the processor's
     *     cache
     * @param body direct buffers, 1 to {@link #MAX_BODY_BYTES} bytes in all, each between position
     *     and limit
     */
    protected Append(
            Signal signal,
            ContentEncoding encoding,
            boolean mergeable,
            int items,
            ByteBuffer metadata,
            int bodyCrc32c,
            ByteBuffer... body) {
        long bytes = 0;
        for (ByteBuffer part : body) bytes += part.remaining();
        if (bytes < 1 || bytes > MAX_BODY_BYTES)
            throw new IllegalArgumentException(
                    "body must be 1 to " + MAX_BODY_BYTES + " bytes, was " + bytes);
        if (metadata.remaining() > MAX_METADATA_BYTES)
            throw new IllegalArgumentException(
                    "metadata must be at most "
                            + MAX_METADATA_BYTES
                            + " bytes, was "
                            + metadata.remaining());
        if (items < 1)
            throw new IllegalArgumentException("a batch holds at least 1 item, was " + items);
        this.entry = false;
        this.signal = signal;
        this.encoding = encoding;
        this.mergeable = mergeable;
        this.items = items;
        this.metadata = metadata;
        this.bodyCrc32c = bodyCrc32c;
        this.body = body;
        this.bodyBytes = (int) bytes;
    }

    /**
     * An entry: one JSON event.
     *
     * @param event a JSON object in UTF-8 without surrounding white space, as received, between
     *     position and limit, at most {@link #MAX_EVENT_BYTES}; the caller has checked it (no
     *     duplicate keys, no lone surrogates)
     */
    protected Append(ByteBuffer event) {
        int bytes = event.remaining();
        if (bytes < 2 || bytes > MAX_EVENT_BYTES)
            throw new IllegalArgumentException(
                    "event must be 2 to " + MAX_EVENT_BYTES + " bytes, was " + bytes);
        this.entry = true;
        this.signal = null;
        this.encoding = ContentEncoding.IDENTITY;
        this.mergeable = false;
        this.items = 1;
        this.metadata = ByteBuffer.allocate(0);
        this.bodyCrc32c = 0;
        this.body = new ByteBuffer[] {event};
        this.bodyBytes = bytes;
    }

    /**
     * The highest severity number of the log records in a batch, 0 if none has one or nobody knows.
     */
    protected int highestSeverity() {
        return 0;
    }

    /** Finds its lane. What only the body tells is written into the metadata. */
    final void place(Lanes lanes) {
        if (placed || lanes.isSingle()) return;
        placed = true;
        if (signal == null) {
            lane = lanes.ofEvent(EventKind.of(body[0]));
            return;
        }
        if (signal != Signal.LOGS || !lanes.lookAtSeverity()) {
            lane = lanes.ofSignal(signal);
            return;
        }
        String text =
                metadata.hasRemaining()
                        ? StandardCharsets.UTF_8.decode(metadata.duplicate()).toString()
                        : "";
        Optional<String> severe = lanes.laneOfLogs(highestSeverity());
        if (severe.isPresent()) text = nameLane(severe.get(), text);
        lane = lanes.ofBatch(signal, text);
    }

    private String nameLane(String name, String before) {
        String member = "\"" + Lanes.METADATA_MEMBER + "\":\"" + name + "\"";
        String rest = before.substring(before.indexOf('{') + 1).strip();
        String text =
                rest.isEmpty() || rest.equals("}") ? "{" + member + "}" : "{" + member + "," + rest;
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        if (bytes.length > MAX_METADATA_BYTES) return before; // it goes with the other logs
        metadata = ByteBuffer.allocateDirect(bytes.length).put(bytes).flip();
        return text;
    }

    final int signalCode() {
        return signal == null ? 0 : signal.code();
    }

    /**
     * The record is on stable storage. Called once, on the writer thread, which must not be held
     * up: hand over to the thread that answers.
     *
     * @param seq the record's sequence: the one before plus one, from 1
     */
    protected abstract void durable(long seq);

    /**
     * The record is not known to be on stable storage and must not be acknowledged. Called once, on
     * the writer thread or on the one that closes the log.
     */
    protected abstract void failed(WalException why);
}
