package io.edged.receiver;

import static org.assertj.core.api.Assertions.assertThat;

import io.edged.otlp.Requests;
import io.edged.otlp.Signal;
import io.edged.receiver.ReceiverOptions.Limits;
import io.edged.receiver.ReceiverOptions.Timeouts;
import io.edged.wal.MemoryLog;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** Limits that change while clients are connected. */
@Timeout(60)
class ChangedLimitsTest {

    private static final String PATH = Signal.LOGS.path();
    private static final byte[] LOGS = Requests.typicalLogs(10);

    private final MemoryLog log = new MemoryLog();
    private final List<RawClient> clients = new ArrayList<>();
    private final Receiver receiver;

    ChangedLimitsTest() throws IOException {
        receiver =
                Receiver.start(
                        ReceiverOptions.at(
                                        new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                                .withLimits(limits(1 << 20, 8, 0, 0)),
                        log,
                        new SimpleMeterRegistry());
    }

    @AfterEach
    void close() throws IOException {
        for (RawClient client : clients) client.close();
        receiver.close();
        log.close();
        assertThat(receiver.admission().reservedBytes()).isZero();
    }

    private static Limits limits(int bodyBytes, int connections, int perPeer, long items) {
        return new Limits(
                bodyBytes, 1 << 20, 256, 8 << 20, connections, perPeer, 8, 4096, 8192, items, 0);
    }

    private void change(Limits limits) {
        receiver.change(limits, Timeouts.DEFAULTS);
    }

    private RawClient from(int host) throws IOException {
        var address = InetAddress.getByAddress(new byte[] {127, 0, 0, (byte) host});
        var client = new RawClient(address, receiver.address());
        clients.add(client);
        return client;
    }

    private static int status(RawClient client) throws IOException {
        return client.post(PATH, LOGS).read().status();
    }

    @Test
    void theBoundOfABodyHoldsForTheNextRequestOfAnOpenConnection() throws IOException {
        RawClient client = from(1);
        assertThat(status(client)).isEqualTo(200);
        change(limits(10, 8, 0, 0));
        change(limits(LOGS.length, 8, 0, 0));
        assertThat(status(client)).isEqualTo(200);
        change(limits(LOGS.length - 1, 8, 0, 0));
        assertThat(status(client)).isEqualTo(413);
    }

    @Test
    void aRequestThatHasBegunKeepsTheBoundsThatItBeganUnder() throws IOException {
        RawClient client = from(1);
        client.send(
                ("POST "
                                + PATH
                                + " HTTP/1.1\r\nHost: edge\r\nContent-Type: application/x-protobuf"
                                + "\r\nContent-Length: "
                                + LOGS.length
                                + "\r\n\r\n")
                        .getBytes(StandardCharsets.US_ASCII));
        client.send(java.util.Arrays.copyOf(LOGS, 10));
        Observed.eventually(() -> receiver.admission().reservedBytes() > 0);
        change(limits(5, 8, 0, 0));
        client.send(java.util.Arrays.copyOfRange(LOGS, 10, LOGS.length));
        assertThat(client.read().status()).isEqualTo(200);
        assertThat(status(client)).isEqualTo(413);
    }

    @Test
    void fewerConnectionsThrowNobodyOut() throws IOException {
        for (int i = 0; i < 4; i++) assertThat(status(from(1))).isEqualTo(200);
        change(limits(1 << 20, 2, 0, 0));
        for (RawClient client : clients) assertThat(status(client)).isEqualTo(200);
        assertThat(from(1).read().status()).isEqualTo(503);
        change(limits(1 << 20, 8, 0, 0));
        assertThat(status(from(1))).isEqualTo(200);
    }

    @Test
    void aBoundForEachMachineCountsWhatWasOpenBefore() throws IOException {
        for (int i = 0; i < 3; i++) assertThat(status(from(2))).isEqualTo(200);
        change(limits(1 << 20, 8, 3, 0));
        assertThat(from(2).read().status()).isEqualTo(503);
        assertThat(status(from(3))).isEqualTo(200);
        clients.getFirst().close();
        Observed.eventually(() -> receiver.admission().connections() <= 3);
        assertThat(status(from(2))).isEqualTo(200);
    }

    @Test
    void aQuotaHoldsForOpenConnections() throws IOException {
        RawClient client = from(1);
        for (int i = 0; i < 10; i++) assertThat(status(client)).isEqualTo(200);
        change(limits(1 << 20, 8, 0, 1));
        assertThat(status(client)).isEqualTo(200);
        assertThat(status(client)).isEqualTo(429);
        change(limits(1 << 20, 8, 0, 0));
        assertThat(status(client)).isEqualTo(200);
    }

    @Test
    void newConnectionsGetTheNewTimeouts() throws IOException {
        RawClient before = from(1);
        assertThat(status(before)).isEqualTo(200);
        receiver.change(
                limits(1 << 20, 8, 0, 0),
                new Timeouts(
                        Duration.ofSeconds(10),
                        Duration.ofSeconds(30),
                        Duration.ofMillis(200),
                        Duration.ofSeconds(5)));
        RawClient after = from(1);
        assertThat(status(after)).isEqualTo(200);
        assertThat(after.next()).isEmpty();
        assertThat(status(before)).isEqualTo(200);
    }
}
