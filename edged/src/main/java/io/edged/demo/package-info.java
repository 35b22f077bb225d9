/**
 * Shows the daemon at work: a producer that is an ordinary OpenTelemetry program, and a show that
 * runs producer, daemon and sink in one terminal.
 *
 * <table>
 *   <caption>Types</caption>
 *   <tr><td>{@link io.edged.demo.Producer}</td><td>logs, spans and metrics of its own process</td></tr>
 *   <tr><td>{@link io.edged.demo.Demo}</td><td>the producer alone</td></tr>
 *   <tr><td>{@link io.edged.demo.Show}</td><td>all three in one terminal</td></tr>
 *   <tr><td>{@link io.edged.demo.DaemonLauncher}, {@link io.edged.demo.RunningDaemon}, {@link
 *       io.edged.demo.DaemonCounts}</td><td>the daemon as the show sees it</td></tr>
 * </table>
 */
@NullMarked
package io.edged.demo;

import org.jspecify.annotations.NullMarked;
