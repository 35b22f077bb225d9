/**
 * The OTLP wire format, as far as a daemon needs it that stores and forwards bodies without
 * decoding them. Nothing here knows of files, sockets or threads.
 *
 * <table>
 *   <caption>Types</caption>
 *   <tr><td>{@link io.edged.otlp.Signal}, {@link io.edged.otlp.ContentEncoding}</td>
 *       <td>name what a body is</td></tr>
 *   <tr><td>{@link io.edged.otlp.Skim}</td>
 *       <td>one pass over a request: well formed? how many items? mergeable?</td></tr>
 *   <tr><td>{@code Schema}</td><td>the fields of OTLP's messages: numbers, JSON names, what they
 *       hold</td></tr>
 *   <tr><td>{@link io.edged.otlp.OtlpJsonWriter}</td><td>shows a body as OTLP/JSON</td></tr>
 *   <tr><td>{@link io.edged.otlp.Malformed}</td><td>where and why a request is not one</td></tr>
 *   <tr><td>{@link io.edged.otlp.Gunzip}</td>
 *       <td>decompresses a body into a skim, within bounds</td></tr>
 *   <tr><td>{@link io.edged.otlp.ExportResponse}, {@link io.edged.otlp.RpcStatus}</td>
 *       <td>the answers</td></tr>
 *   <tr><td>{@link io.edged.otlp.ProtobufWriter}, {@code ProtobufReader}</td>
 *       <td>small messages out and in</td></tr>
 * </table>
 */
@NullMarked
package io.edged.otlp;

import org.jspecify.annotations.NullMarked;
