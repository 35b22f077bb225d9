package io.edged.cli;

import io.edged.daemon.ExitCode;
import io.edged.daemon.ExitException;
import io.edged.precheck.ConfiguredCertificates;
import io.edged.precheck.Precheck;

import org.jspecify.annotations.Nullable;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Optional;
import java.util.concurrent.Callable;

/** The gate before the daemon, for service managers. */
@Command(
        name = "precheck",
        description = {
            "Checks configuration, state directory, certificates, lock and operating system, in this"
                    + " order.",
            "Ends with 0, or with the code of the first check that failed. Run it as the daemon's"
                    + " user, before the daemon."
        },
        mixinStandardHelpOptions = true)
final class PrecheckCommand implements Callable<Integer> {
    private final Program program;

    @Option(
            names = "--config",
            required = true,
            paramLabel = "FILE",
            description = "The configuration, for example /etc/edged/edge.toml.")
    private Path config = Path.of("edge.toml");

    @Option(names = "--locked", description = "Also refuse a device without a lock.")
    private boolean locked;

    @Option(
            names = "--wait",
            description = {
                "Wait for what time may cure: a state directory that cannot be used yet, and"
                        + " certificates that are refused while the clock is behind the time of FILE."
            })
    private boolean wait;

    @Option(
            names = "--root",
            paramLabel = "DIR",
            description = "The product's directory, if it is not the one that this program is in.")
    private @Nullable Path root;

    @Option(
            names = "--system",
            paramLabel = "DIR",
            description = "Read the facts of the operating system below DIR (default: /).")
    private Path system = Path.of("/");

    PrecheckCommand(Program program) {
        this.program = program;
    }

    PrecheckCommand(Program program, Path config, boolean locked, boolean wait) {
        this.program = program;
        this.config = config;
        this.locked = locked;
        this.wait = wait;
    }

    @Override
    public Integer call() throws InterruptedException {
        LoadedConfiguration loaded = LoadedConfiguration.read(config);
        program.out()
                .println(
                        "ok    configuration: " + config + ", node " + loaded.config().node().id());
        if (wait)
            Patience.until(
                    () -> check(loaded),
                    this::passes,
                    line -> line.lines().forEach(each -> program.err().println("edged: " + each)),
                    Thread::sleep);
        else check(loaded);
        return ExitCode.CLEAN.code();
    }

    private void check(LoadedConfiguration loaded) {
        new Precheck(
                        loaded.config(),
                        loaded.lockCheck(Optional.ofNullable(root)),
                        locked,
                        ConfiguredCertificates.in(loaded.values(), config),
                        new Precheck.Surroundings(
                                system, InstantSource.system(), ProgressBar.on(program.err())),
                        program.out()::println)
                .run();
    }

    private boolean passes(ExitException failure) {
        return switch (failure.code()) {
            case STATE_DIRECTORY -> true;
            case CERTIFICATES -> clockIsUnset();
            default -> false;
        };
    }

    /** A device without a battery starts in 1970, long before anybody wrote its configuration. */
    private boolean clockIsUnset() {
        try {
            return Instant.now().isBefore(Files.getLastModifiedTime(config).toInstant());
        } catch (IOException e) {
            return false;
        }
    }
}
