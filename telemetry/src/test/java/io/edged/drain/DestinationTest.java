package io.edged.drain;

import static org.assertj.core.api.Assertions.assertThat;

import io.edged.otlp.ContentEncoding;
import io.edged.otlp.Signal;
import io.edged.wal.Settlement;

import org.junit.jupiter.api.Test;

import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** What one destination does with a log, over real connections. */
class DestinationTest {

    private final MemoryLog log = new MemoryLog();

    static DestinationOptions options(URI endpoint) {
        return options(endpoint, ContentEncoding.IDENTITY, 1 << 20, 8192, 4);
    }

    static DestinationOptions options(
            URI endpoint, ContentEncoding compression, int batchBytes, int batchItems, int inFlight) {
        return new DestinationOptions(
                "cloud",
                new DestinationOptions.Target(
                        endpoint,
                        Map.of("Authorization", "Bearer secret"),
                        Duration.ofSeconds(30),
                        Duration.ofSeconds(10),
                        Optional.empty()),
                new DestinationOptions.Batching(
                        compression,
                        Set.of(ContentEncoding.values()),
                        batchBytes,
                        batchItems,
                        (long) batchBytes * (inFlight + 2)),
                inFlight,
                new DestinationOptions.Retry(Duration.ofSeconds(1), Duration.ofMinutes(5), 1000));
    }

    private MemoryLog.MemoryCursor cursor() {
        return log.cursor("cloud", "all");
    }

    @Test
    void framesOfOneSignalTravelTogetherAndAreSettled() throws Exception {
        log.batch(Signal.LOGS, 2, Otlp.logs("a", "b"));
        log.batch(Signal.TRACES, 1, Otlp.spans("s"));
        log.batch(Signal.LOGS, 1, Otlp.logs("c"));
        log.commit();
        try (var upstream = new Upstream(request -> Upstream.ok());
                var drain = new TurnedDestination(log, options(upstream.uri()))) {
            drain.turnUntil(() -> cursor().settledTo() == 3);

            assertThat(upstream.requests())
                    .extracting(Upstream.Request::path)
                    .containsExactlyInAnyOrder("/v1/logs", "/v1/traces");
            var logs =
                    upstream.requests().stream()
                            .filter(request -> request.path().equals("/v1/logs"))
                            .findFirst()
                            .orElseThrow();
            assertThat(Otlp.texts(logs.body())).containsExactly("a", "b", "c");
            assertThat(logs.headers())
                    .containsEntry("edge-batch", "node-1/00112233aabbccdd/all/logs 1,3")
                    .containsEntry("content-type", "application/x-protobuf")
                    .containsEntry("authorization", "Bearer secret");
            assertThat(cursor().settlements())
                    .containsEntry(1L, Settlement.delivered(2))
                    .containsEntry(2L, Settlement.delivered(1));
            assertThat(drain.metric("edged.drain.delivered", "signal", "logs")).isEqualTo(3);
            assertThat(drain.destination.status().state())
                    .isEqualTo(DrainStatus.State.DELIVERING);
            assertThat(drain.destination.status().oldestUndelivered()).isEmpty();
        }
    }

    @Test
    void nothingIsSettledBeforeASuccessAndABusyUpstreamIsTriedAgain() throws Exception {
        log.batch(Signal.LOGS, 1, Otlp.logs("a"));
        log.commit();
        try (var upstream =
                        new Upstream(
                                request ->
                                        request.number() <= 5
                                                ? Upstream.status(503)
                                                : Upstream.ok());
                var drain = new TurnedDestination(log, options(upstream.uri()))) {
            drain.turnUntil(() -> upstream.requests().size() == 4);
            assertThat(cursor().settlements()).isEmpty();
            drain.turnUntil(() -> cursor().settledTo() == 1);

            assertThat(upstream.requests()).hasSize(6);
            assertThat(upstream.requests())
                    .extracting(Upstream.Request::edgeBatch)
                    .containsOnly(
                            new EdgeBatch(
                                    "node-1",
                                    MemoryLog.LOG_ID,
                                    "all",
                                    Signal.LOGS,
                                    List.of(new EdgeBatch.Part.Frames(1, 1))));
            assertThat(drain.metric("edged.drain.retried", "reason", "unavailable")).isEqualTo(5);
        }
    }
}
