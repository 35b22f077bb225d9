/**
 * Proves which binaries and which configuration a device runs: canonical JSON, fingerprints, lock
 * documents. Pure functions over bytes and records; nothing here opens a file.
 *
 * <pre>
 *   files of a release ──► ReleaseLock ──┐
 *                                        ├──► DeviceLock ──► content ──► RFC 8785 ──► BLAKE3
 *   configuration in effect ─────────────┘                                  └──► Ed25519
 * </pre>
 *
 * <table>
 *   <caption>Types</caption>
 *   <tr><td>{@link io.edged.lock.CanonicalJson}</td><td>strict JSON in, RFC 8785 out</td></tr>
 *   <tr><td>{@link io.edged.lock.JsonValue}</td><td>the tree between them</td></tr>
 *   <tr><td>{@link io.edged.lock.JsonException}</td><td>not strict JSON: line, column, problem</td></tr>
 *   <tr><td>{@link io.edged.lock.Fingerprint}</td><td>{@code blake3:} and 64 digits</td></tr>
 *   <tr><td>{@link io.edged.lock.FingerprintHasher}</td><td>the same of content in pieces</td></tr>
 *   <tr><td>{@link io.edged.lock.LockDocument}</td><td>what both kinds of lock can do</td></tr>
 *   <tr><td>{@link io.edged.lock.ReleaseLock}</td><td>the files of a release, each an
 *       {@link io.edged.lock.Artefact}, for each {@link io.edged.lock.Architecture}</td></tr>
 *   <tr><td>{@link io.edged.lock.DeviceLock}</td><td>a release and a configuration</td></tr>
 *   <tr><td>{@link io.edged.lock.LockReader}</td><td>reads both, to a
 *       {@link io.edged.lock.LockReading}</td></tr>
 *   <tr><td>{@link io.edged.lock.LockComparison}</td><td>a lock against a machine (each
 *       {@link io.edged.lock.Difference}) or against another lock</td></tr>
 *   <tr><td>{@link io.edged.lock.LockSignature}</td><td>signs, reads
 *       ({@link io.edged.lock.SignatureReading}) and verifies
 *       ({@link io.edged.lock.SignatureCheck})</td></tr>
 *   <tr><td>{@link io.edged.lock.RuntimeManifest}</td><td>the operating systems that a device may
 *       run</td></tr>
 * </table>
 *
 * <p>{@code docs/lock.md} describes the documents member by member.
 */
@NullMarked
package io.edged.lock;

import org.jspecify.annotations.NullMarked;
