/**
 * The gate before the daemon: is everything as it must be, and if not, what, where and what to do.
 *
 * <table>
 *   <caption>Types</caption>
 *   <tr><td>{@link io.edged.precheck.Precheck}</td><td>all checks in their order</td></tr>
 *   <tr><td>{@code StateDirectoryCheck}</td><td>ownership, file system, room, writes, the log</td></tr>
 *   <tr><td>{@link io.edged.precheck.CertificateFiles}</td><td>what belongs together in one TLS
 *       configuration</td></tr>
 *   <tr><td>{@link io.edged.precheck.ConfiguredCertificates}</td><td>finds them in a
 *       configuration</td></tr>
 *   <tr><td>{@code CertificateStage}, {@code CertificateCheck}</td><td>whether
 *       that can be used, and for how long</td></tr>
 *   <tr><td>{@code SystemStage}</td><td>the operating system and its epoch</td></tr>
 * </table>
 *
 * <p>{@code docs/precheck.md} has the order, the codes and the words.
 */
@NullMarked
package io.edged.precheck;

import org.jspecify.annotations.NullMarked;
