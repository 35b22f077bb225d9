package io.edged.receiver;

import static org.assertj.core.api.Assertions.assertThat;

import io.edged.otlp.Requests;
import io.edged.otlp.Signal;
import io.edged.wal.MemoryLog;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;

/** Machines that open more connections than one may: 127.0.0.2 and 127.0.0.3 are such. */
@Timeout(40)
class PeersTest {

    private static final int PER_PEER = 3;
    private static final int IN_ALL = 10;
    private static final String PATH = Signal.LOGS.path();
    private static final byte[] LOGS = Requests.typicalLogs(10);

    private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
    private final MemoryLog log = new MemoryLog();
    private final List<RawClient> clients = new ArrayList<>();
    private Receiver receiver = start(PER_PEER);

    @AfterEach
    void close() throws IOException {
        for (RawClient client : clients) client.close();
        receiver.close();
        log.close();
    }

    @Test
    void oneMachineCannotTakeTheConnectionsOfOthers() throws IOException {
        for (int i = 0; i < PER_PEER; i++) isServed(from(2));
        for (int i = 0; i < 2 * IN_ALL; i++) {
            var refused = from(2).read();
            assertThat(refused.status()).isEqualTo(503);
            assertThat(refused.header("retry-after")).isEqualTo("5");
        }
        assertThat(Observed.refused(registry, "client_connections")).isEqualTo(2 * IN_ALL);
        assertThat(Observed.refused(registry, "connections")).isZero();
        isServed(from(3)); // while those that were refused may still be there
    }

    @Test
    void aPlaceIsFreeAsSoonAsAConnectionHasEnded() throws IOException {
        for (int i = 0; i < PER_PEER; i++) isServed(from(2));
        assertThat(from(2).read().status()).isEqualTo(503);
        clients.getFirst().close();
        Observed.eventually(() -> receiver.admission().connections() == PER_PEER - 1);
        isServed(from(2));
        for (RawClient client : clients) client.close();
        Observed.eventually(() -> receiver.admission().connections() == 0);
        assertThat(receiver.admission().peers().size()).isZero();
    }

    @Test
    void programsOfThisMachineAreBoundByTheNumberInAllOnly() throws IOException {
        for (int i = 0; i < IN_ALL; i++) isServed(from(1));
        assertThat(from(1).read().status()).isEqualTo(503);
        assertThat(from(2).read().status()).isEqualTo(503);
        assertThat(Observed.refused(registry, "connections")).isEqualTo(2);
        assertThat(Observed.refused(registry, "client_connections")).isZero();
    }

    @Test
    void zeroIsNoBound() throws IOException {
        receiver.close();
        registry.clear();
        receiver = start(0);
        for (int i = 0; i < IN_ALL; i++) isServed(from(2));
        // They are counted all the same, for there may be a bound tomorrow.
        assertThat(receiver.admission().peers().size()).isEqualTo(1);
    }

    private static void isServed(RawClient client) throws IOException {
        assertThat(client.post(PATH, LOGS).read().status()).isEqualTo(200);
    }

    private RawClient from(int host) throws IOException {
        var address = InetAddress.getByAddress(new byte[] {127, 0, 0, (byte) host});
        var client = new RawClient(address, receiver.address());
        clients.add(client);
        return client;
    }

    private Receiver start(int perPeer) {
        var limits =
                new ReceiverOptions.Limits(
                        1 << 20, 1 << 20, 256, 8 << 20, IN_ALL, perPeer, 8, 4096, 8192, 0, 0);
        try {
            return Receiver.start(
                    ReceiverOptions.at(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                            .withLimits(limits),
                    log,
                    registry);
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }
}
