package io.edged.cli;

import io.edged.daemon.ExitException;
import io.edged.daemon.LifeCycle;
import io.edged.demo.DaemonLauncher;
import io.edged.demo.RunningDaemon;

import java.nio.file.Path;

/** What the commands want of the wiring. */
interface Daemons extends DaemonLauncher {

    /**
     * Reads a configuration and what it names, and starts nothing.
     *
     * @return one line that says what the configuration describes
     * @throws ExitException it cannot be used; the message names every problem, one a line
     */
    String check(Path config);

    /**
     * As {@link #start}, for a process that is the daemon: also takes its logging from the
     * configuration.
     *
     * @param locked whether it may run only under a matching lock
     */
    RunningDaemon run(Path config, boolean locked, LifeCycle lifeCycle);
}
