/**
 * The build's own programs for a release, and the checks over its files. They run on the machine
 * that builds and are part of no package.
 *
 * <table>
 *   <caption>Types</caption>
 *   <tr><td>{@link io.edged.dist.StoredJar}</td><td>jars without compression</td></tr>
 *   <tr><td>{@link io.edged.dist.ClassList}</td><td>what the start-up cache holds</td></tr>
 *   <tr><td>{@link io.edged.dist.CacheClock}</td><td>takes the clock out of a start-up cache</td></tr>
 *   <tr><td>{@link io.edged.dist.ElfFile}</td><td>what the head of a native file says</td></tr>
 *   <tr><td>{@link io.edged.dist.ImageCheck}</td><td>every native file fits the architecture, no jar holds native code</td></tr>
 *   <tr><td>{@link io.edged.dist.ReleaseLockWriter}</td><td>the release lock of three images</td></tr>
 *   <tr><td>{@link io.edged.dist.Sbom}</td><td>what an image consists of, as CycloneDX</td></tr>
 *   <tr><td>{@link io.edged.dist.OciIndex}</td><td>an image index for container engines</td></tr>
 * </table>
 */
@NullMarked
package io.edged.dist;

import org.jspecify.annotations.NullMarked;
