package io.edged.drain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.edged.otlp.Signal;
import io.edged.wal.WalException;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;

import org.junit.jupiter.api.Test;

import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** The threads around the turns. */
class DrainTest {

    private final MemoryLog log = new MemoryLog();
    private final BlockingQueue<Exception> failures = new ArrayBlockingQueue<>(10);
    private final BlockingQueue<String> arrived = new ArrayBlockingQueue<>(1000);

    private Drain start(Duration closeTimeout, DestinationOptions... destinations) {
        return Drain.start(
                new DrainOptions(
                        "node-1",
                        DrainOptions.DEFAULT_SERVICE_NAME,
                        Map.of(),
                        List.of(destinations),
                        closeTimeout),
                log,
                new Letters().open(new SimpleMeterRegistry()),
                new SimpleMeterRegistry(),
                Drain.Clocks.system(),
                failures::add);
    }

    private Upstream taking() throws Exception {
        return new Upstream(request -> {
            arrived.addAll(Otlp.texts(request.plainBody()));
            return Upstream.ok();
        });
    }

    @Test
    void whatIsCommittedIsDeliveredWithoutPolling() throws Exception {
        try (var upstream = taking();
                var _ =
                        start(
                                Duration.ofSeconds(5),
                                DestinationOptions.of("cloud", upstream.uri()))) {
            for (int i = 0; i < 20; i++) {
                log.batch(Signal.LOGS, 1, Otlp.logs("t" + i));
                log.commit();
                assertThat(arrived.poll(20, TimeUnit.SECONDS)).isEqualTo("t" + i);
            }
        }
        assertThat(log.cursor("cloud", "all").settledTo()).isEqualTo(20);
        assertThat(failures).isEmpty();
    }

    @Test
    void eachDestinationHasItsOwnCursor() throws Exception {
        log.batch(Signal.LOGS, 1, Otlp.logs("a"));
        log.commit();
        try (var one = taking();
                var two = taking();
                var drain =
                        start(
                                Duration.ofSeconds(5),
                                DestinationOptions.of("one", one.uri()),
                                DestinationOptions.of("two", two.uri()))) {
            assertThat(arrived.poll(20, TimeUnit.SECONDS)).isEqualTo("a");
            assertThat(arrived.poll(20, TimeUnit.SECONDS)).isEqualTo("a");
            assertThat(drain.status())
                    .extracting(DrainStatus::destination)
                    .containsExactly("one", "two");
        }
        assertThat(log.cursor("one", "all").settledTo()).isEqualTo(1);
        assertThat(log.cursor("two", "all").settledTo()).isEqualTo(1);
    }

    @Test
    void closeWaitsForTheAnswersOfWhatIsUnderWay() throws Exception {
        log.batch(Signal.LOGS, 1, Otlp.logs("a"));
        log.commit();
        var received = new CountDownLatch(1);
        var answer = new CountDownLatch(1);
        try (var upstream =
                new Upstream(request -> {
                    received.countDown();
                    return Upstream.after(answer, Upstream.ok());
                })) {
            var drain =
                    start(Duration.ofSeconds(20), DestinationOptions.of("cloud", upstream.uri()));
            assertThat(received.await(20, TimeUnit.SECONDS)).isTrue();
            var closing = Thread.ofPlatform().start(drain::close);
            log.batch(Signal.LOGS, 1, Otlp.logs("b"));
            log.commit();
            answer.countDown();
            assertThat(closing.join(Duration.ofSeconds(20))).isTrue();
            assertThat(log.cursor("cloud", "all").isSettled(1)).isTrue();
            assertThat(drain.status().getFirst().state()).isEqualTo(DrainStatus.State.STOPPED);
        }
    }

    @Test
    void closeDoesNotWaitForeverAndSettlesNothingThatWasNotAnswered() throws Exception {
        log.batch(Signal.LOGS, 1, Otlp.logs("a"));
        log.commit();
        var received = new CountDownLatch(1);
        try (var upstream =
                new Upstream(request -> {
                    received.countDown();
                    return Upstream.hang();
                })) {
            var drain =
                    start(Duration.ofMillis(50), DestinationOptions.of("cloud", upstream.uri()));
            assertThat(received.await(20, TimeUnit.SECONDS)).isTrue();
            drain.close();
            assertThat(log.cursor("cloud", "all").settlements()).isEmpty();
            assertThat(drain.status().getFirst().state()).isEqualTo(DrainStatus.State.STOPPED);
        }
    }

    @Test
    void aLogThatCannotBeReadIsReported() throws Exception {
        try (var upstream = taking();
                var drain =
                        start(
                                Duration.ofSeconds(5),
                                DestinationOptions.of("cloud", upstream.uri()))) {
            log.batch(Signal.LOGS, 1, Otlp.logs("a"));
            log.failReads();
            log.commit();
            assertThat(failures.poll(20, TimeUnit.SECONDS)).isInstanceOf(WalException.class);
            assertThat(drain.status().getFirst().state()).isEqualTo(DrainStatus.State.FAILED);
        }
    }

    @Test
    void optionsAreChecked() {
        var endpoint = URI.create("http://127.0.0.1:4318");
        var one = DestinationOptions.of("one", endpoint);
        assertThatThrownBy(() -> start(Duration.ofSeconds(1), one, one))
                .hasMessageContaining("name of its own");
        assertThatThrownBy(() -> DestinationOptions.of("One", endpoint))
                .hasMessageContaining("One");
        assertThatThrownBy(() -> DestinationOptions.of("one", URI.create("ftp://host/")))
                .hasMessageContaining("http");
        assertThatThrownBy(
                        () -> DestinationOptions.of("one", URI.create("https://user:pass@host:1/")))
                .hasMessageContaining("credentials")
                .hasMessageNotContaining("pass");
        assertThat(one.toString()).doesNotContain("Bearer");
    }
}
