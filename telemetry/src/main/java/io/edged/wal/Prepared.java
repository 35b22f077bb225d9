package io.edged.wal;

import io.edged.disk.LogDirectory;
import io.edged.disk.LogFile;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Locale;
import java.util.Optional;

/**
 * Segment files made ready ahead of their use: their space is claimed and their blocks are written,
 * so that a commit changes file data only. Two are kept: the next one, and one that stays when the
 * disk is full, for recovery needs room to rebuild a segment.
 *
 * <p>The keeper thread adds, the writer thread takes.
 */
final class Prepared {

    static final String SUFFIX = ".prepared";

    /**
     * What a recycled file must not show: its old first frame. Frames behind it are stale by their
     * seed.
     */
    private static final int ZEROED_HEAD_BYTES = 4_096;

    private static final int TARGET = 2;

    /** Small, so that a fresh start needs no long fill before the first answer. */
    private static final long FIRST_SEGMENT_BYTES = 4 << 20;

    private final LogDirectory directory;
    private final WalOptions options;
    private final Segments segments;
    private final ArrayDeque<Ready> ready = new ArrayDeque<>();
    private long readyBytes;
    private long made;
    private boolean refused;
    private long neededBytes;

    /** A file that can become a segment by getting its name. */
    record Ready(String name, LogFile file, long bytes) {}

    Prepared(LogDirectory directory, WalOptions options, Segments segments) {
        this.directory = directory;
        this.options = options;
        this.segments = segments;
    }

    /**
     * Takes a file that holds {@code bytes}; empty if there is none yet or the rest is kept for
     * recovery, which {@link #full} tells apart.
     */
    synchronized Optional<Ready> take(long bytes) {
        neededBytes = Math.max(neededBytes, bytes);
        if (ready.isEmpty() || (refused && ready.size() < TARGET)) return Optional.empty();
        if (ready.getFirst().bytes() < bytes) return Optional.empty();
        Ready first = ready.removeFirst();
        readyBytes -= first.bytes();
        neededBytes = 0;
        return Optional.of(first);
    }

    /** Gives back a file that could not be used after all. */
    synchronized void giveBack(Ready file) {
        ready.addFirst(file);
        readyBytes += file.bytes();
    }

    /** Whether no segment can be given out because there is no room for one more. */
    synchronized boolean full() {
        return refused && ready.size() < TARGET;
    }

    synchronized long allocatedBytes() {
        return readyBytes;
    }

    /** Whether a file could be taken now. */
    synchronized boolean ready() {
        return !ready.isEmpty() && !full() && !tooSmall();
    }

    /** Whether the writer could not go on now if its segment were full. */
    synchronized boolean urgent() {
        return ready.isEmpty() || tooSmall();
    }

    synchronized boolean wanted() {
        return ready.size() < TARGET || tooSmall();
    }

    private synchronized boolean tooSmall() {
        return neededBytes > 0 && !ready.isEmpty() && ready.getFirst().bytes() < neededBytes;
    }

    /**
     * Makes one file ready, if one is wanted. Keeper thread only.
     *
     * @return whether a file was added
     * @throws IOException if the disk refuses for another reason than being full
     */
    boolean prepareOne() throws IOException {
        if (tooSmall()) dropFirst();
        boolean first;
        synchronized (this) {
            if (ready.size() >= TARGET) return false;
            first = made == 0 && neededBytes <= FIRST_SEGMENT_BYTES;
        }
        long bytes =
                first
                        ? Math.min(FIRST_SEGMENT_BYTES, options.segmentBytes())
                        : options.segmentBytes();
        boolean room =
                segments.allocatedBytes() + allocatedBytes() + bytes <= options.ceilingBytes()
                        && directory.usableBytes() >= options.reserveBytes() + bytes;
        if (!room) {
            refuse(true);
            return false;
        }
        String name = nextName();
        LogFile file;
        try {
            file = directory.createZeroed(name, bytes);
        } catch (IOException e) {
            if (!DiskFull.is(e)) throw e;
            refuse(true);
            return false;
        }
        add(new Ready(name, file, bytes));
        return true;
    }

    /** Whether a segment that is settled should be made ready again instead of being deleted. */
    synchronized boolean recycles(Segment segment) {
        return segment.allocatedBytes() == options.segmentBytes() && ready.size() < TARGET;
    }

    /**
     * Makes a settled segment ready again. Its old name is gone, durably, before its content
     * changes.
     */
    void recycle(Segment segment) throws IOException {
        String name = nextName();
        directory.rename(segment.name().file(), name);
        directory.force();
        LogFile file = directory.open(name);
        file.write(ByteBuffer.allocateDirect(ZEROED_HEAD_BYTES), 0);
        file.force();
        add(new Ready(name, file, segment.allocatedBytes()));
    }

    /** Closes and deletes what was not used; a clean stop leaves no prepared files. */
    void close() throws IOException {
        boolean any = false;
        while (true) {
            Ready next;
            synchronized (this) {
                next = ready.pollFirst();
                if (next == null) break;
                readyBytes -= next.bytes();
            }
            next.file().close();
            directory.delete(next.name());
            any = true;
        }
        if (any) directory.force();
    }

    /**
     * Deletes the last prepared file, so that the file of the cursors can be written on a full
     * disk; it is made again when there is room. False if there is none.
     */
    boolean dropSpare() {
        Ready spare;
        synchronized (this) {
            spare = ready.pollLast();
            if (spare == null) return false;
            readyBytes -= spare.bytes();
            refused = true;
        }
        try {
            spare.file().close();
            directory.delete(spare.name());
            directory.force();
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    private void dropFirst() throws IOException {
        Ready small;
        synchronized (this) {
            small = ready.removeFirst();
            readyBytes -= small.bytes();
        }
        small.file().close();
        directory.delete(small.name());
    }

    private synchronized void add(Ready file) {
        ready.addLast(file);
        readyBytes += file.bytes();
        refused = false;
    }

    private synchronized void refuse(boolean value) {
        refused = value;
    }

    private synchronized String nextName() {
        made++;
        return String.format(Locale.ROOT, "%06d%s", made, SUFFIX);
    }
}
