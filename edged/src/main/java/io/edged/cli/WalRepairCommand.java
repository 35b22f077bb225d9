package io.edged.cli;

import io.edged.daemon.ExitCode;
import io.edged.daemon.ExitException;
import io.edged.daemon.LogFormat;
import io.edged.disk.DirectoryLock;
import io.edged.disk.FileSystemDirectory;
import io.edged.disk.LogDirectory;
import io.edged.disk.PlannedDirectory;
import io.edged.wal.LogRepair;
import io.edged.wal.LogVerifier;
import io.edged.wal.StoredLog;
import io.edged.wal.WalEnvironment;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

import java.io.IOException;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.InstantSource;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;

/** Sets damage aside now, instead of when the daemon meets it. */
@Command(
        name = "repair",
        description = {
            "Does what the daemon does about damage with on_corruption = \"quarantine\", for every"
                    + " segment at once. The daemon must not run.",
            "Exit code 0: done, or nothing to do. 3: with --dry-run, there is damage."
        },
        mixinStandardHelpOptions = true)
final class WalRepairCommand implements Callable<Integer> {
    private final Program program;

    @Mixin private LogPlace place = new LogPlace();

    @Option(names = "--dry-run", description = "Say what would be changed, and change nothing.")
    private boolean dryRun;

    WalRepairCommand(Program program) {
        this.program = program;
    }

    @Override
    public Integer call() throws IOException {
        Path path = place.path();
        LogDirectory directory = place.toRead();
        LogPlace.read(directory); // before anything is locked or made
        try (var _ = lock(path)) {
            StoredLog log = LogPlace.read(directory);
            long bytes = log.files().stream().mapToLong(StoredLog.StoredFile::bytes).sum();
            LogVerifier.Verification found;
            try (var progress = ReadProgress.of(program, bytes)) {
                found = LogVerifier.verify(directory, progress);
            }
            new FindingText(program.out()).findings(found);
            List<PlannedDirectory.Change> changes = plan(directory, bytes);
            if (!dryRun && !changes.isEmpty()) repair(path, bytes);
            for (PlannedDirectory.Change change : changes)
                program.out().println((dryRun ? "would " : "did ") + text(change));
            if (changes.isEmpty()) program.out().println("nothing to do");
            return (dryRun && !found.isSound() ? ExitCode.CORRUPTION : ExitCode.CLEAN).code();
        }
    }

    /**
     * Repairs a directory that keeps the changes to itself, without the lines of the real thing.
     */
    private List<PlannedDirectory.Change> plan(LogDirectory directory, long bytes)
            throws IOException {
        program.logging().adjust(System.Logger.Level.OFF, LogFormat.LOGFMT);
        try (var planned = new PlannedDirectory(directory);
                var progress = ReadProgress.of(program, bytes)) {
            LogRepair.run(planned, environment(), progress);
            return planned.changes();
        } finally {
            program.logging().adjust(System.Logger.Level.INFO, LogFormat.LOGFMT);
        }
    }

    private void repair(Path path, long bytes) throws IOException {
        try (var progress = ReadProgress.of(program, bytes)) {
            LogRepair.run(FileSystemDirectory.open(path.toRealPath()), environment(), progress);
        } catch (IOException e) {
            throw new ExitException(
                    ExitCode.STORAGE_FAILED,
                    path
                            + ": could not be repaired: "
                            + e.getMessage()
                            + "; what was done is safe, and it can be run again",
                    e);
        }
    }

    private static String text(PlannedDirectory.Change change) {
        String what = change.action().name().toLowerCase(Locale.ROOT) + " " + change.name() + ", ";
        return switch (change.action()) {
            case CREATE -> what + change.bytesAfter() + " bytes";
            case DELETE -> what + change.bytesBefore() + " bytes";
            case REPLACE ->
                    what + change.bytesBefore() + " bytes by " + change.bytesAfter() + " bytes";
        };
    }

    /**
     * Takes the state directory that the log is in. A log that lies somewhere alone has no lock,
     * and no daemon that could hold it.
     */
    private static Holder lock(Path log) {
        Path state = log.toAbsolutePath().normalize().getParent();
        if (state == null || !DirectoryLock.existsIn(state)) return new Holder(Optional.empty());
        try {
            return new Holder(
                    Optional.of(
                            DirectoryLock.take(
                                    state,
                                    "process " + ProcessHandle.current().pid() + " (repair)")));
        } catch (DirectoryLock.HeldException e) {
            throw new ExitException(
                    ExitCode.STATE_DIRECTORY,
                    e.getMessage()
                            + "; stop it first, for a log is repaired while nobody writes it",
                    e);
        } catch (IOException e) {
            throw LogPlace.unreadable(state, e);
        }
    }

    private record Holder(Optional<DirectoryLock> lock) implements AutoCloseable {
        @Override
        public void close() throws IOException {
            if (lock.isPresent()) lock.get().close();
        }
    }

    private static WalEnvironment environment() {
        return new WalEnvironment(
                InstantSource.system(),
                System::nanoTime,
                new SecureRandom(),
                new SimpleMeterRegistry());
    }
}
