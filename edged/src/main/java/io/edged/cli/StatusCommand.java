package io.edged.cli;

import io.edged.config.EdgeConfig;
import io.edged.daemon.ExitCode;
import io.edged.daemon.ExitException;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.Callable;

/** How the running daemon fares. */
@Command(
        name = "status",
        description = {
            "Shows how the running daemon fares: what comes in, lies on disk, goes out, and its checks.",
            "Exit code 75 says that a check fails."
        },
        mixinStandardHelpOptions = true)
final class StatusCommand implements Callable<Integer> {

    private static final Duration PAUSE = Duration.ofSeconds(2);
    private static final String CLEAR = "\033[H\033[2J";

    private final Program program;

    @Option(
            names = "--config",
            defaultValue = "/etc/edged/edge.toml",
            paramLabel = "FILE",
            description = "The daemon's configuration (default: ${DEFAULT-VALUE}).")
    private Path config = Path.of("edge.toml");

    @Option(names = "--json", description = "The whole status as one JSON object.")
    private boolean json;

    @Option(names = "--watch", description = "Again every two seconds, until interrupted.")
    private boolean watch;

    StatusCommand(Program program) {
        this.program = program;
    }

    @Override
    public Integer call() throws InterruptedException, IOException {
        EdgeConfig read = Main.read(config);
        while (true) {
            String answer = ask(read);
            JsonTree status = JsonTree.read(answer);
            if (watch && !json) program.out().print(CLEAR);
            program.out().print(json ? answer : StatusScreen.of(status));
            program.out().flush();
            if (!watch)
                return (status.at("health", "ready").flag() && status.at("health", "live").flag()
                                ? ExitCode.CLEAN
                                : ExitCode.NOT_YET)
                        .code();
            Thread.sleep(PAUSE);
        }
    }

    private String ask(EdgeConfig read) {
        ControlClient.Answer answer =
                ControlClient.get(read, "/status")
                        .orElseThrow(() ->
                                new ExitException(
                                        ExitCode.USAGE, "no daemon runs with this configuration"));
        if (answer.status() == 200) return answer.body();
        throw new ExitException(
                ExitCode.INTERNAL,
                "the daemon answers " + answer.status() + ": " + answer.body().strip());
    }
}
