package io.edged.cli;

import io.edged.config.EdgeConfig;
import io.edged.config.EdgeToml;
import io.edged.config.Problems;
import io.edged.daemon.ExitCode;
import io.edged.daemon.ExitException;
import io.edged.daemon.LifeCycle;
import io.edged.daemon.Logging;
import io.edged.demo.RunningDaemon;

import java.nio.file.Path;

/** The wiring: reads the configuration and opens the daemon's parts in order. */
final class Main implements Daemons {
    private final Logging logging;

    Main(Logging logging) {
        this.logging = logging;
    }

    @Override
    public String check(Path config) {
        EdgeConfig read = read(config);
        int destinations = read.drain().destinations().size();
        return "%s: node %s, %d destination%s, no problems"
                .formatted(config, read.node().id(), destinations, destinations == 1 ? "" : "s");
    }

    @Override
    public RunningDaemon start(Path config, LifeCycle lifeCycle) {
        EdgeConfig read = read(config);
        lifeCycle.deadline(read.shutdown().deadline());
        return Daemon.start(read, lifeCycle);
    }

    /** The daemon as a command of its own also takes over how the log is written. */
    @Override
    public RunningDaemon run(Path config, LifeCycle lifeCycle) {
        EdgeConfig read = read(config);
        logging.adjust(Options.logLevel(read), Options.logFormat(read));
        lifeCycle.deadline(read.shutdown().deadline());
        return Daemon.start(read, lifeCycle);
    }

    static EdgeConfig read(Path config) {
        return switch (EdgeToml.read(config)) {
            case EdgeToml.Valid(EdgeConfig read) -> read;
            case EdgeToml.Invalid(Problems problems) ->
                    throw new ExitException(ExitCode.CONFIGURATION, problems.toString());
        };
    }
}
