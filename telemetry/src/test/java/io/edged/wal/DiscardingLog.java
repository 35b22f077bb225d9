package io.edged.wal;

import org.jspecify.annotations.Nullable;

import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;

/**
 * A log that forgets: calls everything durable at once, from a writer thread, in groups of whatever
 * is waiting. For measuring what is in front of a log.
 */
public final class DiscardingLog implements Appender, AutoCloseable {

    private final AtomicReference<@Nullable Append> head = new AtomicReference<>();
    private final Thread writer = Thread.ofPlatform().name("discarding-log").start(this::write);
    private volatile boolean closed;

    @Override
    public Offer offer(Append append) {
        Append before;
        do {
            before = head.get();
            append.next = before;
        } while (!head.compareAndSet(before, append));
        if (before == null) LockSupport.unpark(writer);
        return Offer.QUEUED;
    }

    @Override
    public boolean asksForSeverity() {
        return false; // as with the default lanes
    }

    @Override
    public void close() {
        closed = true;
        LockSupport.unpark(writer);
    }

    private void write() {
        long seq = 0;
        while (!closed) {
            Append newest = head.getAndSet(null);
            if (newest == null) {
                LockSupport.park(this);
                continue;
            }
            Append oldest = null;
            while (newest != null) { // turn the chain around
                Append next = newest.next;
                newest.next = oldest;
                oldest = newest;
                newest = next;
            }
            while (oldest != null) {
                Append next = oldest.next;
                oldest.durable(++seq);
                oldest = next;
            }
        }
    }
}
