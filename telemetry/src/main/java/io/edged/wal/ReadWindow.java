package io.edged.wal;

import io.edged.disk.LogFile;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.TreeSet;
import java.util.zip.CRC32C;

/**
 * A fixed piece of memory that slides over a file. Bytes that the disk cannot give back are
 * remembered by unit, so that one bad sector costs what lies in it and not the file.
 *
 * <p>One thread. A view is valid until the next call.
 */
final class ReadWindow {

    /** The smallest unit that disks lose; also the grain in which unreadable bytes are isolated. */
    static final int UNIT_BYTES = 512;

    private final LogFile file;
    private final ByteBuffer buffer;
    private final TreeSet<Long> unreadableUnits = new TreeSet<>();
    private long start;
    private int length;

    ReadWindow(LogFile file, int capacityBytes) {
        this.file = file;
        this.buffer = ByteBuffer.allocateDirect(capacityBytes);
    }

    int capacity() {
        return buffer.capacity();
    }

    /**
     * The bytes from {@code offset}, at least {@code bytes} of them and not beyond {@code limit}:
     * the buffer with its position at {@code offset} and its limit behind the last byte.
     *
     * @param wanted how much to read ahead when the file must be read anyway
     * @return null if the file ends before, or one of the {@code bytes} cannot be read
     */
    @Nullable ByteBuffer view(long offset, int bytes, int wanted, long limit) throws IOException {
        if (bytes > limit - offset) return null;
        if (offset < start || offset + bytes > start + length) {
            fill(
                    offset,
                    (int)
                            Math.min(
                                    Math.min(buffer.capacity(), limit - offset),
                                    Math.max(bytes, wanted)));
            if (length < bytes) return null;
        }
        if (!readable(offset, bytes)) return null;
        int position = (int) (offset - start);
        buffer.limit((int) Math.min(length, limit - start)).position(position);
        return buffer;
    }

    /** Forgets what was read, for a file whose bytes have changed. */
    void clear() {
        length = 0;
    }

    /** Whether every byte of the range, read before, came from the disk. */
    boolean readable(long offset, long bytes) {
        if (unreadableUnits.isEmpty()) return true;
        Long unit = unreadableUnits.floor((offset + bytes - 1) / UNIT_BYTES * UNIT_BYTES);
        return unit == null || unit + UNIT_BYTES <= offset;
    }

    boolean sawUnreadable() {
        return !unreadableUnits.isEmpty();
    }

    /** Adds a range of the file to a checksum; false if it ends early or cannot be read. */
    boolean update(CRC32C crc, long offset, long bytes, long limit) throws IOException {
        long at = offset;
        long end = offset + bytes;
        while (at < end) {
            int chunk = (int) Math.min(end - at, buffer.capacity());
            ByteBuffer view = view(at, Math.min(chunk, UNIT_BYTES), chunk, limit);
            if (view == null) return false;
            int got = (int) Math.min(view.remaining(), end - at);
            if (!readable(at, got)) return false;
            view.limit(view.position() + got);
            crc.update(view);
            at += got;
        }
        return true;
    }

    private void fill(long offset, int bytes) throws IOException {
        start = offset;
        length = 0;
        buffer.clear().limit(bytes);
        try {
            while (buffer.hasRemaining() && file.read(buffer, offset + buffer.position()) > 0) {
                // A short read continues where it ended.
            }
        } catch (IOException e) {
            fillByUnits(offset, bytes);
        }
        length = buffer.position();
    }

    /** Reads unit by unit; a unit that fails reads as zeros and is remembered. */
    private void fillByUnits(long offset, int bytes) throws IOException {
        long size = file.size();
        long end = Math.min(offset + bytes, size);
        buffer.clear();
        for (long at = offset; at < end; ) {
            long unit = at / UNIT_BYTES * UNIT_BYTES;
            int part = (int) (Math.min(unit + UNIT_BYTES, end) - at);
            int position = (int) (at - offset);
            buffer.limit(position + part).position(position);
            try {
                while (buffer.hasRemaining() && file.read(buffer, offset + buffer.position()) > 0) {
                    // A short read continues where it ended.
                }
            } catch (IOException e) {
                unreadableUnits.add(unit);
            }
            for (int i = buffer.position(); i < position + part; i++) buffer.put(i, (byte) 0);
            at += part;
        }
        buffer.position((int) Math.max(0, end - offset));
    }
}
