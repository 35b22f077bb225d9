package io.edged.demo;

import java.util.concurrent.locks.LockSupport;

/** Repeats one turn at an even pace on a thread of its own, until closed. */
final class Pace implements AutoCloseable {
    private final Runnable turn;
    private final long intervalNanos;
    private final Thread thread;

    /** Written by {@link #close}, read by the thread. */
    private volatile boolean closed;

    Pace(String name, int perSecond, Runnable turn) {
        if (perSecond < 1)
            throw new IllegalArgumentException("perSecond must be positive, was " + perSecond);
        this.turn = turn;
        this.intervalNanos = 1_000_000_000L / perSecond;
        this.thread = Thread.ofPlatform().name(name).daemon(true).start(this::repeat);
    }

    private void repeat() {
        long next = System.nanoTime();
        while (!closed) {
            long wait = next - System.nanoTime();
            if (wait > 0) {
                LockSupport.parkNanos(wait);
                continue;
            }
            turn.run();
            // After a pause of the machine the pace goes on from now, without catching up.
            next = Math.max(next + intervalNanos, System.nanoTime() - intervalNanos);
        }
    }

    @Override
    public void close() {
        closed = true;
        LockSupport.unpark(thread);
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
