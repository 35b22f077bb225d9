/**
 * The write-ahead log: {@code docs/wal-format.md} has its bytes, {@code docs/crash-safety.md} what
 * survives.
 *
 * <table>
 *   <caption>Types</caption>
 *   <tr><td>{@link io.edged.wal.Wal}</td><td>what may be done to a log that this process has
 *       open</td></tr>
 *   <tr><td>{@link io.edged.wal.Appender}, {@link io.edged.wal.Append}</td><td>records in</td></tr>
 *   <tr><td>{@link io.edged.wal.DeliveryLog}, {@link io.edged.wal.LogReader}, {@link
 *       io.edged.wal.Cursor}, {@link io.edged.wal.Settlement}</td><td>records out, and what became
 *       of them</td></tr>
 *   <tr><td>{@link io.edged.wal.Lanes}, {@code LaneChange}</td><td>which cursor of a destination a
 *       record belongs to, and what becomes of cursors when that changes</td></tr>
 *   <tr><td>{@code LogWriter}, {@code Keeper}</td><td>the two threads: groups; checkpoints and
 *       segments</td></tr>
 *   <tr><td>{@code LogOpener}, {@code SegmentScan}, {@code Recovery}, {@code SegmentRepair}</td>
 *       <td>opening: find, judge, set aside</td></tr>
 *   <tr><td>{@link io.edged.wal.StoredLog}, {@link io.edged.wal.StoredLogReader}, {@link
 *       io.edged.wal.LogVerifier}</td><td>looking at a log that somebody else may be
 *       writing</td></tr>
 *   <tr><td>{@link io.edged.wal.QuickCheck}</td><td>what opening a log would come to</td></tr>
 *   <tr><td>{@link io.edged.wal.LogRepair}</td><td>opening without writing on</td></tr>
 * </table>
 */
@NullMarked
package io.edged.wal;

import org.jspecify.annotations.NullMarked;
