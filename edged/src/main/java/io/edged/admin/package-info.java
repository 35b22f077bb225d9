/**
 * The daemon's window for operators and machines: {@code /metrics}, {@code /livez}, {@code
 * /readyz}, {@code /status} and a page for browsers over HTTP/1.1, apart from the telemetry ports.
 *
 * <p>Health is answered on the event loop from what the work has left in memory. Metrics and status
 * are rendered on a thread of their own, with a deadline, so that a supplier that hangs cannot take
 * the health answers with it.
 *
 * <table>
 *   <caption>Types</caption>
 *   <tr><td>{@link io.edged.admin.AdminServer}</td><td>the server</td></tr>
 *   <tr><td>{@link io.edged.admin.AdminOptions}</td><td>address and limits</td></tr>
 *   <tr><td>{@link io.edged.admin.Metrics}</td><td>the registry and what every program reports</td></tr>
 *   <tr><td>{@link io.edged.admin.LedgerMetrics}</td><td>the ledger as meters</td></tr>
 *   <tr><td>{@link io.edged.admin.HealthMetrics}</td><td>the checks as meters</td></tr>
 *   <tr><td>{@link io.edged.admin.Status}</td><td>the sections of /status</td></tr>
 *   <tr><td>{@link io.edged.admin.Flow}, {@link io.edged.admin.History}</td><td>the figures of the status page, now and for 15 minutes</td></tr>
 *   <tr><td>{@link io.edged.admin.ControlSocket}</td><td>the same at a Unix socket</td></tr>
 *   <tr><td>{@link io.edged.admin.Commands}</td><td>what an operator can ask for</td></tr>
 * </table>
 */
@NullMarked
package io.edged.admin;

import org.jspecify.annotations.NullMarked;
