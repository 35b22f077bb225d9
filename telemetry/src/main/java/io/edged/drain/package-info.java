/**
 * OTLP out: delivers the log to upstreams over OTLP/HTTP or OTLP/gRPC with protobuf bodies, or into
 * files of OTLP/JSON.
 *
 * <pre>
 *   LogReader ─► LaneScan ─► LaneProgress ─► Batcher ─► Destination ─► Sender ─► upstream
 *                headers      bounded index   bodies,      │  ▲           HTTP, gRPC, files
 *                             a lane          merge        ▼  └── SendResult ◄── Answers
 *                                                       Cursor
 * </pre>
 *
 * <p>{@link io.edged.drain.Destination#turn} is the loop; start reading there.
 *
 * <table>
 * <caption>Types</caption>
 * <tr><td>{@link io.edged.drain.Drain}</td><td>starts a thread for each destination, closes
 *     them</td></tr>
 * <tr><td>{@link io.edged.drain.DrainOptions}, {@link io.edged.drain.DestinationOptions}</td><td>what
 *     it takes; {@link io.edged.drain.DrainStatus} and DrainMetrics: what it tells</td></tr>
 * <tr><td>{@link io.edged.drain.DestinationThread}, {@link io.edged.drain.Destination}</td><td>the
 *     repetition and the turn</td></tr>
 * <tr><td>{@link io.edged.drain.Lane}, {@link io.edged.drain.LanePolicy}, LaneProgress</td><td>classes
 *     of data, each with a cursor {@code destination/lane}</td></tr>
 * <tr><td>LaneScan, Shares</td><td>one pass over the headers for all lanes; which lane is
 *     next</td></tr>
 * <tr><td>Bodies, BodyMemory</td><td>bytes of frames, read when they can be sent</td></tr>
 * <tr><td>{@link io.edged.drain.Batcher}, {@link io.edged.drain.Batch}, SmallBodies</td><td>what travels
 *     together; {@link io.edged.drain.EdgeBatch} tells the receiver</td></tr>
 * <tr><td>{@link io.edged.drain.EventRecords}</td><td>JSON events as log
 *     records</td></tr>
 * <tr><td>{@link io.edged.drain.SendResult}, Answers, RetryAfterHeader</td><td>what
 *     an answer means</td></tr>
 * <tr><td>{@link io.edged.drain.Piece}, SplitFrames, {@link io.edged.drain.RefusedPieces}</td>
 *     <td>what a refusal makes of a frame</td></tr>
 * <tr><td>{@link io.edged.drain.DeadLetters}, {@link io.edged.drain.LetterOrigin}, {@link
 *     io.edged.drain.DeadLetterOptions}</td><td>refused items in a log of their own</td></tr>
 * <tr><td>{@link io.edged.drain.RetryPolicy}, {@link io.edged.drain.Circuit}</td>
 *     <td>when to try again; pure, the clock is an argument</td></tr>
 * <tr><td>Sender, Shipment</td><td>one destination, whatever it speaks: OtlpHttpSender,
 *     OtlpGrpcSender, FileSender with LineFiles</td></tr>
 * <tr><td>{@link io.edged.drain.NettyHttpSenderProvider}, NettyHttpSender</td><td>HTTP/1.1 behind the
 *     OpenTelemetry sender interface: Upload and HttpAnswer add headers to it; ConnectionPool and
 *     Connection carry it out</td></tr>
 * <tr><td>{@link io.edged.drain.NettyGrpcSenderProvider}, NettyGrpcSender</td><td>the same for gRPC:
 *     GrpcReply is its answer; Http2Connections and Http2Client carry it out</td></tr>
 * <tr><td>Exchanges, Exchange</td><td>requests under way, of either: deadlines, attempts,
 *     end</td></tr>
 * <tr><td>Connector, Addresses, TlsClient, ProxyTunnel</td><td>how a connection comes about, with
 *     {@link io.edged.drain.TlsFiles}, {@link io.edged.drain.CredentialFile} and {@link
 *     io.edged.drain.ProxyServer}</td></tr>
 * </table>
 *
 * <p>Threads: each destination has one, which owns everything from the reader to the circuit; the
 * event loop owns the connections. Answers cross over in a queue. Memory between the log and the
 * answer is bounded by {@code readAheadBytes} and one batch for each lane, plus what gzip makes of
 * it, and lies outside of the heap (BodyMemory); the headers that wait by 1,024 for each lane.
 */
@NullMarked
package io.edged.drain;

import org.jspecify.annotations.NullMarked;
