/**
 * Events in: JSON objects that become entries of the log, by lines on a Unix socket (requests over
 * HTTP are package {@code receiver}'s). What an event may hold and how it travels upstream is told
 * in {@code docs/events.md}.
 *
 * <table>
 *   <caption>Types</caption>
 *   <tr><td>{@code Event}</td><td>checks the bytes of one event; pure</td></tr>
 *   <tr><td>{@link io.edged.events.EventSequence}</td>
 *       <td>several of them one behind the other, as a request over HTTP brings them; pure</td></tr>
 *   <tr><td>{@link io.edged.events.EventSocket}</td>
 *       <td>the socket: takes lines, answers each when its event is durable</td></tr>
 *   <tr><td>{@code EventConnection}</td><td>one client of it</td></tr>
 *   <tr><td>{@code EventAppend}</td><td>one event on its way through the log</td></tr>
 *   <tr><td>{@code EventMetrics}</td><td>the meters</td></tr>
 * </table>
 */
@NullMarked
package io.edged.events;

import org.jspecify.annotations.NullMarked;
