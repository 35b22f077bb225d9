package io.edged.demo;

import static org.assertj.core.api.Assertions.assertThat;

import io.edged.otlp.Signal;
import io.edged.sink.SinkOptions;
import io.edged.sink.SinkServer;
import io.edged.sink.SinkStats;

import org.junit.jupiter.api.Test;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.time.Duration;
import java.util.Optional;

class ProducerTest {
    private static final InetSocketAddress ANY =
            new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);

    private static URI url(SinkServer sink) {
        return URI.create("http://127.0.0.1:" + sink.address().getPort() + "/");
    }

    @Test
    void everyMeasurementIsOneNumberedLogRecordAndSpan() throws Exception {
        try (var sink = SinkServer.start(SinkOptions.at(ANY))) {
            var producer = new Producer(url(sink), "run-1");
            for (int i = 0; i < 1200; i++) producer.round();
            producer.close();
            SinkStats stats = sink.stats();
            assertThat(stats.runs())
                    .containsExactlyInAnyOrder(
                            new SinkStats.Run("run-1", Signal.LOGS, 1200, 0, 1200, 0),
                            new SinkStats.Run("run-1", Signal.TRACES, 1200, 0, 1200, 0));
            assertThat(stats.items().get(Signal.METRICS)).isPositive();
            assertThat(producer.acknowledged()).isEqualTo(2400);
            assertThat(producer.givenUp()).isZero();
        }
    }

    @Test
    void aShortOutageOfTheReceiverLosesNothing() throws Exception {
        var failing =
                new SinkOptions(ANY, Duration.ofHours(1), Duration.ZERO, false, Optional.empty());
        try (var sink = SinkServer.start(failing)) {
            var producer = new Producer(url(sink), "run-2");
            producer.round();
            // Both signals have met the outage before it ends.
            while (sink.stats().refused() < 2) Thread.onSpinWait();
            sink.answerWithSuccess();
            producer.close();
            assertThat(sink.stats().distinctIds()).isEqualTo(2);
            assertThat(producer.givenUp()).isZero();
        }
    }
}
