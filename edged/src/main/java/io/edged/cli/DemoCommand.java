package io.edged.cli;

import io.edged.daemon.ExitCode;
import io.edged.daemon.LogFormat;
import io.edged.demo.Demo;
import io.edged.demo.Show;

import org.jspecify.annotations.Nullable;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.time.Instant;
import java.util.concurrent.Callable;

/** A producer to try things out with, alone or with daemon and sink beside it. */
@Command(
        name = "demo",
        description = {
            "Emits logs, metrics and spans about its own process.",
            "With --all also starts a daemon and a sink, and shows all three at work."
        },
        mixinStandardHelpOptions = true)
final class DemoCommand implements Callable<Integer> {
    private final Program program;

    @Spec private CommandSpec spec = CommandSpec.create();

    @Option(
            names = "--endpoint",
            paramLabel = "URL",
            description = "The OTLP/HTTP receiver, for example http://127.0.0.1:4318.")
    private @Nullable URI endpoint;

    @Option(names = "--all", description = "Producer, daemon and sink in this terminal.")
    private boolean all;

    @Option(
            names = "--state",
            paramLabel = "DIR",
            description = "With --all: where configuration and log are kept.")
    private @Nullable Path state;

    @Option(
            names = "--per-second",
            paramLabel = "N",
            description = "Measurements a second, 1 to 10000 (default: ${DEFAULT-VALUE}).")
    private int perSecond = 10;

    DemoCommand(Program program) {
        this.program = program;
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        if (perSecond < 1 || perSecond > 10_000)
            throw usage("--per-second must be from 1 to 10000, was " + perSecond);
        // Unique on one machine: no two processes have the same number at the same time.
        String run = Instant.now() + "-" + ProcessHandle.current().pid();
        return (all ? show(run) : produce(run)).code();
    }

    private ExitCode show(String run) throws IOException, InterruptedException {
        if (endpoint != null) throw usage("--all starts its own daemon: leave out --endpoint");
        if (state == null) throw usage("--all needs --state DIR");
        program.logging().adjust(System.Logger.Level.WARNING, LogFormat.LOGFMT);
        return new Show(program.daemons(), program.lifeCycle().get(), program.out())
                .run(state, run, perSecond);
    }

    private ExitCode produce(String run) throws InterruptedException {
        if (endpoint == null) throw usage("name the receiver with --endpoint URL, or use --all");
        String scheme = endpoint.getScheme();
        if (endpoint.getHost() == null || !("http".equals(scheme) || "https".equals(scheme)))
            throw usage("--endpoint must be like http://127.0.0.1:4318, was " + endpoint);
        return Demo.run(endpoint, run, perSecond, program.lifeCycle().get(), program.out());
    }

    private ParameterException usage(String message) {
        CommandLine commandLine = spec.commandLine();
        return new ParameterException(commandLine, message);
    }
}
