package io.edged.drain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.edged.otlp.Signal;

import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Upstreams behind haproxy, which answers the first three requests itself: by each protocol, with
 * each fault. Then all must have arrived once, and nothing be lost.
 */
class HaproxyTest {

    private static final int FAULTS = 3;

    @TempDir private Path directory;

    private final MemoryLog log = new MemoryLog();

    /**
     * One fault.
     *
     * @param rule of haproxy
     * @param reason that the drain counts
     * @param least virtual time that has to pass
     */
    record Fault(String rule, SendResult.Reason reason, Duration least) {}

    private static final List<Fault> FAULTS_OF_ALL_KINDS =
            List.of(
                    new Fault(
                            "return status 429 hdr Retry-After 3",
                            SendResult.Reason.THROTTLED,
                            Duration.ofSeconds(9)),
                    new Fault("return status 503", SendResult.Reason.UNAVAILABLE, Duration.ZERO),
                    new Fault(
                            "return status 503 hdr Retry-After 7",
                            SendResult.Reason.UNAVAILABLE,
                            Duration.ofSeconds(21)),
                    new Fault("return status 500", SendResult.Reason.FAULT, Duration.ZERO),
                    new Fault(
                            "redirect location http://127.0.0.1:1/",
                            SendResult.Reason.FAULT,
                            Duration.ZERO),
                    new Fault("silent-drop", SendResult.Reason.TIMEOUT, Duration.ZERO),
                    new Fault("reject", SendResult.Reason.CLOSED, Duration.ZERO));

    static List<Object[]> faults() {
        var rows = new ArrayList<Object[]>();
        for (Fault fault : FAULTS_OF_ALL_KINDS)
            for (var protocol : DestinationOptions.Protocol.values())
                rows.add(new Object[] {fault, protocol});
        return rows;
    }

    @ParameterizedTest(name = "{1} {0}")
    @MethodSource("faults")
    void allArrivesOnceAfterTheFault(Fault fault, DestinationOptions.Protocol protocol)
            throws Exception {
        assumeTrue(
                Path.of("/usr/sbin/haproxy").toFile().canExecute(),
                "SKIP: haproxy is not installed");
        log.batch(Signal.LOGS, 2, Otlp.logs("a", "b"));
        log.commit();
        boolean grpc = protocol == DestinationOptions.Protocol.GRPC;
        // Over HTTP/2 haproxy refuses with a reset that asks for fewer requests.
        var reason =
                grpc && fault.reason() == SendResult.Reason.CLOSED
                        ? SendResult.Reason.THROTTLED
                        : fault.reason();
        try (var http = new Upstream(request -> Upstream.ok());
                var stubs = new GrpcUpstream(request -> 0)) {
            int port = freePort();
            var process = haproxy(port, grpc ? stubs.uri().getPort() : http.port(), grpc, fault);
            try (var drain = new TurnedDestination(log, options(port, protocol))) {
                drain.turnUntil(() -> log.cursor("cloud", "all").settledTo() == 1);

                List<byte[]> data =
                        (grpc
                                        ? stubs.requests().stream().map(GrpcUpstream.Request::body)
                                        : http.requests().stream().map(Upstream.Request::body))
                                .filter(body -> body.length > 0)
                                .toList();
                assertThat(data).hasSize(1);
                assertThat(Otlp.texts(data.getFirst())).containsExactly("a", "b");
                assertThat(drain.metric("edged.drain.retried", "reason", reason.label()))
                        .isPositive();
                assertThat(drain.elapsed()).isGreaterThanOrEqualTo(fault.least());
                assertThat(drain.metric("edged.drain.dead.lettered")).isZero();
            } finally {
                process.destroy();
                process.waitFor();
            }
        }
    }

    private static DestinationOptions options(int port, DestinationOptions.Protocol protocol) {
        DestinationOptions usual = DestinationTest.options(URI.create("http://127.0.0.1"));
        return new DestinationOptions(
                usual.name(),
                new DestinationOptions.Target(
                        protocol,
                        URI.create("http://127.0.0.1:" + port),
                        Map.of(),
                        Duration.ofMillis(500),
                        Duration.ofSeconds(5),
                        Optional.empty(),
                        Optional.empty(),
                        Optional.empty()),
                usual.batching(),
                usual.inFlight(),
                usual.retry());
    }

    private Process haproxy(int port, int upstream, boolean grpc, Fault fault)
            throws IOException, InterruptedException {
        Path config =
                Files.writeString(
                        directory.resolve("haproxy.cfg"),
                        """
                        global
                          nbthread 1
                        defaults
                          mode http
                          timeout connect 5s
                          timeout client 30s
                          timeout server 30s
                        frontend in
                          bind 127.0.0.1:%d%s
                          http-request set-var(proc.n) var(proc.n),add(1) if { var(proc.n) -m found }
                          http-request set-var(proc.n) int(1) if !{ var(proc.n) -m found }
                          http-request %s if { var(proc.n) -m int le %d }
                          default_backend out
                        backend out
                          server one 127.0.0.1:%d%s
                        """
                                .formatted(
                                        port,
                                        grpc ? " proto h2" : "",
                                        fault.rule(),
                                        FAULTS,
                                        upstream,
                                        grpc ? " proto h2" : ""));
        Path output = directory.resolve("haproxy.log");
        var process =
                new ProcessBuilder("/usr/sbin/haproxy", "-db", "-f", config.toString())
                        .redirectErrorStream(true)
                        .redirectOutput(output.toFile())
                        .start();
        for (int i = 0; i < 200; i++) {
            try (var socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
                if (socket.isConnected()) return process;
            } catch (IOException e) {
                if (!process.isAlive()) throw new IOException(Files.readString(output), e);
                Thread.sleep(50);
            }
        }
        throw new IOException("haproxy does not listen: " + Files.readString(output));
    }

    private static int freePort() throws IOException {
        try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }
}
