/**
 * OTLP in, and events over HTTP: takes requests over HTTP/1.1, HTTP/2 and gRPC, offers them to the
 * log, and answers when they are durable.
 *
 * <pre>
 *   socket ─► RequestDecoder ─► Connection ─► RequestHead   may it come in? (no body byte kept yet)
 *                                   │
 *                                   ├─► RequestBody         parts, checksum, skim, reservation
 *                                   ├─► Intake, HttpAppend ─► log   called back when durable
 *                                   └─► Answer, in the order of the requests
 * </pre>
 *
 * <p>On HTTP/2, which {@code ProtocolChooser} tells by the first bytes, {@code Http2Link} gives
 * each stream an {@code Exchange}, which uses the same body, intake and append.
 *
 * <table>
 *   <caption>Types</caption>
 *   <tr><td>{@link io.edged.receiver.Receiver}</td><td>start, address, close</td></tr>
 *   <tr><td>{@link io.edged.receiver.ReceiverOptions}</td><td>every limit and timeout</td></tr>
 *   <tr><td>{@link io.edged.receiver.TlsException}</td><td>TLS files that cannot be used</td></tr>
 *   <tr><td>{@code Admission}</td><td>what all connections share: memory, number of connections,
 *       whether work is still taken, when to come back</td></tr>
 *   <tr><td>{@code Peers}</td><td>how many connections each other machine has</td></tr>
 *   <tr><td>{@link io.edged.receiver.Pressure}, {@code RetryHints}</td><td>when refused clients
 *       should come back</td></tr>
 *   <tr><td>{@code Account}</td><td>what one connection holds of the memory</td></tr>
 *   <tr><td>{@code Pace}</td><td>whether a body keeps coming in</td></tr>
 *   <tr><td>{@code Intake}</td><td>what every transport does with a request: open a body, offer it,
 *       count and log what became of it</td></tr>
 *   <tr><td>{@code Announced}, {@code Topic}, {@code Client}</td><td>what is known before the body:
 *       what it brings, and who sends it</td></tr>
 *   <tr><td>{@code Connection}</td><td>one client: phases, deadlines, answers in order</td></tr>
 *   <tr><td>{@code ProtocolChooser}</td><td>HTTP/1.1 or HTTP/2</td></tr>
 *   <tr><td>{@code Http2Link}</td><td>one HTTP/2 connection: streams, deadlines, every limit</td></tr>
 *   <tr><td>{@code Exchange}</td><td>one stream: {@code GrpcExchange} is an export over gRPC, {@code
 *       HttpExchange} one over HTTP, {@code GrpcServiceExchange} a call of a small service</td></tr>
 *   <tr><td>{@code GrpcServices}, {@code GrpcMethod}</td><td>which method is at a path</td></tr>
 *   <tr><td>{@code GrpcAnswers}, {@code GrpcTimeout}</td><td>what gRPC says around messages</td></tr>
 *   <tr><td>{@code GrpcHealth}, {@code GrpcReflection}</td><td>the services beside OTLP</td></tr>
 *   <tr><td>{@code Door}</td><td>{@code Authenticator}: bearer tokens; {@code Cors}: web pages;
 *       {@code Forwarding}: headers that travel with the body</td></tr>
 *   <tr><td>{@code TlsFiles}, {@code PemKey}</td><td>TLS from files that may be replaced</td></tr>
 *   <tr><td>{@code RequestDecoder}</td><td>Netty's decoder, stricter</td></tr>
 *   <tr><td>{@code RequestHead}</td><td>what the header says, or why it is refused</td></tr>
 *   <tr><td>{@code RequestBody}</td><td>a body as it comes in</td></tr>
 *   <tr><td>{@code Converters}, {@code PartsInput}</td><td>what takes too long for an event loop:
 *       JSON and events of large bodies</td></tr>
 *   <tr><td>{@code HeldBody}</td><td>buffers and memory of a request while the log has it</td></tr>
 *   <tr><td>{@code RequestAppend}</td><td>a request on its way through the log, on any transport;
 *       {@code HttpAppend} is HTTP/1.1's</td></tr>
 *   <tr><td>{@code EventsInFlight}</td><td>the same for a request of events; {@code HttpEvents} is
 *       HTTP/1.1's</td></tr>
 *   <tr><td>{@code Answer}, {@code Answers}</td><td>what goes back, and its bytes</td></tr>
 *   <tr><td>{@code Refusal}</td><td>the closed set of reasons, with status and code</td></tr>
 *   <tr><td>{@code Workspace}</td><td>scratch memory of one event loop</td></tr>
 *   <tr><td>{@code ReceiverMetrics}</td><td>the meters</td></tr>
 * </table>
 *
 * <p>Threads: a connection lives on one event loop and all its state belongs to that thread. The
 * log's writer thread only hands a finished append back to its event loop.
 */
@NullMarked
package io.edged.receiver;

import org.jspecify.annotations.NullMarked;
