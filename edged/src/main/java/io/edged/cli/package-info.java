/**
 * The command line, and the place where the modules meet.
 *
 * <table>
 *   <caption>Types</caption>
 *   <tr><td>{@link io.edged.cli.Edged}</td><td>the main class: arguments in, exit code out</td></tr>
 *   <tr><td>{@code Program}</td><td>what the commands use of the outside world</td></tr>
 *   <tr><td>{@code Main}</td><td>the wiring: configuration to a running daemon</td></tr>
 *   <tr><td>{@code RunCommand}, {@code CheckCommand}, {@code SinkCommand}, {@code DemoCommand},
 *       {@code VersionCommand}, {@code LockCommand} and its own, {@code PrecheckCommand}</td><td>one
 *       command each</td></tr>
 *   <tr><td>{@code LoadedConfiguration}</td><td>a configuration, and what of it a lock has</td></tr>
 * </table>
 */
@NullMarked
package io.edged.cli;

import org.jspecify.annotations.NullMarked;
