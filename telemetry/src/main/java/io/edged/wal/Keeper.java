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

    /** Every frame up to here is settled in every cursor, durably. */
    private long durablySettled;

    private long lastCheckpointNanos;

    Keeper(
            LogDirectory directory,
            WalOptions options,
            Segments segments,
            Prepared prepared,
            PositionFile positionFile,
            Progress progress,
            LogWriter writer,
            LongSupplier nanoTime) {
        this.directory = directory;
        this.options = options;
        this.segments = segments;
        this.prepared = prepared;
        this.positionFile = positionFile;
        this.progress = progress;
        this.writer = writer;
        this.nanoTime = nanoTime;
        this.lastCheckpointNanos = nanoTime.getAsLong();
    }

    /**
     * Does what is due. Failures other than a full disk are logged and tried again at the next
     * turn.
     */
    void turn() {
        try {
            while (prepared.wanted() && prepared.prepareOne()) {
                // Until nothing is wanted or there is no room.
            }
            if (nanoTime.getAsLong() - lastCheckpointNanos
                    >= options.checkpointInterval().toNanos()) checkpoint();
            if (release()) {
                while (prepared.wanted() && prepared.prepareOne()) {
                    // A deleted segment may have made room.
                }
            }
            if (!prepared.full()) writer.stopRefusing();
        } catch (IOException e) {
            LOG.log(
                    Level.WARNING,
                    "the log's files could not be kept, trying again; directory={0} error={1}",
                    directory.describe(),
                    String.valueOf(e.getMessage()));
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
    private boolean release() throws IOException {
        boolean any = false;
        List<Segment> all = segments.list();
        for (int i = 0; i < all.size() - 1; i++) {
            Segment segment = all.get(i);
            if (!segment.sealed()
                    || segment.committed().lastSeq() > durablySettled
                    || !segment.retire()) break;
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
        return any;
    }
}
