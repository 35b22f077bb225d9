/**
 * Directories and files as a log needs them, and names of sockets; nothing else of the file system.
 *
 * <table>
 * <caption>Types</caption>
 * <tr><td>{@link io.edged.disk.LogDirectory}</td><td>names: create, rename, delete, make them durable</td></tr>
 * <tr><td>{@link io.edged.disk.LogFile}</td><td>bytes: read, gather-write, force</td></tr>
 * <tr><td>{@link io.edged.disk.AtomicFile}</td><td>replaces a small file so that a reader sees the old or the new one</td></tr>
 * <tr><td>{@link io.edged.disk.FileSystemDirectory}</td><td>the real one, on NIO</td></tr>
 * <tr><td>{@link io.edged.disk.ReadOnlyDirectory}</td><td>the same for tools that must not change anything</td></tr>
 * <tr><td>{@link io.edged.disk.PlannedDirectory}</td><td>shows what would be changed</td></tr>
 * <tr><td>{@link io.edged.disk.SocketFile}</td><td>a Unix socket's name, which appears with its mode</td></tr>
 * <tr><td>{@link io.edged.disk.DirectoryLock}</td><td>one process per state directory</td></tr>
 * </table>
 *
 * <p>The tests have a hostile twin of the real directory that loses, tears and reorders whatever
 * was not forced.
 */
@NullMarked
package io.edged.disk;

import org.jspecify.annotations.NullMarked;
