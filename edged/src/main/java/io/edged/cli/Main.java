package io.edged.cli;

import io.edged.daemon.ExitCode;
import io.edged.daemon.ExitException;
import io.edged.daemon.LifeCycle;
import io.edged.daemon.Logging;
import io.edged.demo.RunningDaemon;

import java.nio.file.Path;

/** The wiring: reads the configuration, builds each part's options and opens the parts in order. */
final class Main implements Daemons {
    private final Logging logging;

    Main(Logging logging) {
        this.logging = logging;
    }

    @Override
    public String check(Path config) {
        throw new ExitException(ExitCode.INTERNAL, "this build reads no configuration: " + config);
    }

    @Override
    public RunningDaemon start(Path config, LifeCycle lifeCycle) {
        logging.flush();
        throw new ExitException(ExitCode.INTERNAL, "this build holds no daemon: " + config);
    }
}
