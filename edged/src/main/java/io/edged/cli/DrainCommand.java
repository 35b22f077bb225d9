package io.edged.cli;

import io.edged.config.EdgeConfig;
import io.edged.daemon.ExitCode;
import io.edged.daemon.ExitException;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/** What a running daemon sends: held back while a link is expensive, or given up. */
@Command(
        name = "drain",
        description = "Holds back what the running daemon sends, lets it go again, or gives it up.",
        mixinStandardHelpOptions = true)
final class DrainCommand {

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

    DrainCommand(Program program) {
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

    @Command(
            name = "forget",
            description =
                    "Gives up what waits for a destination that is not in the configuration any more,"
                            + " so that its room is free.",
            mixinStandardHelpOptions = true)
    int forget(
            @Option(
                            names = "--force",
                            description = "Does it; without this it says what it would do.")
                    boolean force) {
        return ask("forget", force ? Map.of("force", "yes") : Map.of());
    }

    private int ask(String command) {
        return ask(command, Map.of());
    }

    private int ask(String command, Map<String, String> more) {
        EdgeConfig read = Main.read(config);
        var query = new HashMap<>(more);
        destination.ifPresent(name -> query.put("destination", name));
        String answer =
                ControlClient.ask(read, command, query)
                        .orElseThrow(() ->
                                new ExitException(
                                        ExitCode.USAGE, "no daemon runs with this configuration"));
        program.out().print(answer);
        return ExitCode.CLEAN.code();
    }
}
