/**
 * A small receiver of OTLP over HTTP or gRPC for trying things out: it counts what arrives, shows
 * the last records, tells repeats from news and can be told to fail or to fall silent.
 *
 * <table>
 *   <caption>Types</caption>
 *   <tr><td>{@link io.edged.sink.SinkServer}</td><td>the server</td></tr>
 *   <tr><td>{@link io.edged.sink.SinkOptions}</td><td>address and behaviour</td></tr>
 *   <tr><td>{@link io.edged.sink.SinkStats}</td><td>what has arrived so far</td></tr>
 *   <tr><td>{@code SinkProtocol}, {@code GrpcFrame}</td><td>gRPC beside HTTP on one port</td></tr>
 *   <tr><td>{@code Tally}</td><td>the counting</td></tr>
 *   <tr><td>{@code OtlpWalk}</td><td>finds the items in a body without decoding it into objects</td></tr>
 *   <tr><td>{@code BatchRecord}</td><td>remembers what {@code edge-batch} named</td></tr>
 *   <tr><td>{@code Ranges}, {@code IdSet}</td><td>sets of numbers in bounded memory</td></tr>
 * </table>
 */
@NullMarked
package io.edged.sink;

import org.jspecify.annotations.NullMarked;
