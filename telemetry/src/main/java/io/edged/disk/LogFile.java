package io.edged.disk;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * An open file. Writes are visible to readers at once and durable only after {@link #force}: until
 * then a power cut may keep any part of them, in any order. One thread writes; any thread may read.
 */
public interface LogFile extends Closeable {

    /** What {@link #copy} moves at once. */
    int COPY_BYTES = 256 << 10;

    long size() throws IOException;

    /**
     * Reads up to {@code into.remaining()} bytes.
     *
     * @return how many; -1 at the end of the file
     */
    int read(ByteBuffer into, long position) throws IOException;

    /**
     * Writes all remaining bytes of {@code count} buffers, the first at {@code position} and each
     * behind the one before, with as few system calls as the operating system allows. Direct
     * buffers are not copied. The buffers are consumed.
     */
    void write(ByteBuffer[] buffers, int count, long position) throws IOException;

    /** Writes all remaining bytes of one buffer. */
    void write(ByteBuffer buffer, long position) throws IOException;

    /**
     * Writes bytes {@code start} to {@code end} of another file of the same directory at {@code
     * at}.
     *
     * @throws IOException also if the other file ends before {@code end}
     */
    default void copy(LogFile from, long start, long end, long at) throws IOException {
        ByteBuffer chunk = ByteBuffer.allocateDirect((int) Math.min(COPY_BYTES, end - start));
        for (long read = start; read < end; ) {
            chunk.clear().limit((int) Math.min(chunk.capacity(), end - read));
            while (chunk.hasRemaining()) {
                if (from.read(chunk, read + chunk.position()) <= 0)
                    throw new IOException(
                            "file ends at " + (read + chunk.position()) + ", expected " + end);
            }
            chunk.flip();
            int bytes = chunk.remaining();
            write(chunk, at + read - start);
            read += bytes;
        }
    }

    /** Writes zeros from {@code start} to {@code end}, piece by piece. */
    default void writeZeros(long start, long end) throws IOException {
        ByteBuffer zeros = ByteBuffer.allocateDirect((int) Math.min(COPY_BYTES, end - start));
        for (long at = start; at < end; ) {
            zeros.clear().limit((int) Math.min(zeros.capacity(), end - at));
            int piece = zeros.remaining();
            write(zeros, at);
            at += piece;
        }
    }

    /** Cuts the file to {@code size} bytes. */
    void truncate(long size) throws IOException;

    /**
     * Makes all bytes and the size durable. If it fails, nothing is known of what was written since
     * the last success, and calling it again proves nothing: the kernel has marked the pages clean.
     */
    void force() throws IOException;
}
