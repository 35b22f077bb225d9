package io.edged.receiver;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/** What all connections of a receiver share and must not exceed. Any thread. */
final class Admission {

    /** Connections above the limit that may hear why before they are closed. */
    private static final int REFUSED_CONNECTIONS = 64;

    /**
     * Heap that all bodies together may use while they come in: room for two of the largest
     * windows, and no more than a part of what the process has.
     */
    private static final long HEAP_BYTES =
            Math.max(24L << 20, Runtime.getRuntime().maxMemory() / 8);

    private final ReceiverOptions.Limits limits;
    private final AtomicLong memory = new AtomicLong();
    private final AtomicLong heap = new AtomicLong();
    private final AtomicInteger connections = new AtomicInteger();

    /** Written once, by the thread that closes the receiver. */
    private volatile boolean stopping;

    private final Quotas quotas;

    Admission(ReceiverOptions.Limits limits) {
        this.limits = limits;
        quotas =
                new Quotas(
                        limits.clientItemsPerSecond(),
                        limits.clientBytesPerSecond(),
                        System::nanoTime);
    }

    Quotas quotas() {
        return quotas;
    }

    ReceiverOptions.Limits limits() {
        return limits;
    }

    /** Takes memory for a body, or a part of it; false if there is none left. */
    boolean reserve(long bytes) {
        long held = memory.addAndGet(bytes);
        if (held <= limits.memoryBytes()) return true;
        memory.addAndGet(-bytes);
        return false;
    }

    void release(long bytes) {
        memory.addAndGet(-bytes);
    }

    /** Takes heap for a body that comes in; false if too much of it is in use for that. */
    boolean reserveHeap(long bytes) {
        long held = heap.addAndGet(bytes);
        if (held <= HEAP_BYTES) return true;
        heap.addAndGet(-bytes);
        return false;
    }

    void releaseHeap(long bytes) {
        heap.addAndGet(-bytes);
    }

    /** Bytes reserved now. */
    long reservedBytes() {
        return memory.get();
    }

    /** What becomes of a new connection; each is followed by {@link #disconnected}. */
    Entry connected() {
        int open = connections.incrementAndGet();
        if (open <= limits.connections()) return Entry.WELCOME;
        return open <= limits.connections() + REFUSED_CONNECTIONS ? Entry.REFUSED : Entry.DROPPED;
    }

    void disconnected() {
        connections.decrementAndGet();
    }

    int connections() {
        return connections.get();
    }

    /** From now on no new request is taken. */
    void stop() {
        stopping = true;
    }

    boolean stopping() {
        return stopping;
    }

    /**
     * When a refused client should come back: the one place that decides it. A constant for each
     * reason, near what the cause needs to pass: a group commit, a delivery, a restart.
     */
    int retryAfterSeconds(Refusal refusal) {
        return refusal.retryAfterSeconds();
    }

    enum Entry {
        WELCOME,
        /** To be answered 503 and closed. */
        REFUSED,
        /** To be closed without a word: even refusing would be too much. */
        DROPPED
    }
}
