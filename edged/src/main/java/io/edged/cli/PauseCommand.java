package io.edged.cli;

import io.edged.config.EdgeConfig;
import io.edged.daemon.ExitCode;
import io.edged.daemon.ExitException;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;

import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/** Holds back what a running daemon sends, for example while a link is expensive. */
@Command(
        name = "drain",
        description = "Holds back what the running daemon sends, or lets it go again.",
        mixinStandardHelpOptions = true)
final class PauseCommand {

    private final Program program;

    @Option(
            names = "--config",
            required = true,
            scope = ScopeType.INHERIT,
            paramLabel = "FILE",
            description = "The daemon's configuration.")
    private Path config = Path.of("edge.toml");

    @Option(
            names = "--destination",
            scope = ScopeType.INHERIT,
            paramLabel = "NAME",
            description = "Only this one; all without it.")
    private Optional<String> destination = Optional.empty();

    PauseCommand(Program program) {
        this.program = program;
    }

    @Command(
            name = "pause",
            description =
                    "Sends nothing more until resumed or restarted; telemetry is still taken.",
            mixinStandardHelpOptions = true)
    int pause() {
        return ask("pause");
    }

    @Command(name = "resume", description = "Sends again.", mixinStandardHelpOptions = true)
    int resume() {
        return ask("resume");
    }

    private int ask(String command) {
        EdgeConfig read = Main.read(config);
        Map<String, String> query =
                destination.map(name -> Map.of("destination", name)).orElse(Map.of());
        String answer =
                ControlClient.ask(read, command, query)
                        .orElseThrow(() ->
                                new ExitException(
                                        ExitCode.USAGE, "no daemon runs with this configuration"));
        program.out().print(answer);
        return ExitCode.CLEAN.code();
    }
}
