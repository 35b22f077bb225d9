package io.edged.demo;

import io.edged.daemon.ExitException;
import io.edged.daemon.LifeCycle;

import java.nio.file.Path;

/** Starts a daemon in this process. */
public interface DaemonLauncher {

    /**
     * Starts it and returns when it takes telemetry.
     *
     * @param config an {@code edge.toml}
     * @param lifeCycle whom to tell when it cannot go on
     * @throws ExitException it cannot start; nothing is left running
     */
    RunningDaemon start(Path config, LifeCycle lifeCycle);
}
