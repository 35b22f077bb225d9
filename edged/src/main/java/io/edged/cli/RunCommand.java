package io.edged.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

import java.nio.file.Path;
import java.util.concurrent.Callable;

/** The daemon itself: runs until it is told to stop or cannot go on. */
@Command(
        name = "run",
        description = "Runs the daemon until SIGTERM or SIGINT.",
        mixinStandardHelpOptions = true)
final class RunCommand implements Callable<Integer> {
    private final Program program;

    @Option(
            names = "--config",
            required = true,
            paramLabel = "FILE",
            description = "The configuration, for example /etc/edged/edge.toml.")
    private Path config = Path.of("edge.toml");

    @Option(
            names = "--locked",
            description = "Start only if there is a lock and everything is as it has it.")
    private boolean locked;

    RunCommand(Program program) {
        this.program = program;
    }

    RunCommand(Program program, Path config, boolean locked) {
        this.program = program;
        this.config = config;
        this.locked = locked;
    }

    @Override
    public Integer call() throws InterruptedException {
        var lifeCycle = program.lifeCycle().get();
        try (var _ = program.daemons().run(config, locked, lifeCycle)) {
            return lifeCycle.awaitStop().code().code();
        }
    }
}
