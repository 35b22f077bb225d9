package io.edged.receiver;

import java.net.InetSocketAddress;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/** What all connections of a receiver share and must not exceed. Any thread. */
final class Admission {

    /** Connections above a limit that may hear why before they are closed. */
    private static final int REFUSED_CONNECTIONS = 64;

    /**
     * Heap that all bodies together may use while they come in: room for two of the largest
     * windows, and no more than a part of what the process has.
     */
    private static final long HEAP_BYTES =
            Math.max(24L << 20, Runtime.getRuntime().maxMemory() / 8);

    /** The part of the memory that connections have as their own, each the same share. */
    private static final int SHARES_OF_MEMORY = 8;

    /** No connection has more as its own: requests of ordinary size fit. */
    private static final long LARGEST_SHARE_BYTES = 64 << 10;

    /** Replaced as a whole. */
    private volatile Bounds bounds;

    /** Of what connections have in common, what is reserved. */
    private final AtomicLong common = new AtomicLong();

    /** What is reserved in all, shares included. */
    private final AtomicLong held = new AtomicLong();

    private final AtomicLong heap = new AtomicLong();

    /** Connections that were let in. */
    private final AtomicInteger connections = new AtomicInteger();

    /** Connections that were not, and are still there. */
    private final AtomicInteger refused = new AtomicInteger();

    private final Peers peers;

    /** Written once, by the thread that closes the receiver. */
    private volatile boolean stopping;

    private final Quotas quotas;
    private final RetryHints hints;

    /**
     * What follows from the limits.
     *
     * @param shareBytes of one connection
     * @param commonBytes what the connections have in common: all but the shares
     */
    private record Bounds(ReceiverOptions.Limits limits, long shareBytes, long commonBytes) {
        static Bounds of(ReceiverOptions.Limits limits) {
            long share =
                    Math.min(
                            LARGEST_SHARE_BYTES,
                            limits.memoryBytes() / SHARES_OF_MEMORY / limits.connections());
            return new Bounds(limits, share, limits.memoryBytes() - share * limits.connections());
        }
    }

    Admission(ReceiverOptions.Limits limits, RetryHints hints) {
        this.hints = hints;
        bounds = Bounds.of(limits);
        peers = new Peers(limits.connectionsPerPeer());
        quotas =
                new Quotas(
                        limits.clientItemsPerSecond(),
                        limits.clientBytesPerSecond(),
                        System::nanoTime);
    }

    /**
     * From now on these limits hold, for connections that are open and for new ones. What was let
     * in under others stays: a connection, what it holds, its share of the memory, and a request
     * that has begun. So for a while there may be more than the new limits allow, but never more
     * than the larger of both.
     */
    void change(ReceiverOptions.Limits limits) {
        bounds = Bounds.of(limits);
        peers.limit(limits.connectionsPerPeer());
        quotas.change(limits.clientItemsPerSecond(), limits.clientBytesPerSecond());
    }

    Quotas quotas() {
        return quotas;
    }

    ReceiverOptions.Limits limits() {
        return bounds.limits();
    }

    /** What a connection has for itself of the memory for bodies. */
    long shareBytes() {
        return bounds.shareBytes();
    }

    /** Takes memory out of what all have in common; false if there is none left. */
    boolean reserve(long bytes) {
        long after = common.addAndGet(bytes);
        if (after <= bounds.commonBytes()) return true;
        common.addAndGet(-bytes);
        return false;
    }

    void release(long bytes) {
        common.addAndGet(-bytes);
    }

    /** Whether so much could be taken out of what all have in common. */
    boolean hasRoomFor(long bytes) {
        return bytes <= 0 || common.get() + bytes <= bounds.commonBytes();
    }

    /** Whether so much is in use that bodies that stand still must make room. */
    boolean scarce() {
        return common.get() > bounds.commonBytes() / 2;
    }

    /** Counts what a connection has reserved, or released if below zero. */
    void count(long bytes) {
        held.addAndGet(bytes);
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
        return held.get();
    }

    /** What becomes of a new connection; each is followed by {@link #disconnected}. */
    Entry connected(InetSocketAddress remote, InetSocketAddress local) {
        if (!peers.enter(remote, local)) return refused(Refusal.CLIENT_CONNECTIONS);
        if (connections.incrementAndGet() <= bounds.limits().connections()) return new Welcome();
        connections.decrementAndGet();
        peers.leave(remote, local);
        return refused(Refusal.CONNECTIONS);
    }

    private Entry refused(Refusal why) {
        return new Refused(why, refused.incrementAndGet() <= REFUSED_CONNECTIONS);
    }

    void disconnected(Entry entry, InetSocketAddress remote, InetSocketAddress local) {
        switch (entry) {
            case Welcome() -> {
                connections.decrementAndGet();
                peers.leave(remote, local);
            }
            case Refused(Refusal why, boolean answered) -> refused.decrementAndGet();
        }
    }

    /** Open connections, those being refused included. */
    int connections() {
        return connections.get() + refused.get();
    }

    Peers peers() {
        return peers;
    }

    /** From now on no new request is taken. */
    void stop() {
        stopping = true;
    }

    boolean stopping() {
        return stopping;
    }

    /** When refused clients should come back. */
    RetryHints hints() {
        return hints;
    }

    /** What becomes of a connection. */
    sealed interface Entry {}

    /** It may send requests. */
    record Welcome() implements Entry {}

    /**
     * It is not wanted.
     *
     * @param answered whether it hears why; if not, even that would be too much
     */
    record Refused(Refusal why, boolean answered) implements Entry {}
}
