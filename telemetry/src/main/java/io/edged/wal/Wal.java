package io.edged.wal;

import io.edged.disk.LogDirectory;
import io.edged.otlp.Signal;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.System.Logger.Level;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.function.LongConsumer;
import java.util.function.LongSupplier;
import java.util.function.Predicate;

/**
 * A write-ahead log in one directory: records go in through {@link #offer}, are told durable after
 * the force that covers them, and come out through {@link #reader readers} and {@link #cursor
 * cursors}.
 *
 * <p>Two threads work: {@code wal-writer} writes and forces groups, {@code wal-keeper} prepares
 * segments, makes cursors durable and gives settled segments back. Nothing ever interrupts them: an
 * interrupt closes the file that they hold.
 */
public final class Wal implements Appender, DeliveryLog, AutoCloseable {

    private static final System.Logger LOG = System.getLogger(Wal.class.getName());

    /** How often the keeper looks when nobody wakes it. */
    private static final Duration KEEPER_PAUSE = Duration.ofMillis(250);

    /** How long it sleeps when there is nothing to do, should nobody wake it. */
    private static final Duration KEEPER_SLEEP = Duration.ofSeconds(10);

    /** How long closing waits for a disk that does not answer. */
    private static final Duration CLOSE_DEADLINE = Duration.ofSeconds(20);

    private final LogDirectory directory;
    private final long logId;
    private final Segments segments;
    private final Prepared prepared;
    private final LongSupplier nanoTime;
    private final Progress progress;
    private final PositionFile positionFile;
    private final SegmentRepair repair;
    private final WalOptions options;
    private final AppendQueue queue;
    private final LogWriter writer;
    private final Keeper keeper;
    private final List<Runnable> commitListeners = new CopyOnWriteArrayList<>();
    private final List<Consumer<WalException>> failureListeners = new CopyOnWriteArrayList<>();
    private final Set<String> offeredNotices = new HashSet<>();

    /** False once the log is being closed; read by every offer. */
    private volatile boolean accepting = true;

    private volatile boolean writerStops;
    private volatile boolean keeperStops;

    /**
     * Whether the writer thread is about to park; set by it, read by every offer after its push.
     */
    private volatile boolean writerParks;

    /** Whether it parks for want of a segment; written by it, read by the keeper. */
    private volatile boolean writerWaits;

    /** Whether the keeper is about to sleep until something changes. */
    private volatile boolean keeperSleeps;

    private @Nullable Thread writerThread;
    private @Nullable Thread keeperThread;

    private Wal(LogDirectory directory, WalOptions options, WalEnvironment environment)
            throws IOException {
        this.directory = directory;
        this.options = options;
        this.nanoTime = environment.nanoTime();
        var metrics = new WalMetrics(environment.meters());
        LogOpener.Opened opened = new LogOpener(directory, options, environment, metrics).open();
        this.logId = opened.logId();
        this.segments = opened.segments();
        this.progress = opened.progress();
        this.positionFile = opened.positionFile();
        this.repair = opened.repair();
        this.prepared = new Prepared(directory, options, segments);
        this.queue = new AppendQueue(options.queueBytes());
        this.writer =
                new LogWriter(
                        directory, opened, prepared, queue, environment, metrics, this::wakeKeeper);
        this.keeper =
                new Keeper(
                        directory,
                        options,
                        opened,
                        prepared,
                        writer,
                        dropper(opened, metrics),
                        environment.nanoTime());
        countSinceCheckpoint(opened.nextSeq() - 1, opened.recount());
        progress.onWanted(this::wakeKeeper);
        progress.onChanged(this::wakeSleepingKeeper);
        metrics.watch(environment.meters(), this::status);
    }

    private Optional<Dropper> dropper(LogOpener.Opened opened, WalMetrics metrics) {
        return switch (options.onFull()) {
            case WalOptions.OnFull.Reject() -> Optional.empty();
            case WalOptions.OnFull.DropOldest(Predicate<Frame> keeps) ->
                    Optional.of(new Dropper(directory, opened, keeps, metrics));
        };
    }

    /**
     * Opens the log in {@code directory}, recovering what a crash has left, and starts its threads.
     *
     * @throws WalException {@code CORRUPT} if durable data is damaged and the policy is to stop
     * @throws IOException if the directory cannot be read or written
     */
    public static Wal open(LogDirectory directory, WalOptions options, WalEnvironment environment)
            throws IOException {
        Wal wal = openStill(directory, options, environment);
        wal.start();
        return wal;
    }

    /** Opens without threads, for tests that take each turn themselves. */
    static Wal openStill(LogDirectory directory, WalOptions options, WalEnvironment environment)
            throws IOException {
        return new Wal(directory, options, environment);
    }

    private void start() {
        Thread writing = new Thread(this::write, "wal-writer");
        Thread keeping = new Thread(this::keep, "wal-keeper");
        writerThread = writing;
        keeperThread = keeping;
        writing.start();
        keeping.start();
    }

    // ---- in

    @Override
    public Offer offer(Append append) {
        if (!accepting) return Offer.STOPPED;
        if (writer.failure().isPresent()) return Offer.FAILED;
        if (writer.refusing()) return Offer.FULL;
        append.place(options.lanes());
        if (!queue.reserve(append)) return Offer.BUSY;
        append.offeredNanos = nanoTime.getAsLong();
        if (!queue.push(append)) {
            queue.release(append.bodyBytes);
            return Offer.STOPPED;
        }
        if (writerParks) LockSupport.unpark(writerThread);
        return Offer.QUEUED;
    }

    /** One turn of the writer; a test without threads calls it. */
    LogWriter.Turn writerTurn() {
        LogWriter.Turn turn = writer.turn();
        // A loop would cost an iterator for each group: the images run without the compiler that
        // removes it.
        if (turn == LogWriter.Turn.WROTE) commitListeners.forEach(Runnable::run);
        return turn;
    }

    private void write() {
        boolean reported = false;
        var pause = new WriterPause();
        while (true) {
            LogWriter.Turn turn;
            try {
                turn = writerTurn();
            } catch (RuntimeException e) {
                LOG.log(Level.ERROR, "the log's writer failed", e);
                reportFailure(
                        new WalException(
                                WalException.Code.STORAGE_FAILED, "the log's writer failed", e));
                throw e;
            }
            if (turn == LogWriter.Turn.WROTE) continue;
            Optional<WalException> failure = writer.failure();
            if (failure.isPresent() && !reported) {
                reported = true;
                reportFailure(failure.get());
            }
            if (turn == LogWriter.Turn.WAITING) {
                wakeKeeper();
                if (writerStops && failure.isPresent()) return;
            } else if (writerStops && queue.isEmpty()) {
                return;
            }
            if (turn == LogWriter.Turn.IDLE && pause.spin(queue)) continue;
            writerWaits = turn == LogWriter.Turn.WAITING;
            writerParks = true;
            // Looked at again after the flag: an offer that came before it has been seen, a later
            // one sees the flag.
            if ((turn == LogWriter.Turn.WAITING && !prepared.ready())
                    || (turn == LogWriter.Turn.IDLE && queue.isEmpty() && !writerStops))
                pause.park(this);
            writerParks = false;
            writerWaits = false;
        }
    }

    private void reportFailure(WalException failure) {
        accepting = false;
        for (Consumer<WalException> listener : failureListeners) listener.accept(failure);
    }

    /**
     * Calls {@code listener} once, on the writer thread, if a write or force fails. The log then
     * takes nothing any more, and the process should end: reopening is the way on.
     */
    public void onFailure(Consumer<WalException> listener) {
        failureListeners.add(listener);
    }

    // ---- out

    @Override
    public String logId() {
        return SegmentName.hex(logId);
    }

    @Override
    public long committedSeq() {
        return writer.committedSeq();
    }

    @Override
    public LogReader reader(long seq) {
        return new SegmentLogReader(directory, segments, progress, this::damaged, seq);
    }

    @Override
    public boolean asksForSeverity() {
        return options.lanes().lookAtSeverity();
    }

    @Override
    public Lanes lanes() {
        return options.lanes();
    }

    @Override
    public Cursor cursor(String destination, String lane) {
        return cursors(destination, List.of(lane)).getFirst();
    }

    @Override
    public List<Cursor> cursors(String destination) {
        return cursors(destination, options.lanes().names());
    }

    private List<Cursor> cursors(String destination, List<String> lanes) {
        List<Cursor> cursors =
                progress.cursors(
                        lanes.stream().map(lane -> destination + "/" + lane).toList(), segments);
        try {
            count(progress.uncounted());
        } catch (WalException e) {
            throw new UncheckedIOException(e);
        }
        return cursors;
    }

    /**
     * Gives up what waits for a destination that nobody sends to any more, durably: its cursors and
     * its part of the ledger are no more, and segments that only it needed are given back. Its
     * cursors must not be in use. A destination of that name that comes later is a new one.
     *
     * @throws IOException if that cannot be made durable; until the next write of the file
     *     succeeds, a restart finds them again
     */
    public void forget(String destination) throws IOException {
        positionFile.change(() -> progress.forget(destination));
        wakeKeeper();
    }

    @Override
    public void tellGivenUp(String destination) {
        progress.tellGivenUp(destination);
        wakeKeeper();
    }

    @Override
    public Subscription onCommit(Runnable wake) {
        commitListeners.add(wake);
        return () -> commitListeners.remove(wake);
    }

    /** The ledger as it is now: what was accepted, and what became of it, by cursor and signal. */
    List<Positions.LedgerRow> ledger() {
        return progress.rows();
    }

    /**
     * What became of the items of one signal at one cursor: accepted = delivered + dead-lettered +
     * dropped + pending.
     *
     * @param cursor {@code destination/lane}
     * @param signal a signal's label, or {@code unknown} for records that could not be read
     * @param droppedBy what {@code dropped} is made of, by reason
     */
    public record Balance(
            String cursor,
            String signal,
            long accepted,
            long delivered,
            long deadLettered,
            long dropped,
            long pending,
            long pendingBytes,
            Map<String, Long> droppedBy) {

        /** The destination in its cursor. */
        public String destination() {
            return cursor.substring(0, cursor.indexOf('/'));
        }

        /** The lane in its cursor. */
        public String lane() {
            return cursor.substring(cursor.indexOf('/') + 1);
        }
    }

    /** The ledger as it is now, without rows that are 0 for ever. Touches no file. */
    public List<Balance> balances() {
        return progress.rows().stream()
                .filter(row -> row.accepted() > 0 || canHaveItems(row))
                .map(row ->
                        new Balance(
                                row.cursor(),
                                row.signal(),
                                row.accepted(),
                                row.delivered(),
                                row.deadLettered(),
                                row.accepted()
                                        - row.delivered()
                                        - row.deadLettered()
                                        - row.pending(),
                                row.pending(),
                                row.pendingBytes().orElse(0),
                                row.dropped()))
                .toList();
    }

    private boolean canHaveItems(Positions.LedgerRow row) {
        int lane = lanes().indexOf(row.cursor().substring(row.cursor().indexOf('/') + 1));
        return Arrays.stream(Signal.values())
                .filter(signal -> signal.label().equals(row.signal()))
                .anyMatch(signal -> lane < 0 || lanes().carries(lane, signal));
    }

    /** A reader found a sealed segment that is not as it was written. */
    private synchronized void damaged(Segment segment) throws IOException {
        if (!segment.pin()) return; // another reader was first, or it is settled and on its way out
        try {
            repairPinned(segment);
        } finally {
            segment.unpin();
        }
    }

    /** Looks at every sealed segment as a reader does that finds one damaged. */
    void repairSealed(LongConsumer progress) throws IOException {
        List<Segment> sealed = segments.list();
        for (Segment segment : sealed.subList(0, Math.max(0, sealed.size() - 1))) {
            if (repair.isDamaged(segment, nextFirst(segment))) damaged(segment);
            progress.accept(segment.allocatedBytes());
        }
    }

    private long nextFirst(Segment segment) {
        return segments.after(segment)
                .map(next -> next.name().firstSeq())
                .orElse(segment.lastSeq() + 1);
    }

    private void repairPinned(Segment segment) throws IOException {
        segments.add(repair.repairSealed(segment, nextFirst(segment)));
        // Items of frames that nobody can read any more were accepted under their signal; the
        // headers that are left say
        // what is still pending.
        count(progress.names());
    }

    /**
     * The file of the cursors is up to a second old when a crash comes: counts what was committed
     * since.
     */
    private void countSinceCheckpoint(long lastSeq, boolean everything) throws WalException {
        Tally tally = progress.emptyTally();
        if (!progress.names().isEmpty())
            scan(progress.countedTo(), lastSeq, frame -> progress.add(tally, frame));
        progress.committed(lastSeq, tally);
        if (everything) count(progress.names());
        progress.lanesCounted();
    }

    /**
     * Counts what is pending at some cursors, in one pass over the headers of the log; in another
     * one if the pass finds damage, or something is dropped meanwhile.
     */
    private void count(List<String> names) throws WalException {
        if (names.isEmpty()) return;
        while (true) {
            List<Progress.Baseline> baselines =
                    positionFile.undisturbed(() -> progress.baselines(names));
            countPending(baselines);
            if (positionFile.undisturbed(() -> progress.counted(baselines))) return;
        }
    }

    private void countPending(List<Progress.Baseline> baselines) throws WalException {
        long from = Long.MAX_VALUE;
        for (Progress.Baseline baseline : baselines) from = Math.min(from, baseline.settled().to());
        scan(
                from,
                baselines.getFirst().upTo(),
                frame -> {
                    int lane = options.lanes().of(frame);
                    for (Progress.Baseline baseline : baselines) baseline.count(frame, lane);
                });
    }

    /** Gives the readable frames behind {@code from} up to {@code to} to {@code action}. */
    private void scan(long from, long to, Consumer<Frame> action) throws WalException {
        try (LogReader reader = reader(from)) {
            for (var next = reader.next();
                    !(next instanceof LogReader.Next.AtEnd);
                    next = reader.next()) {
                if (!(next instanceof LogReader.Next.Read(Frame frame))) continue;
                if (frame.seq() > to) break;
                action.accept(frame);
            }
        }
    }

    /**
     * Appends the events that tell upstream what was lost; each is in the file of the cursors
     * before that, with what it tells of, and stays there until it is durable.
     */
    private void offerNotices() {
        for (String notice : progress.durableNotices()) {
            if (!offeredNotices.add(notice)) continue;
            Offer offer =
                    offer(
                            new Append(ByteBuffer.wrap(notice.getBytes(StandardCharsets.UTF_8))) {
                                @Override
                                protected void durable(long seq) {
                                    progress.noticeWritten(notice);
                                }

                                @Override
                                protected void failed(WalException why) {
                                    // It stays in the file and is offered again when the log is
                                    // opened next.
                                }
                            });
            if (offer != Offer.QUEUED) offeredNotices.remove(notice);
        }
    }

    /** One turn of the keeper; a test without threads calls it. */
    void keeperTurn() {
        keeper.turn();
        if (progress.takeGranted()) commitListeners.forEach(Runnable::run);
        offerNotices();
        // Read after what it may wait for was set: it looks again after its flag.
        if (writerWaits && (prepared.ready() || prepared.full())) LockSupport.unpark(writerThread);
    }

    private void wakeKeeper() {
        LockSupport.unpark(keeperThread);
    }

    private void keep() {
        while (!keeperStops) {
            keeperTurn();
            if (isKeeperIdle()) {
                sleepUntilSomethingChanges();
                // One turn at once; if that cannot help, as on a full disk, the pause follows.
                if (keeperStops || progress.isWanted() || prepared.urgent()) continue;
            }
            if (!keeperStops) LockSupport.parkNanos(this, KEEPER_PAUSE.toNanos());
        }
    }

    private boolean isKeeperIdle() {
        return !keeperStops
                && !progress.isChanged()
                && !progress.isWanted()
                && !prepared.wanted()
                && !prepared.full();
    }

    private void sleepUntilSomethingChanges() {
        keeperSleeps = true;
        // Looked at again after the flag: a change before it has been seen, a later one sees it.
        if (isKeeperIdle()) LockSupport.parkNanos(this, KEEPER_SLEEP.toNanos());
        keeperSleeps = false;
    }

    /** Called by whoever changes something first, under the monitor of the progress. */
    private void wakeSleepingKeeper() {
        if (keeperSleeps) wakeKeeper();
    }

    // ---- state

    /**
     * The log at one moment. Reading it touches no file, so that it answers while the disk does
     * not.
     *
     * @param committedSeq newest committed frame
     * @param oldestSeq oldest frame that is still there
     * @param segments number of segment files
     * @param allocatedBytes what segments and prepared files take
     * @param ceilingBytes what they may take
     * @param queuedBytes bodies that wait for the disk
     * @param full whether offers are turned away for want of room
     * @param busy how long the disk has been at work on the present group; zero if it is not
     * @param failure why the log takes nothing any more
     */
    public record Status(
            long committedSeq,
            long oldestSeq,
            int segments,
            long allocatedBytes,
            long ceilingBytes,
            long queuedBytes,
            boolean full,
            Duration busy,
            Optional<WalException> failure) {}

    /**
     * Whether the writer thread is there. A disk that hangs does not end it; a mistake of ours
     * would.
     */
    public boolean isWriting() {
        Thread writing = writerThread;
        return writing != null && writing.isAlive();
    }

    public Status status() {
        return new Status(
                writer.committedSeq(),
                segments.oldest().map(segment -> segment.name().firstSeq()).orElse(1L),
                segments.count(),
                segments.allocatedBytes() + prepared.allocatedBytes(),
                options.ceilingBytes(),
                queue.bytes(),
                writer.refusing(),
                Duration.ofNanos(writer.busyNanos()),
                writer.failure());
    }

    // ---- end

    /**
     * Commits what was offered, cuts the active segment to its frames and makes the cursors
     * durable. Readers must be closed first. If the disk does not answer within a deadline, what it
     * was given is left to it.
     *
     * @throws IOException if the end could not be written; nothing that was acknowledged is lost by
     *     that
     */
    @Override
    public void close() throws IOException {
        accepting = false;
        writerStops = true;
        if (!join(writerThread))
            throw new IOException("the disk under " + directory.describe() + " does not answer");
        keeperStops = true;
        if (!join(keeperThread))
            throw new IOException("the disk under " + directory.describe() + " does not answer");
        finish();
    }

    /** The end of a log whose threads have stopped, or that has none. */
    void finish() throws IOException {
        accepting = false;
        writer.refuseFurther(new WalException(WalException.Code.CLOSED, "the log was closed"));
        try {
            writer.finish();
            keeper.checkpoint();
        } finally {
            writer.close();
            prepared.close();
        }
    }

    private static boolean join(@Nullable Thread thread) {
        if (thread == null) return true;
        LockSupport.unpark(thread);
        try {
            return thread.join(CLOSE_DEADLINE);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }
}
