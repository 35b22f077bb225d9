package io.edged.wal;

import io.edged.disk.AtomicFile;
import io.edged.disk.LogDirectory;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/**
 * Makes {@link Progress} durable in {@code telemetry.pos}. The keeper writes it once a second, a
 * reader that meets damage at once; the monitor keeps an older state from replacing a newer one.
 */
final class PositionFile {

    private final LogDirectory directory;
    private final Progress progress;
    private final SafePoint safePoint;

    /** What the file says; null until somebody wants to know. */
    private @Nullable Positions inFile;

    PositionFile(LogDirectory directory, Progress progress, SafePoint safePoint) {
        this.directory = directory;
        this.progress = progress;
        this.safePoint = safePoint;
    }

    /** What {@link #change} does before it writes. */
    interface Change {
        void make() throws IOException;
    }

    /**
     * Makes a change of several steps and writes the state behind the last one; no write in between
     * sees half of it.
     */
    synchronized void change(Change change) throws IOException {
        change.make();
        save();
    }

    /** Does something while no change is half made. */
    synchronized <T> T undisturbed(Supplier<T> action) {
        return action.get();
    }

    /** Writes the state as it is now. */
    synchronized Positions save() throws IOException {
        Positions positions = progress.snapshot();
        try {
            replace(positions);
            return positions;
        } catch (IOException e) {
            progress.notSaved();
            throw e;
        }
    }

    private void replace(Positions positions) throws IOException {
        AtomicFile.replace(directory, Positions.FILE, positions.encode());
        inFile = positions;
        progress.saved(positions);
    }

    /**
     * Raises the safe point and writes the state if it has changed, in one pass. The state is read
     * first, so that its cursors never stand behind the safe point that is written with them. A log
     * that nothing happens to is not asked for its state: most devices are idle for most of the
     * time.
     *
     * @return what the file now says of the cursors that it holds
     */
    synchronized Positions saveWithSafePoint(LongSupplier committedSeq) throws IOException {
        boolean changed;
        Positions positions;
        // Both at once: what changed in between would be taken for saved.
        synchronized (progress) {
            changed = progress.isChanged();
            positions = changed || inFile == null ? progress.snapshot() : inFile;
        }
        try {
            safePoint.raise(committedSeq.getAsLong());
            if (changed) replace(positions);
            else inFile = positions;
            return positions;
        } catch (IOException e) {
            if (changed) progress.notSaved();
            throw e;
        }
    }
}
