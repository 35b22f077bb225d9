package io.edged.cli;

import io.edged.daemon.LifeCycle;
import io.edged.daemon.Logging;

import java.io.PrintStream;
import java.util.function.Supplier;

/**
 * What the commands use of the outside world.
 *
 * @param out for what was asked for
 * @param err for what went wrong
 * @param lifeCycle takes over the end of the process when first asked, so only commands that run
 *     until they are stopped ask
 */
record Program(
        PrintStream out,
        PrintStream err,
        Logging logging,
        Supplier<LifeCycle> lifeCycle,
        Daemons daemons) {}
