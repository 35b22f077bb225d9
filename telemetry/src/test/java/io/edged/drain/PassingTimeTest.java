package io.edged.drain;

import static org.assertj.core.api.Assertions.assertThat;

import io.edged.otlp.ContentEncoding;
import io.edged.otlp.Signal;
import io.edged.wal.Lanes;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.time.Duration;

/** What becomes due while the drain looks at something else is sent all the same. */
class PassingTimeTest {

    private static final int FAILURES = 300;

    private final MemoryLog log = new MemoryLog(Lanes.DEFAULT);

    private static DestinationOptions options(Upstream upstream) {
        DestinationOptions usual =
                DestinationTest.options(upstream.uri(), ContentEncoding.IDENTITY, 1, 8192, 4);
        return new DestinationOptions(
                usual.name(),
                usual.route(),
                usual.batching(),
                usual.inFlight(),
                new DestinationOptions.Retry(Duration.ofMillis(10), Duration.ofMillis(50), 10));
    }

    @ParameterizedTest
    @ValueSource(longs = {1_000, 300_000, 2_000_000})
    void aRetryThatBecomesDueDuringATurnIsNotForgotten(long nanosALook) throws Exception {
        for (int i = 0; i < 20; i++) log.batch(Signal.LOGS, 1, Otlp.logs("x" + i));
        log.commit();
        try (var upstream =
                        new Upstream(request ->
                                request.number() <= FAILURES
                                        ? Upstream.status(503)
                                        : Upstream.ok());
                var drain = new TurnedDestination(log, options(upstream))) {
            drain.nanosALook = nanosALook;
            drain.turnUntil(() -> drain.destination.status().settledTo() == 20);
            assertThat(upstream.requests()).hasSizeGreaterThanOrEqualTo(FAILURES + 20);
            assertThat(drain.elapsed()).isLessThan(Duration.ofHours(1));
        }
    }
}
