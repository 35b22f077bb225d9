package io.edged.cli;

import io.edged.daemon.ExitCode;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

import java.nio.file.Path;
import java.util.concurrent.Callable;

/** Reads a configuration as {@code run} would, and starts nothing. */
@Command(
        name = "check",
        description = "Reads a configuration and names every problem, or says that there is none.",
        mixinStandardHelpOptions = true)
final class CheckCommand implements Callable<Integer> {
    private final Program program;

    @Parameters(paramLabel = "FILE", description = "The configuration.")
    private Path config = Path.of("edge.toml");

    @Option(names = "--json", description = "One JSON object.")
    private boolean json;

    CheckCommand(Program program) {
        this.program = program;
    }

    @Override
    public Integer call() {
        if (json)
            return Outcome.print(
                    program.out(),
                    () -> {
                        String summary = program.daemons().check(config);
                        return object -> object.writeStringField("summary", summary);
                    });
        program.out().println(program.daemons().check(config));
        return ExitCode.CLEAN.code();
    }
}
