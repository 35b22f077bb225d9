package io.edged.cli;

import io.edged.config.EdgeConfig;
import io.edged.daemon.LifeCycle;
import io.edged.daemon.Logging;
import io.edged.daemon.ServiceManager;
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
        EdgeConfig read = LoadedConfiguration.read(config).config();
        Options.checkCredentials(read);
        int destinations = read.drain().destinations().size();
        return "%s: node %s, %d destination%s, no problems"
                .formatted(config, read.node().id(), destinations, destinations == 1 ? "" : "s");
    }

    @Override
    public RunningDaemon start(Path config, LifeCycle lifeCycle) {
        LoadedConfiguration read = LoadedConfiguration.read(config);
        lifeCycle.deadline(read.config().shutdown().deadline());
        return Daemon.start(read, false, lifeCycle, logging);
    }

    /** The daemon as a command of its own also takes over how the log is written. */
    @Override
    public RunningDaemon run(Path config, boolean locked, LifeCycle lifeCycle) {
        LoadedConfiguration read = LoadedConfiguration.read(config);
        logging.adjust(Options.logLevel(read.config()), Options.logFormat(read.config()));
        lifeCycle.deadline(read.config().shutdown().deadline());
        Daemon daemon = Daemon.start(read, locked, lifeCycle, logging);
        ServiceManager manager = daemon.tell(System.getenv());
        daemon.reloadFrom(config, read.config(), manager);
        manager.ready();
        return daemon;
    }

    /** The configuration; exits with every problem if there is one. */
    static EdgeConfig read(Path config) {
        return LoadedConfiguration.read(config).config();
    }
}
