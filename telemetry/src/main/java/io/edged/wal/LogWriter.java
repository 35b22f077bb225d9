package io.edged.wal;

import io.edged.disk.LogDirectory;
import io.edged.disk.LogFile;
import io.edged.otlp.Signal;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.Objects;
import java.util.Optional;
import java.util.function.LongSupplier;

/**
 * Writes groups: everything that waits when the disk is free goes out in one gathering write and
 * one force, and only then is any of it acknowledged. Owned by one thread, which repeats {@link
 * #turn}; a test calls it instead.
 *
 * <p>Steady state allocates nothing: headers go into buffers that are kept, bodies are written from
 * where they are.
 */
final class LogWriter {

    private static final System.Logger LOG = System.getLogger(LogWriter.class.getName());

    /**
     * A group larger than this gains nothing from being larger, and would hold up the ones behind
     * it.
     */
    private static final long MAX_GROUP_BYTES = 16 << 20;

    private static final int PAGE_BYTES = 4_096;

    private static final int HEAD_BYTES =
            Math.max(FrameFormat.ENTRY_HEAD_BYTES, FrameFormat.MIN_BATCH_FRAME_BYTES);

    private final LogDirectory directory;
    private final long logId;
    private final Segments segments;
    private final Prepared prepared;
    private final SafePoint safePoint;
    private final Progress progress;
    private final AppendQueue queue;
    private final InstantSource clock;
    private final LongSupplier nanoTime;
    private final WalMetrics metrics;

    /** Told when a prepared file was taken, so that the next one can be made ready. */
    private final Runnable onRoll;

    // Everything below belongs to the writer thread, but for the two volatile fields.
    private final @Nullable Append[] group = new Append[FrameFormat.MAX_GROUP_FRAMES];
    private final @Nullable ByteBuffer[] heads = new ByteBuffer[FrameFormat.MAX_GROUP_FRAMES];
    private final @Nullable ByteBuffer[] tails = new ByteBuffer[FrameFormat.MAX_GROUP_FRAMES];
    private final ByteBuffer zeros =
            ByteBuffer.allocateDirect(PAGE_BYTES + FrameFormat.LENGTH_BYTES).asReadOnlyBuffer();
    private final byte[] writtenAt = new byte[FrameFormat.WRITTEN_AT_BYTES];

    /** What the present group holds. */
    private final Tally tally;

    private final FrameFormat format;
    private ByteBuffer[] gather = new ByteBuffer[256];
    private int gathered;
    private @Nullable Append waiting;
    private @Nullable Append lastWaiting;
    private @Nullable Segment active;
    private @Nullable LogFile file;
    private long offset;
    private long limit;
    private long nextSeq;

    /** The newest committed frame; written by the writer thread, read by any. */
    private volatile long committedSeq;

    /** Why the log takes nothing any more; set once. */
    private volatile @Nullable WalException failure;

    /**
     * When the group that is being written went to the disk, by the monotonic clock; 0 while none
     * is.
     */
    private volatile long busySinceNanos;

    /**
     * Set by the writer thread when there is no room for a segment; cleared by the keeper when
     * there is again.
     */
    private volatile boolean refusing;

    enum Turn {
        /** A group was committed. */
        WROTE,
        /** Nothing waits. */
        IDLE,
        /** The next segment is not ready. */
        WAITING
    }

    LogWriter(
            LogDirectory directory,
            LogOpener.Opened opened,
            Prepared prepared,
            AppendQueue queue,
            WalEnvironment environment,
            WalMetrics metrics,
            Runnable onRoll) {
        this.directory = directory;
        this.logId = opened.logId();
        this.segments = opened.segments();
        this.prepared = prepared;
        this.safePoint = opened.safePoint();
        this.progress = opened.progress();
        this.tally = progress.emptyTally();
        this.queue = queue;
        this.nextSeq = opened.nextSeq();
        this.committedSeq = nextSeq - 1;
        this.clock = environment.clock();
        this.nanoTime = environment.nanoTime();
        this.metrics = metrics;
        this.onRoll = onRoll;
        this.format = new FrameFormat(logId, 0);
    }

    long committedSeq() {
        return committedSeq;
    }

    /** Whether offers are turned away because the log may not grow. */
    boolean refusing() {
        return refusing;
    }

    void stopRefusing() {
        refusing = false;
    }

    Optional<WalException> failure() {
        return Optional.ofNullable(failure);
    }

    /** How long the disk has been at work on one group; 0 if it is not. */
    long busyNanos() {
        long since = busySinceNanos;
        return since == 0 ? 0 : Math.max(1, nanoTime.getAsLong() - since);
    }

    /** Commits one group of what waits. */
    Turn turn() {
        takeIncoming();
        Append first = waiting;
        if (first == null) return Turn.IDLE;
        WalException failed = failure;
        if (failed != null) {
            failWaiting(failed);
            return Turn.IDLE;
        }
        try {
            if (active == null || offset + FrameFormat.maxFrameBytes(first) > limit) {
                Turn rolled = roll(FrameFormat.maxFrameBytes(first));
                if (rolled != Turn.WROTE) return rolled;
            }
        } catch (IOException e) {
            fail("making the next segment", e);
            return Turn.IDLE;
        }
        int count = compose();
        try {
            write(count);
        } catch (IOException e) {
            // The kernel may have dropped the dirty pages: a second force could succeed and lie.
            WalException why = fail("writing a group", e);
            for (int i = 0; i < count; i++) release(grouped(i)).failed(why);
            Arrays.fill(group, 0, count, null);
            return Turn.IDLE;
        }
        acknowledge(count);
        return Turn.WROTE;
    }

    private void takeIncoming() {
        Append oldest = queue.takeAll();
        if (oldest == null) return;
        Append last = lastWaiting;
        if (last == null) waiting = oldest;
        else last.next = oldest;
        Append end = oldest;
        for (Append next = end.next; next != null; next = end.next) end = next;
        lastWaiting = end;
    }

    private Append grouped(int index) {
        return Objects.requireNonNull(group[index]);
    }

    private Append release(Append append) {
        queue.release(append.bodyBytes);
        return append;
    }

    /**
     * Moves as many appends as one group and the segment hold from the waiting ones into {@link
     * #group}.
     */
    private int compose() {
        int count = 0;
        long bytes = 0;
        Append next = waiting;
        while (next != null && count < FrameFormat.MAX_GROUP_FRAMES) {
            long frame = FrameFormat.maxFrameBytes(next);
            if (offset + bytes + frame > limit || (count > 0 && bytes + frame > MAX_GROUP_BYTES))
                break;
            group[count++] = next;
            bytes += frame;
            Append following = next.next;
            next.next = null;
            next = following;
        }
        waiting = next;
        if (next == null) lastWaiting = null;
        return count;
    }

    private void write(int count) throws IOException {
        LogFile to = file;
        Segment segment = active;
        if (to == null || segment == null) throw new IllegalStateException("no active segment");
        long now = clock.millis() * 1_000_000L;
        FrameFormat.putWrittenAt(writtenAt, now);
        gathered = 0;
        long bytes = 0;
        tally.clear();
        for (int i = 0; i < count; i++) {
            Append append = grouped(i);
            append.seq = nextSeq + i;
            bytes += encode(append, i, now, i == count - 1);
            tally.add(
                    append.lane,
                    append.signal == null ? Signal.LOGS : append.signal,
                    append.items,
                    append.bodyBytes);
        }
        gatherEnd(offset + bytes);
        long started = nanoTime.getAsLong();
        busySinceNanos = started == 0 ? 1 : started;
        to.write(gather, gathered, offset);
        long written = nanoTime.getAsLong();
        to.force();
        long forced = nanoTime.getAsLong();
        busySinceNanos = 0;
        Arrays.fill(gather, 0, gathered, null);

        offset += bytes;
        nextSeq += count;
        segment.commit(offset, nextSeq - 1);
        committedSeq = nextSeq - 1;
        progress.committed(nextSeq - 1, tally);
        metrics.committed(
                count,
                bytes,
                forced - grouped(0).offeredNanos,
                written - started,
                forced - written);
    }

    private long encode(Append append, int index, long now, boolean commit) {
        ByteBuffer head = heads[index];
        if (head == null) heads[index] = head = ByteBuffer.allocateDirect(HEAD_BYTES);
        if (append.entry) {
            ByteBuffer tail = tails[index];
            if (tail == null)
                tails[index] = tail = ByteBuffer.allocateDirect(FrameFormat.ENTRY_TAIL_BYTES);
            long bytes = format.putEntry(head, tail, append, append.seq, writtenAt, index, commit);
            gather(head);
            gather(append.body[0]);
            gather(tail);
            return bytes;
        }
        long bytes = format.putBatchHead(head, append, append.seq, now, index, commit);
        gather(head);
        if (append.metadata.hasRemaining()) gather(append.metadata);
        for (ByteBuffer part : append.body) gather(part);
        return bytes;
    }

    /**
     * A zero length ends the log. More zeros follow up to the next page: a page that is written
     * only in part and is not in the cache would have to be read from the disk first.
     */
    private void gatherEnd(long end) {
        if (limit - end < FrameFormat.LENGTH_BYTES) return;
        long page = (end + FrameFormat.LENGTH_BYTES + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
        gather(zeros.clear().limit((int) (Math.min(page, limit) - end)));
    }

    private void gather(ByteBuffer buffer) {
        if (gathered == gather.length) gather = Arrays.copyOf(gather, gathered * 2);
        gather[gathered++] = buffer;
    }

    private void acknowledge(int count) {
        for (int i = 0; i < count; i++) {
            Append append = grouped(i);
            group[i] = null;
            queue.release(append.bodyBytes);
            try {
                append.durable(append.seq);
            } catch (RuntimeException e) {
                // The record is in the log whatever its caller makes of the news; others wait
                // behind it.
                LOG.log(
                        System.Logger.Level.ERROR,
                        "a caller failed on being told that its record is durable",
                        e);
            }
        }
    }

    /** Seals the active segment and begins the next one. */
    private Turn roll(long neededBytes) throws IOException {
        Optional<Prepared.Ready> taken = prepared.take(neededBytes);
        if (taken.isEmpty()) {
            if (!prepared.full()) return Turn.WAITING;
            refusing = true;
            failWaiting(
                    new WalException(
                            WalException.Code.FULL,
                            "the log has reached its ceiling or the disk's reserve; it takes no more"));
            return Turn.IDLE;
        }
        Prepared.Ready next = taken.get();
        SegmentName name = new SegmentName(nextSeq, logId);
        try {
            seal();
            directory.rename(next.name(), name.file());
        } catch (IOException e) {
            if (!DiskFull.is(e)) throw e;
            prepared.giveBack(next);
            refusing = true;
            failWaiting(new WalException(WalException.Code.FULL, "no room to change segments", e));
            return Turn.IDLE;
        }
        directory.force();
        Segment segment = new Segment(name, next.bytes(), 0, name.firstSeq() - 1, false);
        file = next.file();
        offset = 0;
        limit = next.bytes();
        format.seed(logId, name.firstSeq());
        active = segment;
        segments.add(segment);
        metrics.rolled();
        onRoll.run();
        return Turn.WROTE;
    }

    /**
     * Nothing more goes into the active segment: its last group is forced, so its end is the safe
     * point.
     */
    private void seal() throws IOException {
        Segment segment = active;
        LogFile open = file;
        if (segment == null || open == null) return;
        safePoint.raise(committedSeq);
        segment.seal();
        active = null;
        file = null;
        open.close();
    }

    /**
     * Ends the log cleanly: cuts the active segment to its frames. Nothing may be offered any more.
     */
    void finish() throws IOException {
        Segment segment = active;
        LogFile open = file;
        if (segment == null || open == null || failure != null) return;
        open.truncate(offset);
        open.force();
        seal();
    }

    /** Closes the file of a log that failed, or that {@link #finish} has ended. */
    void close() throws IOException {
        LogFile open = file;
        file = null;
        if (open != null) open.close();
    }

    /** Takes nothing more and fails what still waits. */
    void refuseFurther(WalException why) {
        failWaiting(why);
        for (Append next = queue.close(); next != null; ) {
            Append append = next;
            next = append.next;
            append.next = null;
            release(append).failed(why);
        }
    }

    private void failWaiting(WalException why) {
        takeIncoming();
        Append next = waiting;
        waiting = null;
        lastWaiting = null;
        while (next != null) {
            Append append = next;
            next = append.next;
            append.next = null;
            release(append).failed(why);
        }
    }

    private WalException fail(String doing, IOException cause) {
        var why =
                new WalException(
                        WalException.Code.STORAGE_FAILED,
                        doing + " in " + directory.describe() + ": " + cause.getMessage(),
                        cause);
        failure = why;
        busySinceNanos = 0;
        metrics.failed();
        LOG.log(
                System.Logger.Level.ERROR,
                "storage failed, the log takes nothing any more; directory={0} doing={1} error={2}",
                directory.describe(),
                doing,
                String.valueOf(cause.getMessage()));
        failWaiting(why);
        return why;
    }
}
