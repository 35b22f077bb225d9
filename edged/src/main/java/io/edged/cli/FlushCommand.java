package io.edged.cli;

import io.edged.config.EdgeConfig;
import io.edged.daemon.ExitCode;
import io.edged.daemon.ExitException;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.Callable;

/** Drains now rather than after the present backoff, and waits until nothing is left. */
@Command(
        name = "flush",
        description = {
            "Has the running daemon deliver at once what it holds, and waits until it is delivered.",
            "Exit code 75 says that something is left when the time is over."
        },
        mixinStandardHelpOptions = true)
final class FlushCommand implements Callable<Integer> {

    private static final Duration PAUSE = Duration.ofMillis(250);

    private final Program program;

    @Option(
            names = "--config",
            required = true,
            paramLabel = "FILE",
            description = "The daemon's configuration.")
    private Path config = Path.of("edge.toml");

    @Option(
            names = "--timeout",
            paramLabel = "TIME",
            description = "How long to wait, for example 30s (default: 1m).")
    private Duration timeout = Duration.ofMinutes(1);

    @Option(names = "--json", description = "What is left, as one JSON object.")
    private boolean json;

    FlushCommand(Program program) {
        this.program = program;
    }

    @Override
    public Integer call() throws InterruptedException {
        EdgeConfig read = Main.read(config);
        long deadline = System.nanoTime() + timeout.toNanos();
        String left = ask(read, "flush");
        while (!left.equals("0") && System.nanoTime() - deadline < 0) {
            Thread.sleep(PAUSE);
            left = ask(read, "pending");
        }
        String items = left;
        if (json)
            JsonOutput.print(
                    program.out(),
                    object -> object.writeNumberField("pending", Long.parseLong(items)));
        else program.out().println(items + " items are not delivered");
        return (left.equals("0") ? ExitCode.CLEAN : ExitCode.NOT_YET).code();
    }

    private static String ask(EdgeConfig config, String command) {
        return ControlClient.ask(config, command, Map.of())
                .orElseThrow(() ->
                        new ExitException(ExitCode.USAGE, "no daemon runs with this configuration"))
                .strip();
    }
}
