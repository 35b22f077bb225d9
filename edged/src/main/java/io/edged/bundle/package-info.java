/**
 * The support bundle: everything that somebody far away needs to see of a device, in one file,
 * without secrets. Each part is gathered by itself and may fail by itself; the manifest says how
 * each went.
 *
 * <table>
 *   <caption>Types</caption>
 *   <tr><td>{@link io.edged.bundle.SupportBundle}</td><td>gathers the parts and writes the file</td></tr>
 *   <tr><td>{@link io.edged.bundle.SystemReport}</td><td>facts of the system and files of the state directory</td></tr>
 * </table>
 */
@NullMarked
package io.edged.bundle;

import org.jspecify.annotations.NullMarked;
