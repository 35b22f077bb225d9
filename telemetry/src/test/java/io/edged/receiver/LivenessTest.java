package io.edged.receiver;

import static org.assertj.core.api.Assertions.assertThat;

import io.edged.otlp.Requests;
import io.edged.otlp.Signal;
import io.edged.wal.Append;
import io.edged.wal.Appender;
import io.edged.wal.MemoryLog;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;

/** What the checks of the receiver read, from a receiver that really stands still. */
@Timeout(60)
class LivenessTest {

    private static final byte[] LOGS = Requests.typicalLogs(3);
    private static final Duration STALL = Duration.ofMillis(300);

    private final MemoryLog log = new MemoryLog();

    private Receiver start(Appender appender) throws IOException {
        var listen = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
        return Receiver.start(
                new ReceiverOptions(
                        java.util.List.of(listen),
                        1,
                        ReceiverOptions.Limits.DEFAULTS,
                        ReceiverOptions.Timeouts.DEFAULTS,
                        ReceiverOptions.Security.NONE),
                appender,
                new SimpleMeterRegistry());
    }

    @Test
    void aLoopThatHangsIsTimedAndComesRoundAgain() throws Exception {
        var hangs = new CountDownLatch(1);
        var goesOn = new CountDownLatch(1);
        Appender hanging =
                new Appender() {
                    @Override
                    public Offer offer(Append append) {
                        hangs.countDown();
                        awaitQuietly(goesOn);
                        return log.offer(append);
                    }

                    @Override
                    public boolean asksForSeverity() {
                        return false;
                    }
                };
        try (var receiver = start(hanging);
                var client = new RawClient(receiver.address())) {
            assertThat(receiver.stalledFor()).isZero();
            Observed.eventually(() -> receiver.stalledFor().isZero());
            client.post(Signal.LOGS.path(), LOGS);
            hangs.await();
            Observed.eventually(() -> receiver.stalledFor().compareTo(STALL) > 0);
            goesOn.countDown();
            assertThat(client.read().status()).isEqualTo(200);
            Observed.eventually(() -> receiver.stalledFor().isZero());
        }
    }

    private static void awaitQuietly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Test
    void anAddressIsListenedOnUntilItIsNot() throws Exception {
        Receiver receiver = start(log);
        assertThat(receiver.isListening()).isTrue();
        InetSocketAddress address = receiver.address();
        receiver.close();
        assertThat(receiver.isListening()).isFalse();
        try (var again =
                Receiver.start(ReceiverOptions.at(address), log, new SimpleMeterRegistry())) {
            assertThat(again.isListening()).isTrue();
        }
    }
}
