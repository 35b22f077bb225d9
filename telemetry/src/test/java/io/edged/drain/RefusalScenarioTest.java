package io.edged.drain;

import static org.assertj.core.api.Assertions.assertThat;

import io.edged.otlp.ContentEncoding;
import io.edged.otlp.Signal;
import io.edged.wal.Settlement;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;

/** Long stories with a destination that refuses, over real connections and in virtual time. */
class RefusalScenarioTest {

    private final MemoryLog log = new MemoryLog();

    private MemoryLog.MemoryCursor cursor() {
        return log.cursor("cloud", "all");
    }

    private static boolean holds(Upstream.Request request, String text) {
        return new String(request.body(), StandardCharsets.ISO_8859_1).contains(text);
    }

    @ParameterizedTest(name = "{0} in flight")
    @ValueSource(ints = {1, 4})
    void oneBadItemInTenThousandRequestsCostsAFewRequestsAndNothingElse(int inFlight)
            throws Exception {
        int frames = 10_000;
        int framesOfABatch = 100;
        for (int i = 0; i < frames; i++)
            log.batch(Signal.LOGS, 2, Otlp.logs("a" + i, i == 7_654 ? "poison" : "b" + i));
        log.commit();
        var taken = new CopyOnWriteArrayList<String>();
        try (var upstream =
                        new Upstream(request -> {
                            if (holds(request, "poison")) return Upstream.status(400);
                            taken.addAll(Otlp.texts(request.body()));
                            return Upstream.ok();
                        });
                var drain =
                        new TurnedDestination(
                                log,
                                DestinationTest.options(
                                        upstream.uri(),
                                        ContentEncoding.IDENTITY,
                                        1 << 20,
                                        2 * framesOfABatch,
                                        inFlight))) {
            drain.turnUntil(() -> cursor().settledTo() == frames);

            assertThat(taken).hasSize(2 * frames - 1).doesNotHaveDuplicates();
            var letters = drain.deadLetters.list(0, 10);
            assertThat(letters).hasSize(1);
            assertThat(cursor().settlements())
                    .containsEntry(7_655L, new Settlement(1, 1, Map.of()));
            // Two requests for each halving of 200 items.
            int halvings = (int) Math.ceil(Math.log(2 * framesOfABatch) / Math.log(2));
            assertThat(upstream.requests())
                    .hasSizeLessThanOrEqualTo(frames / framesOfABatch + 1 + 2 * halvings);
        }
    }

    @ParameterizedTest(name = "status {0}")
    @ValueSource(ints = {401, 403, 404, 405, 301, 500, 501})
    void anHourOfAFaultLosesNothingAndIsProbedWithEmptyRequests(int status) throws Exception {
        for (int i = 0; i < 50; i++) log.batch(Signal.LOGS, 1, Otlp.logs("t" + i));
        log.commit();
        var mended = new AtomicBoolean();
        var taken = new CopyOnWriteArrayList<String>();
        try (var upstream =
                        new Upstream(request -> {
                            if (!mended.get()) return Upstream.status(status);
                            taken.addAll(Otlp.texts(request.body()));
                            return Upstream.ok();
                        });
                var drain = new TurnedDestination(log, DestinationTest.options(upstream.uri()))) {
            drain.turnUntil(() -> drain.elapsed().compareTo(Duration.ofHours(1)) > 0);

            assertThat(cursor().settlements()).isEmpty();
            assertThat(drain.deadLetters.totals().letters()).isZero();
            assertThat(drain.destination.status().state()).isEqualTo(DrainStatus.State.FAULT);
            assertThat(drain.destination.status().lastError().orElse(""))
                    .contains(Integer.toString(status));
            // Full jitter up to five minutes: two and a half on average.
            assertThat(upstream.requests()).hasSizeBetween(15, 80);
            assertThat(upstream.requests().subList(1, upstream.requests().size()))
                    .allSatisfy(request -> assertThat(request.body()).isEmpty());

            mended.set(true);
            drain.turnUntil(() -> cursor().settledTo() == 50);
            assertThat(taken).doesNotHaveDuplicates().hasSize(50);
        }
    }

    @Test
    void anOutageOfHoursIsMetWithFewAttemptsAndEndsByItself() throws Exception {
        for (int i = 0; i < 50; i++) log.batch(Signal.LOGS, 1, Otlp.logs("t" + i));
        log.commit();
        var mended = new AtomicBoolean();
        try (var upstream =
                        new Upstream(request ->
                                mended.get() ? Upstream.ok() : Upstream.closeWithoutAnswer());
                var drain = new TurnedDestination(log, DestinationTest.options(upstream.uri()))) {
            drain.turnUntil(() -> drain.elapsed().compareTo(Duration.ofHours(8)) > 0);
            assertThat(drain.metric("edged.drain.retried", "reason", "closed"))
                    .isBetween(120.0, 320.0);
            mended.set(true);
            Duration before = drain.elapsed();
            drain.turnUntil(() -> cursor().settledTo() == 50);
            assertThat(drain.elapsed().minus(before)).isLessThan(Duration.ofMinutes(6));
        }
    }

    @Test
    void aHurryEndsTheWait() throws Exception {
        log.batch(Signal.LOGS, 1, Otlp.logs("t"));
        log.commit();
        var mended = new AtomicBoolean();
        try (var upstream =
                        new Upstream(request ->
                                mended.get()
                                        ? Upstream.ok()
                                        : Upstream.status(503, "Retry-After: 3000"));
                var drain = new TurnedDestination(log, DestinationTest.options(upstream.uri()))) {
            drain.turnUntil(() -> drain.metric("edged.drain.retried") == 1);
            mended.set(true);
            Duration before = drain.elapsed();
            drain.destination.hurry();
            drain.turnUntil(() -> cursor().settledTo() == 1);
            assertThat(drain.elapsed()).isEqualTo(before);
        }
    }

    @Test
    void aLimitedUplinkIsNotExceededAndAPausedOneIsNotUsed() throws Exception {
        for (int i = 0; i < 100; i++) log.batch(Signal.LOGS, 1, Otlp.logs("x".repeat(10_000)));
        log.commit();
        try (var upstream = new Upstream(request -> Upstream.ok())) {
            var free =
                    DestinationTest.options(
                            upstream.uri(), ContentEncoding.IDENTITY, 25_000, 99, 4);
            var limited =
                    new DestinationOptions(
                            free.name(),
                            free.route(),
                            free.batching(),
                            free.inFlight(),
                            free.retry(),
                            10_000);
            try (var drain = new TurnedDestination(log, limited)) {
                drain.destination.pause(true);
                assertThat(drain.turn()).isEqualTo(Long.MAX_VALUE);
                assertThat(drain.destination.status().inFlight()).isZero();
                assertThat(drain.destination.status().state()).isEqualTo(DrainStatus.State.PAUSED);
                drain.destination.pause(false);
                drain.turnUntil(() -> cursor().settledTo() == 100);
                // A million bytes at ten thousand a second, and a second's worth at the start.
                assertThat(drain.elapsed())
                        .isBetween(Duration.ofSeconds(96), Duration.ofSeconds(110));
            }
        }
    }

    /** Records the header with each 2xx; discards a request whose every part is recorded. */
    private static final class Receiver {
        private final HashSet<String> recorded = new HashSet<>();
        private final List<String> kept = new ArrayList<>();

        synchronized void take(Upstream.Request request) {
            var parts = new ArrayList<String>();
            for (EdgeBatch.Part part : request.edgeBatch().parts())
                switch (part) {
                    case EdgeBatch.Part.Frames(long from, long to) -> {
                        for (long seq = from; seq <= to; seq++) parts.add(Long.toString(seq));
                    }
                    case EdgeBatch.Part.Items items -> parts.add(items.toString());
                }
            if (recorded.containsAll(parts)) return;
            recorded.addAll(parts);
            kept.addAll(Otlp.texts(request.plainBody()));
        }
    }

    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {1, 2, 3, 4})
    void aReceiverThatFollowsTheRuleHasEveryItemOnceThroughSplitsAndLostAnswers(long seed)
            throws Exception {
        var random = new SplittableRandom(seed);
        for (int i = 0; i < 300; i++) {
            boolean bad = random.nextInt(40) == 0;
            log.batch(Signal.LOGS, 3, Otlp.logs("a" + i, bad ? "poison" + i : "b" + i, "c" + i));
        }
        log.commit();
        var receiver = new Receiver();
        Upstream.Script script =
                request -> {
                    if (holds(request, "poison")) return Upstream.status(400);
                    int chance;
                    synchronized (random) {
                        chance = random.nextInt(6);
                    }
                    if (chance == 0) return Upstream.status(503);
                    if (chance == 1) return Upstream.closeWithoutAnswer();
                    receiver.take(request);
                    return switch (chance) {
                        case 2 -> Upstream.closeWithoutAnswer();
                        case 3 -> Upstream.resetInTheAnswer();
                        default -> Upstream.ok();
                    };
                };
        try (var upstream = new Upstream(script);
                var drain =
                        new TurnedDestination(
                                log,
                                DestinationTest.options(
                                        upstream.uri(), ContentEncoding.GZIP, 2000, 60, 3),
                                seed)) {
            drain.turnUntil(() -> cursor().settledTo() == 300);
            long letters = drain.deadLetters.totals().items();
            assertThat(receiver.kept).doesNotHaveDuplicates().hasSize((int) (900 - letters));
            assertThat(IntStream.range(0, 300).mapToObj(i -> "a" + i))
                    .allSatisfy(text -> assertThat(receiver.kept).contains(text));
        }
    }
}
