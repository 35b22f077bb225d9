package io.edged.receiver;

import io.edged.events.EventSequence;
import io.edged.otlp.BodyChunks;
import io.edged.otlp.BodyFormat;
import io.edged.otlp.BodyReader;
import io.edged.otlp.ContentEncoding;
import io.edged.otlp.Decompressor;
import io.edged.otlp.ExportResponse;
import io.edged.otlp.JsonConversion;
import io.edged.otlp.Malformed;
import io.edged.otlp.RecordCutter;
import io.edged.otlp.Signal;
import io.edged.otlp.Skim;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
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
 * <p>Memory is reserved before a part is kept. With the header at most {@value #FIRST_BYTES} bytes
 * are, and only out of what the connection has as its own, so that a client cannot claim memory
 * with headers alone; a body that would not fit at all is turned away then.
 *
 * <p>A body in JSON is kept, decompressed, until it is complete, and then turned into protobuf, or
 * into events; that takes its place. A body with records over the limit is copied without them if
 * it came uncompressed, and refused if not: what is compressed is stored as it came or not at all.
 *
 * <p>Owned by the event loop of its connection until {@link #close}, which must follow; a worker
 * has it alone while it runs {@link #convert}.
 */
final class RequestBody implements AutoCloseable {

    static final int IN_PLACE_BYTES = 4 << 10;
    static final int PARTS_IN_PLACE = 64;
    static final int STEP_BYTES = 1 << 20;

    /** What is reserved with a header, at most. */
    static final int FIRST_BYTES = 16 << 10;

    /** Larger ones are converted by a worker: other clients wait for the event loop. */
    static final int CONVERTED_AT_ONCE_BYTES = 64 << 10;

    private static final int SMALLEST_COPY_BYTES = 4 << 10;

    /** What an event takes on the heap beside its bytes. */
    private static final int EVENT_OVERHEAD_BYTES = 256;

    private final Admission admission;

    /** Those that it began under. */
    private final ReceiverOptions.Limits limits;

    private final Account account;
    private final ByteBufAllocator allocator;
    private final Workspace workspace;
    private final Skim skim;
    private final Announced announced;

    /** Whether it has to be converted. */
    private final boolean json;

    /** Whether somebody wants to know the severity of what is converted. */
    private final boolean severityWanted;

    private final @Nullable Decompressor decompressor;

    /** Where what came in goes after it was decompressed: to the skim, or to the kept parts. */
    private final BodyReader reader;

    private final CRC32C crc = new CRC32C();
    private final List<ByteBuf> parts = new ArrayList<>(4);

    /** Those of a converted body, in the parts. */
    private final List<ByteBuffer> events = new ArrayList<>(0);

    /** The last of the parts if it is a copy with room left. */
    private @Nullable ByteBuf tail;

    /** As received. */
    private long bytes;

    /** In the parts, more or less the same; of JSON what came out of the decompressor. */
    private long kept;

    private long held;

    /** Of that, what the decompressor held at the beginning. */
    private long heldByDecompressor;

    /** What it has asked for since. */
    private long heap;

    private long reserved;
    private boolean decompressorGone;
    private boolean closed;

    // What the skim has found, once the body is complete: it serves the next request then.
    private boolean complete;
    private int items;
    private int largeItems;
    private boolean mergeable = true;
    private int highestSeverity;

    private int rejected;
    private Optional<String> unknownMember = Optional.empty();
    private @Nullable String malformed;
    private String tooLarge = "";

    private RequestBody(
            Admission admission,
            Account account,
            ByteBufAllocator allocator,
            Workspace workspace,
            Skim skim,
            boolean severityWanted,
            Announced announced,
            @Nullable Decompressor decompressor,
            long reserved) {
        this.admission = admission;
        this.limits = admission.limits();
        this.account = account;
        this.allocator = allocator;
        this.workspace = workspace;
        this.skim = skim;
        this.severityWanted = severityWanted;
        this.announced = announced;
        this.reserved = reserved;
        json = announced.format() == BodyFormat.JSON; // events always are
        reader = json ? new Keeper() : skim;
        if (!json) skim.begin(announced.signal(), limits.recordBytes());
        this.decompressor = decompressor;
        if (decompressor != null) {
            decompressor.begin(
                    limits.bodyBytes(), limits.inflationRatio(), this::reserveForDecompressor);
            heldByDecompressor = decompressor.heldBytes();
            held = heldByDecompressor;
        }
    }

    /**
     * A body for this announcement, or null if there is no memory for it.
     *
     * @param severityWanted whether {@link #highestSeverity} will be asked; it costs a pass over
     *     what is converted
     */
    static @Nullable RequestBody open(
            Admission admission,
            Account account,
            ByteBufAllocator allocator,
            Workspace workspace,
            Skim skim,
            boolean severityWanted,
            Announced announced) {
        if (!account.hasRoomFor(Math.clamp(announced.contentLength(), 0, STEP_BYTES))) return null;
        Decompressor decompressor = workspace.takeDecompressor(announced.encoding());
        long first = decompressor == null ? 0 : decompressor.heldBytes();
        if (!account.reserve(first)) {
            if (decompressor != null) workspace.giveBack(decompressor);
            return null;
        }
        long length = announced.contentLength();
        first += account.reserveOfShare(length < 0 ? FIRST_BYTES : Math.min(length, FIRST_BYTES));
        return new RequestBody(
                admission,
                account,
                allocator,
                workspace,
                skim,
                severityWanted,
                announced,
                decompressor,
                first);
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
        if (bytes > limits.bodyBytes()) return Refusal.TOO_LARGE;
        if (json && decompressor == null) return keep(content, length);
        ByteBuffer part = content.nioBuffer();
        int start = part.position();
        if (!json) crc.update(part);
        part.position(start);
        Refusal refusal = check(part);
        return refusal == null && !json ? keep(content, length) : refusal;
    }

    /**
     * Says that the body is complete; the answer is as that of {@link #add}. {@link #convert} must
     * follow if the body {@link #isToBeConverted}.
     */
    @Nullable Refusal end() {
        // An empty request in protobuf, whatever its encoding; JSON has none.
        if (bytes == 0 && !json) return null;
        if (decompressor != null) {
            Refusal refusal = refusal(decompressor.end(reader));
            if (refusal != null) return refusal;
            giveBackDecompressor();
        } else if (!reader.end()) {
            return malformed(reader.malformed());
        }
        if (json) return null;
        items = skim.items();
        largeItems = skim.largeItems();
        mergeable = skim.mergeable();
        highestSeverity = skim.highestSeverity();
        complete = true;
        if (largeItems == 0) return null;
        return announced.encoding() == ContentEncoding.IDENTITY ? null : Refusal.RECORD_TOO_LARGE;
    }

    /** Whether it is in JSON or holds records over the limit, which is not what the log takes. */
    boolean isToBeConverted() {
        return json || largeItems > 0;
    }

    /** Whether converting it takes so long that an event loop must not do it. */
    boolean isLarge() {
        return kept > CONVERTED_AT_ONCE_BYTES;
    }

    /**
     * Turns the complete body into what the log takes. Any thread, once; nobody else may use the
     * body meanwhile.
     *
     * @param conversion the caller's own
     * @return why the request cannot be taken, or null; the body must be closed then
     */
    @Nullable Refusal convert(JsonConversion conversion) {
        if (!json) return cut();
        List<ByteBuf> source = List.copyOf(parts);
        long heldBySource = held - heldByDecompressor;
        parts.clear();
        tail = null;
        // What a part that was read had is free for what is made of it.
        var left = new long[] {heldBySource};
        try (var input =
                new PartsInput(
                        source,
                        bytes -> {
                            long gone = Math.min(bytes, left[0]);
                            left[0] -= gone;
                            held -= gone;
                        })) {
            return announced.topic() == Topic.EVENTS
                    ? readEvents(input)
                    : convert(conversion, input);
        } catch (IOException e) {
            throw new IllegalStateException("a body in memory cannot fail", e);
        } finally {
            held -= left[0];
        }
    }

    /** What to tell the sender of a refused body. */
    String explain(Refusal refusal) {
        return switch (refusal) {
            case TOO_LARGE -> tooLarge.isEmpty() ? RequestHead.tooLarge(limits) : tooLarge;
            case TOO_DENSE ->
                    "more than "
                            + limits.inflationRatio()
                            + " bytes come out of each compressed byte; send it uncompressed";
            case MALFORMED_BODY ->
                    (announced.topic() == Topic.EVENTS
                                    ? ""
                                    : "not an OTLP request for " + announced.topic().label() + ": ")
                            + Objects.requireNonNull(malformed);
            case RECORD_TOO_LARGE ->
                    largeItems
                            + " records have more than "
                            + limits.recordBytes()
                            + " bytes; nothing can be left out of a compressed request: send"
                            + " smaller records, or send them uncompressed";
            default -> Answers.advice(refusal);
        };
    }

    Announced announced() {
        return announced;
    }

    /** What to answer once the body is durable. */
    ExportResponse response() {
        if (rejected > 0)
            return new ExportResponse(
                    rejected,
                    "records with more than " + limits.recordBytes() + " bytes are not taken");
        // Names that nobody knows must be ignored. When nothing else was there, say so.
        return items == 0 && unknownMember.isPresent()
                ? new ExportResponse(
                        0,
                        "there were no records; the member "
                                + unknownMember.get()
                                + " is not one of OTLP's, whose names are lowerCamelCase")
                : ExportResponse.SUCCESS;
    }

    /** In which the parts stand. */
    ContentEncoding encoding() {
        return json ? ContentEncoding.IDENTITY : announced.encoding();
    }

    long bytes() {
        return bytes;
    }

    /** That will be kept, once the body is complete; before that, those found so far. */
    int items() {
        return json || complete ? items : skim.items();
    }

    boolean mergeable() {
        return json || mergeable;
    }

    /**
     * The highest severity number of its log records, 0 if none has one, or if it was converted and
     * nobody wanted to know.
     */
    int highestSeverity() {
        return highestSeverity;
    }

    int crc32c() {
        return (int) crc.getValue();
    }

    /** Of a converted body of events: each between position and limit, in the parts. */
    List<ByteBuffer> events() {
        return List.copyOf(events);
    }

    Account account() {
        return account;
    }

    /** The parts; they belong to the caller, with {@link #handOverReservation}. */
    ByteBuf[] handOverParts() {
        ByteBuf[] all = parts.toArray(new ByteBuf[0]);
        parts.clear();
        return all;
    }

    /** Bytes to release when the parts are; what was only needed to come in is released now. */
    long handOverReservation() {
        long handedOver = held - heldByDecompressor;
        reserved -= handedOver;
        return handedOver;
    }

    @Override
    public void close() {
        if (closed) return;
        closed = true;
        parts.forEach(ByteBuf::release);
        parts.clear();
        giveBackDecompressor();
        account.release(reserved);
        reserved = 0;
    }

    private @Nullable Refusal check(ByteBuffer part) {
        if (decompressor != null) return refusal(decompressor.feed(part, reader));
        return skim.feed(part) ? null : malformed(skim.malformed());
    }

    private @Nullable Refusal refusal(Decompressor.Outcome outcome) {
        return switch (outcome) {
            case GOOD -> null;
            case MALFORMED ->
                    reader instanceof Keeper keeper && keeper.refused
                            ? Refusal.MEMORY
                            : malformed(Objects.requireNonNull(decompressor).malformed());
            case TOO_LARGE -> Refusal.TOO_LARGE;
            case TOO_DENSE -> Refusal.TOO_DENSE;
            case NO_MEMORY -> Refusal.MEMORY;
        };
    }

    private Refusal malformed(Malformed why) {
        malformed = why.describe();
        return Refusal.MALFORMED_BODY;
    }

    /** What a decompressor asks for is on the heap, which is the smaller of the two memories. */
    private boolean reserveForDecompressor(long more) {
        if (!admission.reserveHeap(more)) return false;
        heap += more;
        return true;
    }

    private void giveBackDecompressor() {
        if (decompressor == null || decompressorGone) return;
        decompressorGone = true;
        workspace.giveBack(decompressor);
        admission.releaseHeap(heap);
        heap = 0;
    }

    private @Nullable Refusal convert(JsonConversion conversion, PartsInput input) {
        var chunks = new Chunks();
        JsonConversion.Result result =
                conversion.convert(
                        announced.signal(),
                        input,
                        limits.bodyBytes(),
                        limits.recordBytes(),
                        chunks);
        return switch (result) {
            case JsonConversion.Result.Converted converted -> {
                items = converted.items();
                rejected = converted.rejected();
                unknownMember = converted.unknownMember();
                chunks.seal();
                if (severityWanted && announced.signal() == Signal.LOGS) skimConverted();
                yield null;
            }
            case JsonConversion.Result.Bad(Malformed why) -> malformed(why);
            case JsonConversion.Result.TooLarge() -> Refusal.TOO_LARGE;
            case JsonConversion.Result.NoMemory() -> Refusal.MEMORY;
        };
    }

    /** For what only a skim tells of it; not that of the connection, which is on another thread. */
    private void skimConverted() {
        var own = new Skim(new byte[Skim.SCRATCH_BYTES]);
        own.begin(Signal.LOGS);
        for (ByteBuf part : parts) own.feed(part.nioBuffer());
        if (!own.end())
            throw new IllegalStateException("converted JSON: " + own.malformed().describe());
        highestSeverity = own.highestSeverity();
    }

    private @Nullable Refusal readEvents(PartsInput input) throws IOException {
        return switch (EventSequence.read(input, this::keepEvent)) {
            case EventSequence.Result.Good(int count) -> {
                items = count;
                yield null;
            }
            case EventSequence.Result.Bad(String reason) -> {
                malformed = reason;
                yield Refusal.MALFORMED_BODY;
            }
            case EventSequence.Result.TooLarge(String reason) -> {
                tooLarge = reason;
                yield Refusal.TOO_LARGE;
            }
            case EventSequence.Result.NoMemory() -> Refusal.MEMORY;
        };
    }

    private boolean keepEvent(ByteBuffer event) {
        int length = event.remaining();
        ByteBuf into = tail;
        if (into == null || into.writableBytes() < length) {
            int capacity = Math.max(length, Math.clamp(kept, SMALLEST_COPY_BYTES, 64 << 10));
            if (!reserve(capacity + EVENT_OVERHEAD_BYTES)) return false;
            into = allocator.directBuffer(capacity, capacity);
            parts.add(into);
            tail = into;
        } else if (!reserve(EVENT_OVERHEAD_BYTES)) {
            return false;
        }
        int from = into.writerIndex();
        into.writeBytes(event);
        events.add(into.nioBuffer(from, length));
        return true;
    }

    /** Copies the body without its large records; the copy takes its place. */
    private @Nullable Refusal cut() {
        List<ByteBuf> source = List.copyOf(parts);
        long heldBySource = held;
        int length = (int) kept;
        boolean joined = source.size() == 1;
        if (!reserve(joined ? length : 2 * length)) return Refusal.MEMORY;
        parts.clear();
        tail = null;
        ByteBuf copy = allocator.directBuffer(length, length);
        parts.add(copy);
        ByteBuffer out = copy.nioBuffer(0, length);
        ByteBuf whole = joined ? source.getFirst() : allocator.directBuffer(length, length);
        if (!joined)
            for (ByteBuf part : source)
                whole.writeBytes(part, part.readerIndex(), part.readableBytes());
        RecordCutter.cut(announced.signal(), whole.nioBuffer(), limits.recordBytes(), out);
        copy.writerIndex(out.position());
        if (!joined) {
            whole.release();
            held -= length;
        }
        source.forEach(ByteBuf::release);
        held -= heldBySource;
        rejected = largeItems;
        items -= rejected;
        crc.reset();
        crc.update(copy.nioBuffer());
        return null;
    }

    /** Keeps what a decompressor gives out. */
    private final class Keeper implements BodyReader {
        private boolean refused;

        @Override
        public boolean feed(ByteBuffer part) {
            ByteBuf content = Unpooled.wrappedBuffer(part);
            refused = keep(content, content.readableBytes()) != null;
            return !refused;
        }

        @Override
        public boolean end() {
            return true;
        }

        @Override
        public Malformed malformed() {
            return new Malformed(bytes, "there is no memory for it");
        }
    }

    /** Where protobuf made of JSON goes. */
    private final class Chunks implements BodyChunks {
        private final List<ByteBuffer> views = new ArrayList<>(4);

        @Override
        public @Nullable ByteBuffer next(int least) {
            int capacity = Math.clamp(kept / 2, SMALLEST_COPY_BYTES, STEP_BYTES);
            if (!reserve(capacity)) return null;
            ByteBuf chunk = allocator.directBuffer(capacity, capacity);
            parts.add(chunk);
            ByteBuffer view = chunk.nioBuffer(0, capacity);
            views.add(view);
            return view;
        }

        /** Nothing more is written. */
        void seal() {
            for (int i = 0; i < views.size(); i++) {
                ByteBuf chunk = parts.get(i);
                chunk.writerIndex(views.get(i).position());
                crc.update(chunk.nioBuffer());
            }
        }
    }

    private @Nullable Refusal keep(ByteBuf content, int length) {
        kept += length;
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
        return !(json && decompressor != null) // what is decompressed is soon overwritten
                && parts.size() < PARTS_IN_PLACE
                && length >= IN_PLACE_BYTES
                && length >= heldDown(content) / 2
                && content.isDirect();
    }

    /** The size of the next copy: as much as there is already, but not more than can come. */
    private int copyBytes(int length) {
        long wanted = Math.max(SMALLEST_COPY_BYTES, kept);
        if (announced.contentLength() >= 0 && !(json && decompressor != null))
            wanted = Math.min(wanted, announced.contentLength() - bytes + length);
        return Math.clamp(wanted, length, Math.max(length, STEP_BYTES));
    }

    /** Reserves what is missing for that much more to be held. */
    private boolean reserve(long more) {
        long missing = held + more - reserved;
        if (missing > 0) {
            if (!account.reserve(missing)) return false;
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
