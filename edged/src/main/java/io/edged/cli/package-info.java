/**
 * The command line, and the place where the modules meet.
 *
 * <table>
 *   <caption>Types</caption>
 *   <tr><td>{@link io.edged.cli.Edged}</td><td>the main class: arguments in, exit code out</td></tr>
 *   <tr><td>{@code EdgedCommand}</td><td>all commands, their help and what is wrong with arguments</td></tr>
 *   <tr><td>{@code PlainStart}</td><td>what units start, without the library for command lines</td></tr>
 *   <tr><td>{@code Program}</td><td>what the commands use of the outside world</td></tr>
 *   <tr><td>{@code Main}</td><td>the wiring: configuration to a running daemon</td></tr>
 *   <tr><td>{@code RunCommand}, {@code CheckCommand}, {@code SinkCommand}, {@code DemoCommand},
 *       {@code VersionCommand}, {@code LockCommand} and its own, {@code PrecheckCommand}</td><td>one
 *       command each</td></tr>
 *   <tr><td>{@code LoadedConfiguration}</td><td>a configuration, and what of it a lock has</td></tr>
 *   <tr><td>{@code WalCommand}, {@code WalListCommand}, {@code WalVerifyCommand}, {@code
 *       WalDumpCommand}, {@code WalExportCommand}, {@code WalRepairCommand}, {@code
 *       WalStatsCommand}</td><td>{@code edged wal} and its verbs</td></tr>
 *   <tr><td>{@code LogPlace}, {@code FrameChoice}</td><td>the options that they share: which log,
 *       which records</td></tr>
 *   <tr><td>{@code FrameBodies}, {@code FrameText}, {@code FindingText}, {@code JsonOutput}, {@code
 *       Sizes}, {@code ReadProgress}</td><td>how records, findings and progress are shown</td></tr>
 *   <tr><td>{@code ExportParts}, {@code ExportPart}</td><td>the files of an export</td></tr>
 * </table>
 */
@NullMarked
package io.edged.cli;

import org.jspecify.annotations.NullMarked;
