package io.edged.daemon;

import static java.lang.System.Logger.Level.ERROR;
import static java.lang.System.Logger.Level.INFO;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * The wait for a stop, and the ordered end. A virtual machine that gets SIGTERM runs its shutdown
 * hooks and leaves with 143; here the hook asks the main thread to stop in order, waits for it and
 * leaves with the code that it reports, 0 after a clean stop. Further signals change nothing.
 *
 * <p>The main thread calls {@link #awaitStop}, closes what it opened and ends with {@link #exit}.
 */
public final class LifeCycle {
    private static final System.Logger LOG = System.getLogger(LifeCycle.class.getName());

    /** Why the process stops, and what it will say if nothing worse happens. */
    public record Stop(ExitCode code, String why) {}

    /** Set while the program starts; the threads that end it read it. */
    private volatile Duration deadline;

    private final Runnable flush;
    private final AtomicBoolean asked = new AtomicBoolean();
    private final CompletableFuture<Stop> stop = new CompletableFuture<>();
    private final CompletableFuture<ExitCode> ended = new CompletableFuture<>();
    private final CountDownLatch signalled = new CountDownLatch(1);

    private LifeCycle(Duration deadline, Runnable flush) {
        this.deadline = deadline;
        this.flush = flush;
    }

    /**
     * Takes over the end of this virtual machine.
     *
     * @param deadline for everything between the wish to stop and the end
     * @param flush writes what is still buffered for standard output and error; the last act
     */
    public static LifeCycle install(Duration deadline, Runnable flush) {
        var lifeCycle = new LifeCycle(deadline, flush);
        Runtime.getRuntime()
                .addShutdownHook(
                        Thread.ofPlatform().name("shutdown").unstarted(lifeCycle::shutDown));
        return lifeCycle;
    }

    /** A life cycle that no signal ends, for a daemon inside another program. */
    public static LifeCycle unattached(Duration deadline) {
        return new LifeCycle(deadline, () -> {});
    }

    /** Sets the time for an ordered stop, once the configuration is known. */
    public void deadline(Duration newDeadline) {
        deadline = newDeadline;
    }

    /** Asks for an ordered stop, from any thread; the first wish is the one that counts. */
    public void stop(ExitCode code, String why) {
        if (!asked.compareAndSet(false, true)) return;
        LOG.log(INFO, "stopping; reason={0}", why);
        stop.complete(new Stop(code, why));
        Thread.ofPlatform().name("stop-deadline").daemon(true).start(() -> endAfter(code));
    }

    /** A part that hangs while it is closed must not keep the process from leaving. */
    private void endAfter(ExitCode code) {
        try {
            var _ = ended.get(deadline.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            if (signalled.getCount() == 0) return; // The hook has the same deadline.
            overdue();
            halt(code == ExitCode.CLEAN ? ExitCode.INTERNAL : code);
        } catch (InterruptedException | java.util.concurrent.ExecutionException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Waits until the process is to stop. */
    public Stop awaitStop() throws InterruptedException {
        try {
            return stop.get();
        } catch (java.util.concurrent.ExecutionException e) {
            throw new IllegalStateException("a stop cannot fail", e);
        }
    }

    /** Whether the process is to stop. */
    public boolean isStopping() {
        return stop.isDone();
    }

    /** Waits a while for the wish to stop; true if it came. */
    public boolean awaitStop(Duration atMost) throws InterruptedException {
        try {
            var _ = stop.get(atMost.toNanos(), TimeUnit.NANOSECONDS);
            return true;
        } catch (TimeoutException e) {
            return false;
        } catch (java.util.concurrent.ExecutionException e) {
            throw new IllegalStateException("a stop cannot fail", e);
        }
    }

    /** Ends the process. Everything that was opened is closed. Does not return. */
    public void exit(ExitCode code) {
        ended.complete(code);
        // While the hook runs this waits for ever, and the hook ends the process.
        System.exit(code.code());
    }

    private void shutDown() {
        // By returning, the hook would leave the choice of the code to whoever came first, the main
        // thread or a signal; so it always ends the process itself.
        signalled.countDown();
        if (!ended.isDone()) stop(ExitCode.CLEAN, "signal");
        ExitCode code;
        try {
            code = ended.get(deadline.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            overdue();
            code = ExitCode.INTERNAL;
        } catch (InterruptedException | java.util.concurrent.ExecutionException e) {
            code = ExitCode.INTERNAL;
        }
        halt(code);
    }

    private void overdue() {
        LOG.log(
                ERROR,
                "the stop took too long, leaving as if the power had gone; deadline_seconds={0}",
                deadline.toSeconds());
    }

    private void halt(ExitCode code) {
        flush.run();
        Runtime.getRuntime().halt(code.code());
    }
}
