/**
 * Which device this is and what it runs: the installed files and the configuration against the
 * device's lock, the operating system against the one before.
 *
 * <pre>
 *   installed files ── ProductTree ──┐
 *   configuration ─ ConfigurationJson ┼── LockCheck ── LockState ──┐
 *   edge.lock.json ── LockFiles ─────┘                             ├── Identity: headers, metrics, status
 *   /etc/os-release, kernel ── SystemFacts ── Epochs ── Epoch ─────┘
 * </pre>
 *
 * <table>
 *   <caption>Types</caption>
 *   <tr><td>{@link io.edged.identity.Product}</td><td>where the product is, and its release lock</td></tr>
 *   <tr><td>{@link io.edged.identity.ProductTree}</td><td>its files and their fingerprints</td></tr>
 *   <tr><td>{@link io.edged.identity.ConfigurationJson}</td><td>the configuration as it stands in a lock</td></tr>
 *   <tr><td>{@link io.edged.identity.LockFiles}</td><td>locks as files</td></tr>
 *   <tr><td>{@link io.edged.identity.LockCheck}</td><td>compares a device with its lock, to a
 *       {@link io.edged.identity.LockState}</td></tr>
 *   <tr><td>{@link io.edged.identity.SignedDocument}, {@code SignatureFile},
 *       {@link io.edged.identity.Ed25519}</td><td>signatures and keys</td></tr>
 *   <tr><td>{@link io.edged.identity.HashProgress}</td><td>who watches files being hashed</td></tr>
 * </table>
 */
@NullMarked
package io.edged.identity;

import org.jspecify.annotations.NullMarked;
