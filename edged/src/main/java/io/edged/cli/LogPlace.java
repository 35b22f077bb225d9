package io.edged.cli;

import io.edged.config.EdgeConfig;
import io.edged.daemon.ExitCode;
import io.edged.daemon.ExitException;
import io.edged.disk.LogDirectory;
import io.edged.disk.ReadOnlyDirectory;
import io.edged.wal.StoredLog;

import org.jspecify.annotations.Nullable;

import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import picocli.CommandLine.Spec.Target;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** The options that say which log is meant. */
final class LogPlace {
    private static final String LOG_DIRECTORY = Daemon.LOG_DIRECTORY;

    @Option(
            names = "--config",
            paramLabel = "FILE",
            description = "The configuration whose log is meant.")
    private @Nullable Path config;

    @Parameters(
            arity = "0..1",
            paramLabel = "DIR",
            description = "A state directory, or a log's own directory.")
    private @Nullable Path directory;

    @Spec(Target.MIXEE)
    private CommandSpec spec;

    LogPlace() {
        this.spec = CommandSpec.create();
    }

    /** The configuration, if that was named. */
    Optional<EdgeConfig> config() {
        return Optional.ofNullable(config).map(Main::read);
    }

    /** The directory with the segments. It may not exist. */
    Path path() {
        if ((config == null) == (directory == null))
            throw new ParameterException(
                    spec.commandLine(),
                    "name the log by --config FILE or by a directory, one of them");
        if (config != null) return Main.read(config).storage().dir().resolve(LOG_DIRECTORY);
        Path named = directory == null ? Path.of("") : directory;
        Path nested = named.resolve(LOG_DIRECTORY);
        return Files.isDirectory(nested) ? nested : named;
    }

    /** The directory that holds the log, to be looked at only. */
    LogDirectory toRead() {
        Path path = path();
        try {
            return ReadOnlyDirectory.open(path);
        } catch (IOException e) {
            throw unreadable(path, e);
        }
    }

    /** What stands in a directory that must hold a log. */
    static StoredLog read(LogDirectory directory) {
        StoredLog log;
        try {
            log = StoredLog.read(directory);
        } catch (IOException e) {
            throw unreadable(Path.of(directory.describe()), e);
        }
        if (log.isEmpty())
            throw new ExitException(
                    ExitCode.STATE_DIRECTORY,
                    directory.describe()
                            + ": no log is here; name a state directory, the directory of a log, or"
                            + " --config");
        return log;
    }

    static ExitException unreadable(Path path, IOException e) {
        String why =
                e instanceof AccessDeniedException
                        ? "may not be read by this user; try as root or as the daemon's user"
                        : Files.exists(path)
                                ? "cannot be read: " + e.getMessage()
                                : "does not exist";
        return new ExitException(ExitCode.STATE_DIRECTORY, path + ": " + why, e);
    }
}
