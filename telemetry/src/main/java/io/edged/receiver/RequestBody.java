package io.edged.receiver;

import io.edged.otlp.ContentEncoding;
import io.edged.otlp.ExportResponse;
import io.edged.otlp.Gunzip;
import io.edged.otlp.Skim;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;

import org.jspecify.annotations.Nullable;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32C;

/**
 * A body as it comes in. Each part is looked at once, while it is in the processor's cache:
 * checksum, decompression if need be, skim. Then it is kept, most often where the socket's read has
 * put it.
 *
 * <p><b>What a kept part holds down.</b> A part is a slice of a read buffer of up to 256 KiB, and
 * keeping a slice keeps the whole buffer. So a part is kept in place only if it is at least {@value
 * #IN_PLACE_BYTES} bytes and half of its buffer; everything else is copied, together with what
 * follows, into buffers of the size that is needed. Real memory is therefore at most twice what is
 * reserved. Parts beyond the first {@value #PARTS_IN_PLACE} are copied too, into buffers of 1 MiB,
 * so that the log never gathers from more than a few hundred buffers.
 *
 * <p>Memory is reserved before it is used: all of an announced length up to {@value #STEP_BYTES}
 * bytes at once, more than that and bodies of unknown length as they come, so that a client cannot
 * claim memory with a header alone.
 *
 * <p>Owned by the event loop of its connection until {@link #close}, which must follow.
 */
final class RequestBody implements AutoCloseable {

    static final int IN_PLACE_BYTES = 4 << 10;
    static final int PARTS_IN_PLACE = 64;
    static final int STEP_BYTES = 1 << 20;

    private static final int SMALLEST_COPY_BYTES = 4 << 10;

    private final Admission admission;
    private final ByteBufAllocator allocator;
    private final Workspace workspace;
    private final Skim skim;
    private final Announced announced;
    private final @Nullable Gunzip gunzip;
    private final CRC32C crc = new CRC32C();
    private final List<ByteBuf> parts = new ArrayList<>(4);

    /** The last of the parts if it is a copy with room left. */
    private @Nullable ByteBuf tail;

    private long bytes;
    private long held;
    private long reserved;
    private boolean closed;

    private RequestBody(
            Admission admission,
            ByteBufAllocator allocator,
            Workspace workspace,
            Skim skim,
            Announced announced,
            long reserved) {
        this.admission = admission;
        this.allocator = allocator;
        this.workspace = workspace;
        this.skim = skim;
        this.announced = announced;
        this.reserved = reserved;
        skim.begin(announced.signal());
        if (announced.encoding() == ContentEncoding.GZIP) {
            gunzip = workspace.takeGunzip();
            gunzip.begin(admission.limits().bodyBytes(), admission.limits().inflationRatio());
            held = Gunzip.NATIVE_BYTES;
        } else {
            gunzip = null;
        }
    }

    /** A body for this announcement, or null if there is no memory for it. */
    static @Nullable RequestBody open(
            Admission admission,
            ByteBufAllocator allocator,
            Workspace workspace,
            Skim skim,
            Announced announced) {
        long first = Math.clamp(announced.contentLength(), 0, STEP_BYTES);
        if (announced.encoding() == ContentEncoding.GZIP) first += Gunzip.NATIVE_BYTES;
        return admission.reserve(first)
                ? new RequestBody(admission, allocator, workspace, skim, announced, first)
                : null;
    }

    /**
     * Takes the next part.
     *
     * @param content stays the caller's; retained if it is kept
     * @return why the request cannot be taken, or null; the body must be closed then
     */
    @Nullable Refusal add(ByteBuf content) {
        int length = content.readableBytes();
        if (length == 0) return null;
        bytes += length;
        if (bytes > admission.limits().bodyBytes()) return Refusal.TOO_LARGE;
        ByteBuffer part = content.nioBuffer();
        int start = part.position();
        crc.update(part);
        part.position(start);
        Refusal refusal = check(part);
        return refusal == null ? keep(content, length) : refusal;
    }

    /** Says that the body is complete; the answer is as that of {@link #add}. */
    @Nullable Refusal end() {
        if (bytes == 0) return null; // an empty request, whatever its encoding
        if (gunzip != null) return refusal(gunzip.end(skim));
        return skim.end() ? null : Refusal.MALFORMED_BODY;
    }

    /** What to tell the sender of a refused body. */
    String explain(Refusal refusal) {
        return switch (refusal) {
            case TOO_LARGE -> RequestHead.tooLarge(admission.limits());
            case TOO_DENSE ->
                    "more than "
                            + admission.limits().inflationRatio()
                            + " bytes come out of each compressed byte; send it uncompressed";
            case MALFORMED_BODY ->
                    "not an OTLP request for "
                            + announced.signal().label()
                            + ": "
                            + (gunzip == null ? skim.malformed() : gunzip.malformed()).describe();
            default -> Answers.advice(refusal);
        };
    }

    Announced announced() {
        return announced;
    }

    /** What to answer once the body is durable. */
    ExportResponse response() {
        return ExportResponse.SUCCESS;
    }

    long bytes() {
        return bytes;
    }

    int items() {
        return skim.items();
    }

    boolean mergeable() {
        return skim.mergeable();
    }

    int crc32c() {
        return (int) crc.getValue();
    }

    /** The parts; they belong to the caller, with {@link #handOverReservation}. */
    ByteBuf[] handOverParts() {
        ByteBuf[] all = parts.toArray(new ByteBuf[0]);
        parts.clear();
        return all;
    }

    /** Bytes to release when the parts are; what was only needed to come in is released now. */
    long handOverReservation() {
        long kept = gunzip == null ? held : held - Gunzip.NATIVE_BYTES;
        reserved -= kept;
        return kept;
    }

    @Override
    public void close() {
        if (closed) return;
        closed = true;
        parts.forEach(ByteBuf::release);
        parts.clear();
        if (gunzip != null) workspace.giveBack(gunzip);
        admission.release(reserved);
        reserved = 0;
    }

    private @Nullable Refusal check(ByteBuffer part) {
        if (gunzip != null) return refusal(gunzip.feed(part, skim));
        return skim.feed(part) ? null : Refusal.MALFORMED_BODY;
    }

    private static @Nullable Refusal refusal(Gunzip.Outcome outcome) {
        return switch (outcome) {
            case GOOD -> null;
            case MALFORMED -> Refusal.MALFORMED_BODY;
            case TOO_LARGE -> Refusal.TOO_LARGE;
            case TOO_DENSE -> Refusal.TOO_DENSE;
        };
    }

    private @Nullable Refusal keep(ByteBuf content, int length) {
        ByteBuf tail = this.tail;
        int room = tail == null ? 0 : tail.writableBytes();
        if (room < length && worthKeepingInPlace(content, length)) {
            if (!reserve(length)) return Refusal.MEMORY;
            parts.add(content.retain());
            this.tail = null; // its room is given up; that is less than what was just added
            return null;
        }
        int from = content.readerIndex();
        if (tail != null) {
            int fits = Math.min(length, room);
            tail.writeBytes(content, from, fits);
            from += fits;
            length -= fits;
        }
        if (length == 0) return null;
        int capacity = copyBytes(length);
        if (!reserve(capacity)) return Refusal.MEMORY;
        ByteBuf copy = allocator.directBuffer(capacity, capacity);
        parts.add(copy);
        copy.writeBytes(content, from, length);
        this.tail = copy;
        return null;
    }

    private boolean worthKeepingInPlace(ByteBuf content, int length) {
        return parts.size() < PARTS_IN_PLACE
                && length >= IN_PLACE_BYTES
                && length >= heldDown(content) / 2
                && content.isDirect();
    }

    /** The size of the next copy: as much as there is already, but not more than can come. */
    private int copyBytes(int length) {
        long wanted = Math.max(SMALLEST_COPY_BYTES, bytes);
        if (announced.contentLength() >= 0)
            wanted = Math.min(wanted, announced.contentLength() - bytes + length);
        return Math.clamp(wanted, length, Math.max(length, STEP_BYTES));
    }

    /** Reserves what is missing for that much more to be held. */
    private boolean reserve(int more) {
        long missing = held + more - reserved;
        if (missing > 0) {
            if (!admission.reserve(missing)) return false;
            reserved += missing;
        }
        held += more;
        return true;
    }

    /** The size of the buffer that a slice keeps alive. */
    private static int heldDown(ByteBuf content) {
        ByteBuf root = content;
        for (ByteBuf next = root.unwrap(); next != null; next = root.unwrap()) root = next;
        return root.capacity();
    }
}
