/**
 * {@code edge.toml} to immutable records. Start with {@link io.edged.config.EdgeConfig}: it holds
 * every key with its type, default, range, unit and meaning.
 *
 * <p>An unknown key is a problem, never ignored; all problems are reported at once, each with its
 * line, its rule and what to do. Nothing that may be a secret is ever part of a problem.
 *
 * <pre>
 * edge.toml ── ConfigFile (UTF-8, TOML) ── Section (typed values) ── EdgeConfig ── Valid
 *                      └──────── Findings ────────┴──────────────────── Problems ── Invalid
 * </pre>
 *
 * <table>
 * <caption>Types</caption>
 * <tr><td>{@code EdgeConfig}</td><td>the records, and in them the keys</td></tr>
 * <tr><td>{@code EdgeToml}</td><td>reads a file: {@code Valid} or {@code Invalid}</td></tr>
 * <tr><td>{@code EffectiveValue}</td><td>every value in effect as a tree, without secrets</td></tr>
 * <tr><td>{@code Problem}, {@code Problems}</td><td>what the operator must correct</td></tr>
 * <tr><td>{@code Secret}, {@code HostPort}</td><td>values with a type of their own</td></tr>
 * <tr><td>{@code Key}, {@code Table}, {@code ValueType}</td><td>what a file may hold</td></tr>
 * <tr><td>{@code Section}, {@code Headers}, {@code SecretFile}</td><td>what a file does hold</td></tr>
 * <tr><td>{@code ConfigFile}, {@code BoundedFile}</td><td>from bytes to TOML</td></tr>
 * <tr><td>{@code Findings}</td><td>the problems so far</td></tr>
 * <tr><td>{@code Units}, {@code NearestKey}, {@code Rendering}</td><td>sizes and durations, guesses,
 * and how values are shown</td></tr>
 * </table>
 */
@NullMarked
package io.edged.config;

import org.jspecify.annotations.NullMarked;
