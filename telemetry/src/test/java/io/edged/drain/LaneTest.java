package io.edged.drain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.edged.otlp.ContentEncoding;
import io.edged.otlp.Signal;
import io.edged.wal.Lanes;
import io.edged.wal.WalException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/** How lanes divide a destination, over real connections. */
class LaneTest {

    private static final String ERROR = "{\"kind\":\"error\",\"body\":\"it burns\"}";

    private final MemoryLog log = new MemoryLog(Lanes.DEFAULT);

    private static DestinationOptions options(Upstream upstream, int batchBytes, int inFlight) {
        return DestinationTest.options(
                upstream.uri(), ContentEncoding.IDENTITY, batchBytes, 8192, inFlight);
    }

    private static EdgeBatch batch(Upstream.Request request) {
        return EdgeBatch.parse(Objects.requireNonNull(request.headers().get(EdgeBatch.HEADER)));
    }

    private static List<Long> seqs(Upstream.Request request) {
        var seqs = new ArrayList<Long>();
        for (EdgeBatch.Part part : batch(request).parts())
            if (part instanceof EdgeBatch.Part.Frames(long from, long to))
                LongStream.rangeClosed(from, to).forEach(seqs::add);
        return seqs;
    }

    private boolean isSettledTo(long seq) {
        return log.cursors("cloud").stream().allMatch(cursor -> cursor.settledTo() >= seq);
    }

    private long bytesTo(Upstream upstream, String lane, int requests) {
        return upstream.requests().stream()
                .limit(requests)
                .filter(request -> batch(request).lane().equals(lane))
                .mapToLong(request -> request.body().length)
                .sum();
    }

    @ParameterizedTest(name = "{0} requests at once")
    @ValueSource(ints = {1, 3})
    void anErrorGoesBeforeTheBacklogInFrontOfIt(int inFlight) throws Exception {
        for (int i = 0; i < 5_000; i++) log.batch(Signal.LOGS, 1, Otlp.logs("a" + i));
        log.entry(ERROR);
        log.commit();
        try (var upstream = new Upstream(request -> Upstream.ok());
                var drain = new TurnedDestination(log, options(upstream, 1 << 10, inFlight))) {
            drain.turnUntil(() -> isSettledTo(5_001));
            int before =
                    upstream.requests().stream()
                            .map(request -> batch(request).lane())
                            .toList()
                            .indexOf("error");
            // Headers are found 1,024 a turn, and each turn sends what there is.
            assertThat(before).isBetween(0, 5 * (inFlight + 1));
            assertThat(upstream.requests().stream().flatMap(request -> seqs(request).stream()))
                    .hasSize(5_001)
                    .doesNotHaveDuplicates();
            assertThat(drain.metric("edged.drain.delivered", "lane", "error")).isEqualTo(1);
            assertThat(drain.metric("edged.drain.sent", "lane", "error")).isPositive();
        }
    }

    @Test
    void everyLaneWithDataGetsItsShareOfTheBytes() throws Exception {
        byte[] body = Otlp.logs("x".repeat(300));
        for (int i = 0; i < 2_000; i++) {
            log.entry("{\"kind\":\"error\",\"body\":\"" + "y".repeat(100) + "\"}");
            log.batch(Signal.LOGS, 1, body);
            log.batch(Signal.METRICS, 1, body);
        }
        log.commit();
        var policies =
                List.of(
                        new LanePolicy("error", 5, false),
                        new LanePolicy("logs", 20, false),
                        new LanePolicy("metrics", 10, false));
        try (var upstream = new Upstream(request -> Upstream.ok());
                var drain = new TurnedDestination(log, options(upstream, 4 << 10, 1), policies)) {
            drain.turnUntil(() -> isSettledTo(6_000));
            List<String> order =
                    upstream.requests().stream().map(request -> batch(request).lane()).toList();
            int errorsEnd = order.lastIndexOf("error");
            assertThat(errorsEnd).isGreaterThan(50);
            double all = 0;
            for (String lane : List.of("error", "logs", "metrics"))
                all += (double) bytesTo(upstream, lane, errorsEnd);
            assertThat((double) bytesTo(upstream, "logs", errorsEnd) / all).isBetween(0.17, 0.23);
            assertThat((double) bytesTo(upstream, "metrics", errorsEnd) / all)
                    .isBetween(0.07, 0.13);
            assertThat((double) bytesTo(upstream, "error", errorsEnd) / all).isGreaterThan(0.64);
        }
    }

    @Test
    void aLaneThatSendsTheNewestFirstGoesBackForTheRest() throws Exception {
        for (int i = 0; i < 6_000; i++) {
            log.batch(Signal.METRICS, 1, Otlp.logs("m" + i));
            if (i % 3 == 0) log.batch(Signal.LOGS, 1, Otlp.logs("l" + i));
        }
        log.commit();
        var policies = List.of(new LanePolicy("metrics", 5, true));
        try (var upstream = new Upstream(request -> Upstream.status(503));
                var drain = new TurnedDestination(log, options(upstream, 2 << 10, 1), policies)) {
            drain.turnUntil(() -> upstream.requests().size() >= 3);
        }
        try (var upstream = new Upstream(request -> Upstream.ok());
                var drain = new TurnedDestination(log, options(upstream, 1 << 10, 1), policies)) {
            drain.turnUntil(() -> isSettledTo(8_000));
            List<Long> sent = new ArrayList<>();
            upstream.requests().stream()
                    .filter(request -> batch(request).lane().equals("metrics"))
                    .forEach(request -> sent.addAll(seqs(request).reversed()));
            assertThat(sent).hasSize(6_000).doesNotHaveDuplicates();
            // What was sent while the scan was still on its way is old; then it goes down.
            List<Long> behind = sent.subList(sent.indexOf(7_999L), sent.size());
            assertThat(behind.stream().limit(1_000))
                    .isSortedAccordingTo((a, b) -> Long.compare(b, a));
            assertThat(sent.indexOf(7_999L)).isLessThan(2_000);
        }
    }

    @Test
    void aNewFrameOfALaneWithTheNewestFirstOvertakes() throws Exception {
        for (int i = 0; i < 300; i++) log.batch(Signal.LOGS, 1, Otlp.logs("l" + i));
        log.commit();
        var policies = List.of(new LanePolicy("logs", 5, true));
        try (var upstream = new Upstream(request -> Upstream.ok());
                var drain = new TurnedDestination(log, options(upstream, 256, 1), policies)) {
            drain.turnUntil(() -> upstream.requests().size() >= 5);
            long late = log.batch(Signal.LOGS, 1, Otlp.logs("late"));
            log.commit();
            int before = upstream.requests().size();
            drain.turnUntil(() -> isSettledTo(301));
            int at =
                    IntStream.range(0, upstream.requests().size())
                            .filter(i -> seqs(upstream.requests().get(i)).contains(late))
                            .findFirst()
                            .orElseThrow();
            assertThat(at).isLessThanOrEqualTo(before + 1);
        }
    }

    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {1, 2, 3, 4, 5, 6})
    void whateverIsMixedAndLostEachFrameIsDeliveredOnce(long seed) throws Exception {
        var random = new SplittableRandom(seed);
        var expected = new HashMap<Long, String>();
        for (int i = 0; i < 4_000; i++) {
            int kind = random.nextInt(100);
            long seq =
                    kind < 2
                            ? log.entry(ERROR)
                            : kind < 4
                                    ? log.entry("{\"n\":1}")
                                    : kind < 50
                                            ? log.batch(Signal.LOGS, 1, Otlp.logs("l"))
                                            : kind < 52
                                                    ? log.batch(Signal.TRACES, 1, Otlp.spans("s"))
                                                    : log.batch(Signal.METRICS, 1, Otlp.logs("m"));
            expected.put(
                    seq,
                    kind < 2 ? "error" : kind < 50 ? "logs" : kind < 52 ? "traces" : "metrics");
            if (random.nextInt(50) == 0) {
                if (random.nextBoolean()) log.lose(seq);
                else log.damage(seq);
                expected.remove(seq);
            }
        }
        log.commit();
        var policies = List.of(new LanePolicy("logs", random.nextInt(20), random.nextBoolean()));
        try (var upstream =
                        new Upstream(request ->
                                request.number() % 5 == 1 ? Upstream.status(503) : Upstream.ok());
                var drain =
                        new TurnedDestination(
                                log, options(upstream, 3_000, 1 + random.nextInt(3)), policies)) {
            drain.turnUntil(() ->
                    log.cursors("cloud").stream()
                                    .mapToLong(cursor -> cursor.settlements().size())
                                    .sum()
                            == expected.size());
            Map<Long, String> got = new TreeMap<>();
            for (String lane : Lanes.DEFAULT.names())
                log.cursor("cloud", lane).settlements().keySet().forEach(seq -> got.put(seq, lane));
            assertThat(got).isEqualTo(expected);
        }
    }

    /**
     * A link of 1 MB/s behind a fast one and an outage, with a backlog of logs in front of it, in
     * virtual time. {@code make soak-priority} has a backlog of 1 GiB.
     */
    @ParameterizedTest(name = "{0} requests at once, {1}")
    @CsvSource({"1, ONE_CONNECTION", "1, MANY", "4, ONE_CONNECTION", "4, MANY", "16, MANY"})
    void anErrorIsThereWithinTwoSecondsOverASlowLinkWithABacklog(
            int inFlight, SlowLink.Connections connections) throws Exception {
        byte[] body = Otlp.logs("x".repeat(35_000));
        long backlog = Long.getLong("priority.backlog.mib", 256) << 20;
        for (long bytes = 0; bytes < backlog; bytes += body.length) log.batch(Signal.LOGS, 1, body);
        log.commit();
        var link = new SlowLink(connections, 100_000_000, Duration.ofMillis(50));
        var options =
                DestinationTest.options(
                        URI.create("http://127.0.0.1:9"),
                        ContentEncoding.IDENTITY,
                        2 << 20,
                        8192,
                        inFlight);
        try (var drain = new TurnedDestination(log, options, link)) {
            drain.turnUntil(link, () -> link.carriedBytes() > 64 << 20);
            // Shorter than what opens the circuit, then longer.
            for (Duration outage : List.of(Duration.ofSeconds(11), Duration.ofMinutes(10))) {
                link.breakFor(outage);
                drain.turnUntil(link, link::isUp);
                link.bytesPerSecond(1_000_000);
                long carried = link.carriedBytes();
                long first = log.entry(ERROR);
                log.commit();
                // The drain cannot know of the return before something got through.
                drain.turnUntil(link, () -> link.carriedBytes() > carried);
                isThereInTime(drain, link, first);
                for (int event = 0; event < 20; event++) {
                    drain.turnUntil(link, link.after(300_000));
                    long seq = log.entry(ERROR);
                    log.commit();
                    isThereInTime(drain, link, seq);
                }
                link.bytesPerSecond(100_000_000);
                drain.turnUntil(link, link.after(48 << 20));
            }
            assertThat(isSettledTo(log.committedSeq())).isFalse();
            assertThat(link.mostUnderWay()).isLessThanOrEqualTo(inFlight);
            if (Long.getLong("priority.backlog.mib") != null)
                System.out.printf(
                        "backlog %d MiB, %d requests at once, %s: an error is there in %d ms at"
                                + " most%n",
                        backlog >> 20, inFlight, connections, longest.toMillis());
        }
    }

    private void isThereInTime(TurnedDestination drain, SlowLink link, long seq)
            throws WalException {
        Duration since = drain.elapsed();
        drain.turnUntil(link, () -> log.cursor("cloud", "error").isSettled(seq));
        Duration took = drain.elapsed().minus(since);
        assertThat(took).isLessThan(Duration.ofSeconds(2));
        if (took.compareTo(longest) > 0) longest = took;
    }

    /** Until an error event was there. */
    private Duration longest = Duration.ZERO;

    @Test
    void anErrorNeedNotWaitForAnswersToTheBacklog() throws Exception {
        for (int i = 0; i < 200; i++) log.batch(Signal.LOGS, 1, Otlp.logs("a".repeat(300)));
        log.commit();
        var answer = new CountDownLatch(1);
        // Small requests, so that the window has room for all of them.
        Upstream.Script script =
                request ->
                        batch(request).lane().equals("error") || request.number() <= 20
                                ? Upstream.ok()
                                : Upstream.after(answer, Upstream.ok());
        try (var upstream = new Upstream(script);
                var drain =
                        new TurnedDestination(
                                log,
                                DestinationTest.options(
                                        upstream.uri(),
                                        ContentEncoding.IDENTITY,
                                        16 << 10,
                                        5,
                                        3))) {
            drain.turnUntil(() ->
                    log.cursor("cloud", "logs").settlements().size() == 100
                            && drain.destination.status().inFlight() == 2);
            long seq = log.entry(ERROR);
            log.commit();
            drain.turnUntil(() -> log.cursor("cloud", "error").isSettled(seq));
            assertThat(log.cursor("cloud", "logs").settlements()).hasSize(100);
            answer.countDown();
            drain.turnUntil(() -> isSettledTo(201));
        }
    }

    @ParameterizedTest(name = "{0} requests at once")
    @ValueSource(ints = {1, 4})
    void aFastLinkIsFilledAndASlowOneIsNot(int inFlight) {
        var window = new LinkWindow(2 << 20, inFlight, 0);
        // Half a second on the link, whatever the distance; a request is a part of it.
        assertThat(settled(window, 1_000_000, Duration.ofMillis(50)))
                .isBetween(200L << 10, 800L << 10);
        assertThat(window.requestBytes()).isLessThanOrEqualTo((800 << 10) / inFlight);
        assertThat(settled(window, 1_000_000, Duration.ofSeconds(2)))
                .isBetween(200L << 10, 800L << 10);
        assertThat(settled(window, 100_000_000, Duration.ofSeconds(2)))
                .isEqualTo((2L * inFlight) << 20);
        // The way becomes longer: small for a while, then large again.
        assertThat(settled(window, 100_000_000, Duration.ofSeconds(4)))
                .isEqualTo((2L * inFlight) << 20);
        // Now and then it is tried whether more goes.
        assertThat(settled(window, 8_000, Duration.ofMillis(50))).isBetween(64L << 10, 128L << 10);
        window.restart(now);
        assertThat(settled(window, 100_000_000, Duration.ofMillis(50)))
                .isEqualTo((2L * inFlight) << 20);
    }

    private long now = 1;

    /** The window after some rounds in which it was full. */
    private long settled(LinkWindow window, long bytesPerSecond, Duration way) {
        for (int round = 0; round < 60; round++) {
            long sent = now;
            now += way.toNanos() + window.bytes() * 1_000_000_000L / bytesPerSecond;
            window.answered(window.bytes(), sent, now);
        }
        return window.bytes();
    }

    @Test
    void sharesAreAtMostAllThereIs() {
        assertThat(new Shares(List.of(50, 50)).pick(new long[] {0, 0})).isEqualTo(-1);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new Shares(List.of(60, 41)))
                .withMessageContaining("were 101");
    }

    @Test
    void aLaneWithoutDataSavesNothingUp() {
        var shares = new Shares(List.of(0, 50));
        shares.sent(0, 1_000_000, new boolean[] {true, false});
        assertThat(shares.pick(new long[] {10, 10})).isZero();
        shares.sent(0, 1_000, new boolean[] {true, true});
        assertThat(shares.pick(new long[] {10, 501})).isZero();
        assertThat(shares.pick(new long[] {10, 500})).isEqualTo(1);
    }
}
