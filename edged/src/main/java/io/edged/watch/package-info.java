/**
 * The checks of a running daemon: what each of them watches, how long it is patient, and what it
 * says. They read what the work itself leaves in memory and never wait for it.
 *
 * <table>
 *   <caption>Types</caption>
 *   <tr><td>{@link io.edged.watch.Checks}</td><td>all of them, by name, and the thread that asks</td></tr>
 *   <tr><td>{@link io.edged.watch.ClockCheck}</td><td>the wall clock beside the monotonic one</td></tr>
 *   <tr><td>{@link io.edged.watch.ProgressCheck}</td><td>whether a destination gets on</td></tr>
 *   <tr><td>{@link io.edged.watch.HoldCheck}</td><td>whether the state directory is still ours</td></tr>
 * </table>
 */
@NullMarked
package io.edged.watch;

import org.jspecify.annotations.NullMarked;
