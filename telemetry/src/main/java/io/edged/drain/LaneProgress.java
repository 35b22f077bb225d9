package io.edged.drain;

import io.edged.wal.Cursor;
import io.edged.wal.Frame;
import io.edged.wal.FramePart;
import io.edged.wal.Lanes;
import io.edged.wal.LogReader;
import io.edged.wal.Settlement;
import io.edged.wal.WalException;

import org.jspecify.annotations.Nullable;

import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.LongFunction;

/**
 * One lane of one destination: its cursor, the headers of frames that can be sent next ("index"),
 * and the frames that are being sent. The index is bounded, whatever the backlog: a lane whose
 * index is full is left behind by the scan that feeds all lanes and later goes on from there by
 * itself; a lane that sends the newest first forgets the oldest ones and goes back for them.
 *
 * <p>The drain's thread only.
 */
final class LaneProgress {

    /** Headers at most. */
    static final int MAX_INDEXED = 1_024;

    /** Their metadata, in characters. */
    private static final int MAX_INDEXED_METADATA = 256 << 10;

    /** Headers that a lane reads by itself in one turn. */
    private static final int OWN_SCAN_FRAMES = 1_024;

    private static final long MIN_WINDOW = 1_024;
    private static final long MAX_WINDOW = 64 << 10;

    /** How far ahead frames are allowed to be sent; each step is a write of the cursors' file. */
    static final long MIN_STRIDE = 4_096;

    private static final long MAX_STRIDE = 64 << 10;

    /** A frame that waits. {@code behind}: the lane has no frame between that and this one. */
    private record Indexed(Frame frame, long behind, long sinceNanos) {}

    /** A frame that is being sent. */
    private record Outstanding(long writtenAtNanos, long behind) {}

    private final Lane lane;
    private final int place;
    private final Cursor cursor;
    private final boolean newestFirst;
    private final Lanes lanes;
    private final LongFunction<LogReader> readers;
    private final TreeMap<Long, Indexed> index = new TreeMap<>();
    private final TreeMap<Long, Outstanding> outstanding = new TreeMap<>();

    /** Everything up to here was looked at, but for the hole of a lane with the newest first. */
    private long scannedTo;

    /** The lane's last frame, or where the scan began, up to {@link #scannedTo}. */
    private long lastSeen;

    /** Newest first: frames above the cursor and up to here are not in the index. */
    private long holeTo;

    /** Newest first: seqs to look at in one step back. */
    private long window = MIN_WINDOW;

    /** The lane was left behind by the scan that feeds all lanes. */
    private boolean detached;

    private @Nullable LogReader own;
    private long indexedBytes;
    private long indexedItems;
    private int indexedMetadata;
    private long stride = MIN_STRIDE;
    private long allowedTo;
    private long highestSent;

    /** Requests under way. */
    int flights;

    /** Batches of it that are in memory. */
    int held;

    /**
     * @param place in the order of lanes
     * @param lanes the log's rule
     * @param readers opens a reader behind a seq
     */
    LaneProgress(
            Lane lane,
            int place,
            Cursor cursor,
            boolean newestFirst,
            Lanes lanes,
            LongFunction<LogReader> readers) {
        this.lane = lane;
        this.place = place;
        this.cursor = cursor;
        this.newestFirst = newestFirst;
        this.lanes = lanes;
        this.readers = readers;
        this.scannedTo = cursor.settledTo();
        this.lastSeen = scannedTo;
        this.allowedTo = cursor.sendableTo();
        this.highestSent = cursor.sentBefore();
    }

    Lane lane() {
        return lane;
    }

    /** Place in the order of lanes. */
    int place() {
        return place;
    }

    long settledTo() {
        return cursor.settledTo();
    }

    boolean isSettled(long seq) {
        return cursor.isSettled(seq);
    }

    // ---- reading ahead

    /** Whether the scan of all lanes feeds this one. */
    boolean isAttached() {
        return !detached;
    }

    /** The scan of all lanes has found a frame of this lane behind everything it has seen. */
    void found(Frame frame, long now) {
        if (detached || frame.seq() <= scannedTo) return;
        if (!newestFirst && isFull()) {
            detached = true;
            return;
        }
        scannedTo = frame.seq();
        add(frame, lastSeen, now);
        lastSeen = frame.seq();
        while (isOverfull()) {
            // Newest first only: what is forgotten here is looked for again when there is room.
            Map.Entry<Long, Indexed> oldest = index.firstEntry();
            holeTo = oldest.getKey();
            remove(oldest.getValue());
        }
    }

    /** The scan of all lanes has come to {@code seq}. */
    void scannedTo(long seq) {
        if (!detached) scannedTo = Math.max(scannedTo, seq);
    }

    private void add(Frame frame, long behind, long now) {
        if (cursor.isSettled(frame.seq()) || outstanding.containsKey(frame.seq())) return;
        index.put(frame.seq(), new Indexed(frame, behind, now));
        indexedBytes += frame.bodyBytes();
        indexedItems += frame.items();
        indexedMetadata += frame.metadata().length();
    }

    private void remove(Indexed it) {
        index.remove(it.frame().seq());
        indexedBytes -= it.frame().bodyBytes();
        indexedItems -= it.frame().items();
        indexedMetadata -= it.frame().metadata().length();
    }

    private boolean isFull() {
        return index.size() >= MAX_INDEXED || indexedMetadata >= MAX_INDEXED_METADATA;
    }

    private boolean isOverfull() {
        return index.size() > MAX_INDEXED
                || (indexedMetadata > MAX_INDEXED_METADATA && index.size() > 1);
    }

    private boolean hasRoom() {
        return index.size() <= MAX_INDEXED / 2 && indexedMetadata <= MAX_INDEXED_METADATA / 2;
    }

    /**
     * Reads on by itself, if the scan of all lanes has left it behind and there is room.
     *
     * @param commonTo how far that scan has come
     * @return whether there is more to read at once
     */
    boolean scanOwn(long commonTo, long now) throws WalException {
        if (!hasRoom()) return false;
        if (newestFirst) return holeTo > cursor.settledTo() && scanBack(now);
        return detached && scanOn(commonTo, now);
    }

    private boolean scanOn(long commonTo, long now) throws WalException {
        LogReader reader = own;
        if (reader == null) own = reader = readers.apply(scannedTo);
        for (int i = 0; i < OWN_SCAN_FRAMES && scannedTo < commonTo && !isFull(); i++) {
            switch (reader.next()) {
                case LogReader.Next.Read(Frame frame) -> {
                    scannedTo = frame.seq();
                    if (place != lanes.of(frame)) continue;
                    add(frame, lastSeen, now);
                    lastSeen = frame.seq();
                }
                case LogReader.Next.Missing missing -> scannedTo = missing.to();
                case LogReader.Next.AtEnd() ->
                        throw new IllegalStateException(
                                "the log ends at " + scannedTo + " before " + commonTo);
            }
        }
        if (scannedTo < commonTo) return !isFull();
        detached = false;
        closeOwn();
        return false;
    }

    /** Looks at some seqs below the hole's end, and keeps the newest of what is there. */
    private boolean scanBack(long now) throws WalException {
        long from = Math.max(cursor.settledTo(), holeTo - window);
        LogReader reader = own;
        if (reader == null) own = reader = readers.apply(from);
        else reader.seek(from);
        var some = new TreeMap<Long, Indexed>();
        long behind = from;
        long hole = from;
        int metadata = 0;
        boolean more = true;
        while (more) {
            switch (reader.next()) {
                case LogReader.Next.Read(Frame frame) -> {
                    more = frame.seq() <= holeTo;
                    if (!more || place != lanes.of(frame)) continue;
                    if (!cursor.isSettled(frame.seq()) && !outstanding.containsKey(frame.seq())) {
                        some.put(frame.seq(), new Indexed(frame, behind, now));
                        metadata += frame.metadata().length();
                    }
                    behind = frame.seq();
                    while (some.size() > MAX_INDEXED / 2
                            || (metadata > MAX_INDEXED_METADATA / 2 && some.size() > 1)) {
                        Indexed forgotten = some.pollFirstEntry().getValue();
                        hole = forgotten.frame().seq();
                        metadata -= forgotten.frame().metadata().length();
                    }
                }
                case LogReader.Next.Missing missing -> more = missing.to() < holeTo;
                case LogReader.Next.AtEnd() -> more = false;
            }
        }
        if (hole > from) window = Math.max(MIN_WINDOW, window / 2);
        else if (some.size() < MAX_INDEXED / 8) window = Math.min(MAX_WINDOW, window * 2);
        holeTo = hole;
        for (Indexed it : some.values()) add(it.frame(), it.behind(), it.sinceNanos());
        if (holeTo <= cursor.settledTo()) closeOwn();
        return hasRoom() && holeTo > cursor.settledTo();
    }

    // ---- sending

    /** Whether anything waits to be sent. */
    boolean hasWaiting() {
        return !index.isEmpty();
    }

    int waitingFrames() {
        return index.size();
    }

    long waitingBytes() {
        return indexedBytes;
    }

    long waitingItems() {
        return indexedItems;
    }

    /** Whether more cannot be read before something is sent. */
    boolean isFullOfWaiting() {
        return isFull();
    }

    /** When the one that waits longest came into the index. */
    long waitingSinceNanos() {
        return index.firstEntry().getValue().sinceNanos();
    }

    /** Frames that can be sent, in the order in which they should; {@link #take} removes one. */
    Iterator<Frame> waiting() {
        return (newestFirst ? index.descendingMap() : index)
                .values().stream().map(Indexed::frame).toList().iterator();
    }

    boolean newestFirst() {
        return newestFirst;
    }

    /** The oldest frame that waits, and since when by the monotonic clock. */
    Optional<Waiting> oldestWaiting() {
        Map.Entry<Long, Indexed> first = index.firstEntry();
        return first == null
                ? Optional.empty()
                : Optional.of(new Waiting(first.getValue().frame(), first.getValue().sinceNanos()));
    }

    /** A frame that waits. */
    record Waiting(Frame frame, long sinceNanos) {}

    /** The frame is going to be sent. */
    void take(Frame frame) {
        Indexed it = index.get(frame.seq());
        if (it == null) throw new IllegalStateException("frame " + frame.seq() + " does not wait");
        remove(it);
        outstanding.put(frame.seq(), new Outstanding(frame.writtenAtNanos(), it.behind()));
    }

    /** The frame is not there any more; the log has accounted for it. */
    void forget(Frame frame) {
        Indexed it = index.get(frame.seq());
        if (it != null) remove(it);
    }

    /** Whether the frame was possibly sent before this process began. */
    boolean isRepeat(long seq) {
        return seq <= cursor.sentBefore();
    }

    /** Frames up to here may be sent: it is durable that they may have been. */
    long sendableTo() {
        return cursor.sendableTo();
    }

    /** Something up to {@code seq} is being sent. */
    void sending(long seq) {
        highestSent = Math.max(highestSent, seq);
    }

    /**
     * Sees to it that what will be sent next is allowed to be, in time.
     *
     * @param commonTo how far the scan of all lanes has come
     */
    void allow(long commonTo) {
        long next = commonTo + 1;
        if (!index.isEmpty()) next = newestFirst ? index.lastKey() : index.firstKey();
        boolean soon = next > cursor.sendableTo();
        if (next > allowedTo) {
            // It was not asked for in time: the lane is fast.
            if (allowedTo > cursor.sentBefore()) stride = Math.min(MAX_STRIDE, stride * 2);
            allowedTo = next + stride;
        } else if (next + stride / 2 > allowedTo) {
            allowedTo = next + stride;
        } else if (!soon) {
            return;
        }
        cursor.allowTo(allowedTo, soon);
    }

    List<FramePart> parts(long seq) {
        return cursor.parts(seq);
    }

    void keepParts(long seq, List<FramePart> parts, boolean soon) {
        cursor.keepParts(seq, parts, soon);
    }

    /** Whether a piece may be sent: a whole frame, or a part that is known after a crash. */
    boolean maySend(Piece piece) {
        return piece.isWhole() || cursor.isDurable(piece.seq());
    }

    // ---- settling

    /** The frame turned out to be damaged; the log has accounted for it. */
    void lost(Frame frame) {
        forget(frame);
        outstanding.remove(frame.seq());
    }

    /**
     * Settles a frame that was taken.
     *
     * @return false if the log has settled the frame already, for example because it was dropped to
     *     make room while its request was under way
     */
    boolean settle(Frame frame, Settlement settlement) {
        Outstanding it = outstanding.remove(frame.seq());
        if (cursor.isSettled(frame.seq())) return false;
        cursor.settle(frame, it == null ? frame.seq() - 1 : it.behind(), settlement);
        return true;
    }

    /**
     * Gives up a frame that was taken.
     *
     * @return false if the log has settled the frame already
     */
    boolean giveUp(Frame frame, String reason) {
        Outstanding it = outstanding.remove(frame.seq());
        if (cursor.isSettled(frame.seq())) return false;
        cursor.giveUp(frame, it == null ? frame.seq() - 1 : it.behind(), reason);
        return true;
    }

    /** Lets the cursor pass what is not of this lane. */
    void pass() {
        long floor = scannedTo;
        if (holeTo > cursor.settledTo()) return;
        if (!outstanding.isEmpty()) floor = Math.min(floor, outstanding.firstKey() - 1);
        if (!index.isEmpty()) floor = Math.min(floor, index.firstKey() - 1);
        if (floor > cursor.settledTo()) cursor.passTo(floor);
    }

    /** Sequence and time of the oldest frame that was read and is not settled. */
    Optional<Map.Entry<Long, Long>> oldest() {
        Map.Entry<Long, Indexed> waits = index.firstEntry();
        Map.Entry<Long, Outstanding> sent = outstanding.firstEntry();
        if (sent != null && (waits == null || sent.getKey() < waits.getKey()))
            return Optional.of(Map.entry(sent.getKey(), sent.getValue().writtenAtNanos()));
        return waits == null
                ? Optional.empty()
                : Optional.of(Map.entry(waits.getKey(), waits.getValue().frame().writtenAtNanos()));
    }

    private void closeOwn() {
        LogReader reader = own;
        own = null;
        if (reader != null) reader.close();
    }

    /** Nothing is sent any more. */
    void close() {
        closeOwn();
        cursor.sentOnlyTo(highestSent);
    }
}
