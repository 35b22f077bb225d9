package io.edged.drain;

import static java.lang.System.Logger.Level.ERROR;
import static java.lang.System.Logger.Level.WARNING;

import io.edged.wal.DeliveryLog;
import io.edged.wal.WalException;

import java.lang.System.Logger;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.function.Function;

/** Repeats the turns of one destination, and sleeps in between. */
final class DestinationThread {

    private static final Logger LOG = System.getLogger(DestinationThread.class.getName());

    private final String name;
    private final Destination destination;
    private final DeliveryLog.Subscription commits;
    private final Consumer<Exception> onFailure;
    private final Thread thread;

    /** Set once by the thread that closes, before it wakes this one. */
    private volatile boolean closing;

    /** Set before {@link #closing}. */
    private long closeNanos;

    /**
     * @param destination made with what wakes this thread
     */
    DestinationThread(
            String name,
            DeliveryLog log,
            Consumer<Exception> onFailure,
            Function<Runnable, Destination> destination) {
        this.name = name;
        this.onFailure = onFailure;
        this.thread = Thread.ofPlatform().name("drain-" + name).unstarted(this::run);
        this.destination = destination.apply(() -> LockSupport.unpark(thread));
        this.commits = log.onCommit(this.destination::committed);
    }

    void start() {
        thread.start();
    }

    void pause(boolean pause) {
        destination.pause(pause);
        wake();
    }

    void hurry() {
        destination.hurry();
        wake();
    }

    void wake() {
        LockSupport.unpark(thread);
    }

    DrainStatus status() {
        return destination.status();
    }

    String name() {
        return name;
    }

    private void run() {
        try {
            while (!closing) {
                long wait = destination.turn();
                // A wake that came since the turn began makes this return at once.
                if (wait == Long.MAX_VALUE) LockSupport.park(this);
                else if (wait > 0) LockSupport.parkNanos(this, wait);
            }
            finish();
        } catch (WalException | RuntimeException e) {
            LOG.log(ERROR, "delivery ended, the data stays in the log; destination=" + name, e);
            destination.failed(e);
            onFailure.accept(e);
        } finally {
            release();
        }
    }

    private void finish() {
        long deadline = System.nanoTime() + closeNanos;
        boolean answered = destination.settleRest();
        for (long left = closeNanos; !answered && left > 0; left = deadline - System.nanoTime()) {
            LockSupport.parkNanos(this, left);
            answered = destination.settleRest();
        }
        if (!answered)
            LOG.log(
                    WARNING,
                    "stopped before every request was answered, these will be repeated;"
                            + " destination={0} requests={1}",
                    name,
                    destination.status().inFlight());
    }

    private void release() {
        commits.close();
        destination.close();
    }

    /** Asks the thread to take no new batch, wait for answers and end. Returns at once. */
    void stop(Duration timeout) {
        closeNanos = timeout.toNanos();
        closing = true;
        if (thread.getState() == Thread.State.NEW) release();
        else LockSupport.unpark(thread);
    }

    /** Waits for the end of the thread, however long that takes. */
    void join() throws InterruptedException {
        if (thread.getState() != Thread.State.NEW) thread.join();
    }

    /** Waits for the end of the thread; returns whether it came. */
    boolean join(Duration timeout) throws InterruptedException {
        return thread.getState() == Thread.State.NEW || thread.join(timeout);
    }
}
