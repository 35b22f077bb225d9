package io.edged.cli;

import io.edged.daemon.ExitCode;
import io.edged.precheck.ConfiguredCertificates;
import io.edged.precheck.Precheck;

import org.jspecify.annotations.Nullable;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

import java.nio.file.Path;
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

    @Override
    public Integer call() {
        LoadedConfiguration loaded = LoadedConfiguration.read(config);
        program.out()
                .println(
                        "ok    configuration: " + config + ", node " + loaded.config().node().id());
        new Precheck(
                        loaded.config(),
                        loaded.lockCheck(Optional.ofNullable(root)),
                        locked,
                        ConfiguredCertificates.in(loaded.values(), config),
                        new Precheck.Surroundings(
                                system, InstantSource.system(), ProgressBar.on(program.err())),
                        program.out()::println)
                .run();
        return ExitCode.CLEAN.code();
    }
}
