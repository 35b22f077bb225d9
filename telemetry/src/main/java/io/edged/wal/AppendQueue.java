package io.edged.wal;

import org.jspecify.annotations.Nullable;

import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Appends on their way to the writer thread: any thread pushes, the writer takes all. The appends
 * are the nodes, so that nothing is allocated; a byte count bounds them.
 */
@SuppressWarnings("ReferenceEquality") // appends are told apart by identity
final class AppendQueue {

    /** Stands in the queue once it is closed. */
    private static final Append CLOSED =
            new Append(ByteBuffer.wrap(new byte[] {'{', '}'})) {
                @Override
                protected void durable(long seq) {
                    throw new IllegalStateException("the mark of a closed queue was written");
                }

                @Override
                protected void failed(WalException why) {
                    throw new IllegalStateException("the mark of a closed queue was failed", why);
                }
            };

    private final AtomicReference<@Nullable Append> newest = new AtomicReference<>();
    private final AtomicLong bytes = new AtomicLong();
    private final long limitBytes;

    AppendQueue(long limitBytes) {
        this.limitBytes = limitBytes;
    }

    long bytes() {
        return bytes.get();
    }

    /**
     * Claims room for one append. A lone one always finds room, so that the limit can be smaller
     * than a large body.
     */
    boolean reserve(Append append) {
        int size = append.bodyBytes;
        long after = bytes.addAndGet(size);
        if (after > limitBytes && after != size) {
            bytes.addAndGet(-size);
            return false;
        }
        return true;
    }

    /** Gives back what {@link #reserve} claimed. */
    void release(long size) {
        bytes.addAndGet(-size);
    }

    /** Adds one; false if the queue is closed. */
    boolean push(Append append) {
        Append head;
        do {
            head = newest.get();
            if (head == CLOSED) return false;
            append.next = head;
        } while (!newest.compareAndSet(head, append));
        return true;
    }

    boolean isEmpty() {
        Append head = newest.get();
        return head == null || head == CLOSED;
    }

    /** Refuses every further push and gives out what is in it, oldest first. */
    @Nullable Append close() {
        return reversed(newest.getAndSet(CLOSED));
    }

    /** Takes everything, oldest first, linked by {@link Append#next}. Writer thread only. */
    @Nullable Append takeAll() {
        Append head;
        do {
            head = newest.get();
            if (head == null || head == CLOSED) return null;
        } while (!newest.compareAndSet(head, null));
        return reversed(head);
    }

    private static @Nullable Append reversed(@Nullable Append newest) {
        Append taken = newest == CLOSED ? null : newest;
        Append oldest = null;
        while (taken != null) {
            Append before = taken.next;
            taken.next = oldest;
            oldest = taken;
            taken = before;
        }
        return oldest;
    }
}
