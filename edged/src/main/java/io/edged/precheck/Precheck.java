package io.edged.precheck;

import io.edged.config.EdgeConfig;
import io.edged.daemon.ExitException;
import io.edged.disk.DirectoryLock;
import io.edged.identity.HashProgress;
import io.edged.identity.LockCheck;
import io.edged.identity.LockState;

import java.io.IOException;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import java.util.function.Consumer;

/**
 * The gate before the daemon: state directory, certificates, lock, operating system, in this order.
 * (The configuration comes before all of them; whoever calls has read it.) The first check that
 * fails ends it. Nothing is repaired in silence: each thing that is written has its line.
 */
public final class Precheck {

    private final EdgeConfig config;
    private final LockCheck lock;
    private final boolean lockNeeded;
    private final List<CertificateFiles> certificates;
    private final Surroundings surroundings;
    private final Consumer<String> lines;

    /**
     * The machine.
     *
     * @param system {@code /}, or a directory that looks like it
     * @param clock for certificates and for the time at which an epoch begins
     * @param progress watches files being hashed
     */
    public record Surroundings(Path system, InstantSource clock, HashProgress progress) {}

    /**
     * The checks of one device.
     *
     * @param lockNeeded whether a device without a lock is refused
     * @param certificates every file of every TLS configuration
     * @param lines told what was found, a line each
     */
    public Precheck(
            EdgeConfig config,
            LockCheck lock,
            boolean lockNeeded,
            List<CertificateFiles> certificates,
            Surroundings surroundings,
            Consumer<String> lines) {
        this.config = config;
        this.lock = lock;
        this.lockNeeded = lockNeeded;
        this.certificates = List.copyOf(certificates);
        this.surroundings = surroundings;
        this.lines = lines;
    }

    /**
     * Looks at everything in order.
     *
     * @throws ExitException with the code and the words of the first check that failed
     */
    public void run() {
        var state = new StateDirectoryCheck(config, lines);
        try (DirectoryLock _ = state.take()) {
            state.run();
            new CertificateStage(config, certificates, surroundings.clock(), lines).run();
            checkLock();
            new SystemStage(config, surroundings, lines).run();
        } catch (IOException e) {
            throw StateDirectoryCheck.refused(config.storage().dir(), e);
        }
    }

    private void checkLock() {
        LockState found = lock.state(surroundings.progress());
        lock.require(found, lockNeeded);
        lines.accept(
                switch (found) {
                    case LockState.Matching matching ->
                            "ok    lock: everything is as "
                                    + matching.file()
                                    + " has it; fingerprint "
                                    + matching.fingerprint();
                    case LockState.Absent absent -> "ok    lock: none at " + absent.file();
                    case LockState.Different _, LockState.Unusable _, LockState.Untrusted _ ->
                            throw new IllegalStateException("passed in spite of " + found);
                });
    }
}
