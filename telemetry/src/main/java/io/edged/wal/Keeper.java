package io.edged.wal;

import io.edged.disk.LogDirectory;

import java.io.IOException;
import java.lang.System.Logger.Level;
import java.util.List;
import java.util.Optional;
import java.util.function.LongSupplier;

/**
 * Keeps the log's house off the writer thread: prepares segments, makes the safe point and the
 * cursors durable, gives settled segments back. Owned by one thread, which repeats {@link #turn}; a
 * test calls it instead.
 */
final class Keeper {

    private static final System.Logger LOG = System.getLogger(Keeper.class.getName());

    private final LogDirectory directory;
    private final WalOptions options;
    private final Segments segments;
    private final Prepared prepared;
    private final PositionFile positionFile;
    private final Progress progress;
    private final LogWriter writer;
    private final LongSupplier nanoTime;

    /** Gives up the oldest records, if the operator prefers new ones. */
    private final Optional<Dropper> dropper;

    /** Every frame up to here is settled in every cursor, durably. */
    private long durablySettled;

    private long lastCheckpointNanos;
    private long spareWantedSinceNanos;

    Keeper(
            LogDirectory directory,
            WalOptions options,
            LogOpener.Opened opened,
            Prepared prepared,
            LogWriter writer,
            Optional<Dropper> dropper,
            LongSupplier nanoTime) {
        this.directory = directory;
        this.options = options;
        this.segments = opened.segments();
        this.prepared = prepared;
        this.positionFile = opened.positionFile();
        this.progress = opened.progress();
        this.writer = writer;
        this.nanoTime = nanoTime;
        this.dropper = dropper;
        this.lastCheckpointNanos = nanoTime.getAsLong();
        this.spareWantedSinceNanos = lastCheckpointNanos;
    }

    /**
     * Does what is due. Failures other than a full disk are logged and tried again at the next
     * turn.
     */
    void turn() {
        try {
            if (checkpointIsDue()) checkpoint();
            release();
            if (prepared.urgent()) prepared.prepareOne();
            prepareSpare();
            if (prepared.full() && dropper.isPresent() && dropper.get().dropOldest())
                prepared.prepareOne();
            if (!prepared.full()) writer.stopRefusing();
        } catch (IOException e) {
            // A full disk must be emptied without help: the spare file makes room for the small
            // ones.
            if (DiskFull.is(e) && prepared.dropSpare()) return;
            LOG.log(
                    Level.WARNING,
                    "the log's files could not be kept, trying again; directory={0} error={1}",
                    directory.describe(),
                    String.valueOf(e.getMessage()));
        }
    }

    /**
     * Once an interval; and sooner if a segment is wanted and the cursors have passed one: using it
     * again is cheaper than filling a new one, for the processor and for the flash. Each checkpoint
     * that comes sooner gives back a segment, so there are no more of them than segments. At once
     * if a cursor waits for it before it lets anything further be sent.
     */
    private boolean checkpointIsDue() {
        if (progress.isWanted()) return true;
        long since = nanoTime.getAsLong() - lastCheckpointNanos;
        long interval = options.checkpointInterval().toNanos();
        if (since >= interval) return true;
        if (!prepared.urgent() && (since < interval / 10 || !prepared.wanted())) return false;
        Optional<Segment> oldest = segments.oldest();
        return oldest.isPresent()
                && oldest.get().sealed()
                && oldest.get().lastSeq() <= progress.settledByAll();
    }

    /**
     * Prepares the file behind the next one, but not at once: while the drain keeps up, a settled
     * segment comes free within two checkpoints, and using it again spares the flash a segment of
     * zeros.
     */
    private void prepareSpare() throws IOException {
        long now = nanoTime.getAsLong();
        if (!prepared.wanted()) {
            spareWantedSinceNanos = now;
        } else if (prepared.urgent()
                || now - spareWantedSinceNanos >= 2 * options.checkpointInterval().toNanos()) {
            prepared.prepareOne();
        }
    }

    /** Makes the safe point and the cursors durable as they are now. */
    void checkpoint() throws IOException {
        lastCheckpointNanos = nanoTime.getAsLong();
        Positions positions = positionFile.saveWithSafePoint(writer::committedSeq);
        durablySettled =
                progress.isCounting()
                        ? 0
                        : positions.cursors().stream()
                                .mapToLong(Positions.CursorPosition::seq)
                                .min()
                                .orElse(0);
    }

    /**
     * Recycles or deletes the segments that every durable cursor has passed, oldest first, never
     * the last one.
     */
    private void release() throws IOException {
        boolean any = false;
        List<Segment> all = segments.list();
        for (int i = 0; i < all.size() - 1; i++) {
            Segment segment = all.get(i);
            if (!segment.sealed()
                    || segment.lastSeq() > durablySettled
                    || !progress.retire(segment)) break;
            if (prepared.recycles(segment)) {
                prepared.recycle(segment);
            } else {
                directory.delete(segment.name().file());
                // Before the next one: a power cut must not keep an older segment and lose a newer
                // one.
                directory.force();
            }
            segments.remove(segment);
            any = true;
        }
        if (any) {
            Optional<Segment> oldest = segments.oldest();
            if (oldest.isPresent()) progress.forgetGapsBefore(oldest.get().name().firstSeq());
        }
    }
}
