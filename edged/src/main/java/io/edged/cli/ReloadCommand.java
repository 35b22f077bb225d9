package io.edged.cli;

import io.edged.config.EdgeConfig;
import io.edged.daemon.ExitCode;
import io.edged.daemon.ExitException;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.Callable;

/** Has the running daemon read its configuration again. */
@Command(
        name = "reload",
        description = {
            "Has the running daemon read its configuration again, as SIGHUP does.",
            "What can change while it runs does; the rest is named and waits for a restart (exit code 75).",
            "A configuration with problems changes nothing (exit code 1)."
        },
        mixinStandardHelpOptions = true)
final class ReloadCommand implements Callable<Integer> {

    private final Program program;

    @Option(
            names = "--config",
            defaultValue = "/etc/edged/edge.toml",
            paramLabel = "FILE",
            description = "The daemon's configuration (default: ${DEFAULT-VALUE}).")
    private Path config = Path.of("edge.toml");

    @Option(names = "--json", description = "What came of it, as one JSON object.")
    private boolean json;

    ReloadCommand(Program program) {
        this.program = program;
    }

    @Override
    public Integer call() throws IOException {
        EdgeConfig read = Main.read(config);
        String answer =
                ControlClient.ask(read, "reload", Map.of())
                        .orElseThrow(() ->
                                new ExitException(
                                        ExitCode.USAGE,
                                        "no daemon runs with this configuration; one whose"
                                                + " admin.listen and admin.socket changed needs a"
                                                + " restart"));
        if (json) program.out().print(answer);
        JsonTree outcome = JsonTree.read(answer);
        String problem = outcome.at("problem").text();
        if (!problem.isEmpty())
            throw new ExitException(ExitCode.CONFIGURATION, "not reloaded: " + problem);
        if (!json) {
            for (JsonTree key : outcome.at("applied").elements())
                program.out().println("in force: " + key.text());
            for (JsonTree key : outcome.at("refused").elements())
                program.out()
                        .println(
                                "not changed: "
                                        + key.at("key").text()
                                        + ": "
                                        + key.at("reason").text());
            program.out().println("reloaded");
        }
        return (outcome.at("refused").elements().isEmpty() ? ExitCode.CLEAN : ExitCode.NOT_YET)
                .code();
    }
}
