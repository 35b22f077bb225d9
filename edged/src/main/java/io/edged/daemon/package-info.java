/**
 * What every part of the program stands on: how it logs, how it says whether it is well, how it
 * stops and with which code it leaves. Knows nothing of the log.
 *
 * <table>
 *   <caption>Types</caption>
 *   <tr><td>{@link io.edged.daemon.Logging}</td><td>one line per log record on standard error</td></tr>
 *   <tr><td>{@link io.edged.daemon.LogFormat}</td><td>logfmt or JSON</td></tr>
 *   <tr><td>{@link io.edged.daemon.LineLimit}</td><td>how many lines one template may write</td></tr>
 *   <tr><td>{@link io.edged.daemon.RecentLines}</td><td>the last lines of the log, in memory</td></tr>
 *   <tr><td>{@link io.edged.daemon.Health}</td><td>named checks behind /livez and /readyz</td></tr>
 *   <tr><td>{@link io.edged.daemon.Activity}</td><td>whether a worker makes progress</td></tr>
 *   <tr><td>{@link io.edged.daemon.LifeCycle}</td><td>the wait for a stop, and the ordered end</td></tr>
 *   <tr><td>{@link io.edged.daemon.ServiceManager}</td><td>tells systemd how the daemon fares</td></tr>
 *   <tr><td>{@link io.edged.daemon.ExitException}</td><td>ends the program with one line</td></tr>
 *   <tr><td>{@link io.edged.daemon.ExitCode}</td><td>what the process says when it leaves</td></tr>
 *   <tr><td>{@link io.edged.daemon.Listener}</td><td>a port and its one thread</td></tr>
 *   <tr><td>{@link io.edged.daemon.Version}</td><td>which build this is</td></tr>
 * </table>
 */
@NullMarked
package io.edged.daemon;

import org.jspecify.annotations.NullMarked;
