package io.edged.drain;

import static org.assertj.core.api.Assertions.assertThat;

import com.github.luben.zstd.Zstd;

import io.edged.otlp.ContentEncoding;
import io.edged.otlp.Signal;
import io.edged.wal.Settlement;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/** What one destination does with a log, over real connections. */
class DestinationTest {

    private final MemoryLog log = new MemoryLog();

    static DestinationOptions options(URI endpoint) {
        return options(endpoint, ContentEncoding.IDENTITY, 1 << 20, 8192, 4);
    }

    static DestinationOptions options(
            URI endpoint,
            ContentEncoding compression,
            int batchBytes,
            int batchItems,
            int inFlight) {
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
            assertThat(drain.destination.status().state()).isEqualTo(DrainStatus.State.DELIVERING);
            assertThat(drain.destination.status().oldestUndelivered()).isEmpty();
        }
    }

    /** A connection may be answered, or given up, while it still reads what it was to send. */
    @Test
    void bytesThatAreStillReadAfterTheAnswerAreNotOverwritten() throws Exception {
        for (int i = 0; i < 60; i++) log.batch(Signal.LOGS, 1, Otlp.logs("x".repeat(200_000) + i));
        log.commit();
        var reading = new ArrayList<Shipment>();
        var sender =
                new Sender() {
                    @Override
                    public void send(Shipment shipment, Consumer<SendResult> onResult) {
                        reading.add(shipment);
                        if (reading.size() > 4) reading.removeFirst().released().run();
                        onResult.accept(new SendResult.Delivered(0, Optional.empty()));
                    }

                    @Override
                    public void abort() {
                        reading.forEach(shipment -> shipment.released().run());
                        reading.clear();
                    }
                };
        // What was overwritten shows when it is closed.
        try (var drain =
                new TurnedDestination(
                        log,
                        options(
                                URI.create("http://unused"),
                                ContentEncoding.IDENTITY,
                                450_000,
                                9,
                                4),
                        sender)) {
            drain.turnUntil(() -> cursor().settledTo() == 60);
            assertThat(reading).hasSize(4);
        }
    }

    @Test
    void nothingIsSettledBeforeASuccessAndABusyUpstreamIsTriedAgain() throws Exception {
        log.batch(Signal.LOGS, 1, Otlp.logs("a"));
        log.commit();
        try (var upstream =
                        new Upstream(request ->
                                request.number() <= 5 ? Upstream.status(503) : Upstream.ok());
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

    @Test
    void batchesCloseAtTheirBoundsAndAreCompressedOnce() throws Exception {
        for (int i = 0; i < 10; i++) log.batch(Signal.LOGS, 3, Otlp.logs("a" + i, "b", "c"));
        log.commit();
        try (var upstream = new Upstream(request -> Upstream.ok());
                var drain =
                        new TurnedDestination(
                                log,
                                options(upstream.uri(), ContentEncoding.GZIP, 1 << 20, 9, 1))) {
            drain.turnUntil(() -> cursor().settledTo() == 10);

            assertThat(upstream.requests())
                    .extracting(request -> request.edgeBatch().parts().toString())
                    .containsExactly("[1-3]", "[4-6]", "[7-9]", "[10]");
            assertThat(upstream.requests())
                    .allSatisfy(request ->
                            assertThat(request.headers())
                                    .containsEntry("content-encoding", "gzip"));
            assertThat(Otlp.texts(upstream.requests().getFirst().plainBody()))
                    .containsExactly("a0", "b", "c", "a1", "b", "c", "a2", "b", "c");
        }
    }

    @Test
    void batchesCloseAtTheirBytesAndALargerFrameTravelsAlone() throws Exception {
        byte[] frame = Otlp.logs("x".repeat(400));
        log.batch(Signal.LOGS, 1, frame);
        log.batch(Signal.LOGS, 1, frame);
        log.batch(Signal.LOGS, 1, frame);
        log.batch(Signal.LOGS, 1, Otlp.logs("y".repeat(5000)));
        log.batch(Signal.LOGS, 1, frame);
        log.commit();
        try (var upstream = new Upstream(request -> Upstream.ok());
                var drain =
                        new TurnedDestination(
                                log,
                                options(upstream.uri(), ContentEncoding.IDENTITY, 1000, 99, 1))) {
            drain.turnUntil(() -> cursor().settledTo() == 5);
            assertThat(upstream.requests())
                    .extracting(request -> request.edgeBatch().parts().toString())
                    .containsExactly("[1-2]", "[3]", "[4]", "[5]");
        }
    }

    @Test
    void compressedFramesGoOutAsTheyCameAndKeepTheirPlace() throws Exception {
        byte[] random = new byte[30_000];
        new java.util.Random(1).nextBytes(random);
        byte[] large = Otlp.logs(java.util.HexFormat.of().formatHex(random));
        byte[] gzip = Gzip.compress(List.of(ByteBuffer.wrap(large)));
        byte[] zstd = Zstd.compress(large);
        log.batch(Signal.LOGS, 1, Otlp.logs("a"));
        log.batch(Signal.LOGS, ContentEncoding.GZIP, true, 1, "", gzip);
        log.batch(Signal.LOGS, ContentEncoding.GZIP, true, 1, "", gzip);
        log.batch(Signal.LOGS, ContentEncoding.ZSTD, true, 1, "", zstd);
        log.batch(Signal.LOGS, 1, Otlp.logs("b"));
        log.commit();
        try (var upstream = new Upstream(request -> Upstream.ok());
                var drain =
                        new TurnedDestination(
                                log,
                                options(upstream.uri(), ContentEncoding.IDENTITY, 9999, 99, 1))) {
            drain.turnUntil(() -> cursor().settledTo() == 5);
            assertThat(upstream.requests())
                    .extracting(request -> request.headers().get("content-encoding"))
                    .containsExactly(null, "gzip", "gzip", "zstd", null);
            assertThat(upstream.requests().get(1).body()).isEqualTo(gzip);
            assertThat(upstream.requests().get(3).body()).isEqualTo(zstd);
        }
    }

    @Test
    void smallCompressedFramesAreMergedAndCompressedOnce() throws Exception {
        log.batch(Signal.LOGS, 1, Otlp.logs("a"));
        for (int i = 0; i < 5; i++)
            log.batch(
                    Signal.LOGS,
                    ContentEncoding.GZIP,
                    true,
                    1,
                    "",
                    Gzip.compress(List.of(ByteBuffer.wrap(Otlp.logs("g" + i)))));
        log.batch(Signal.LOGS, ContentEncoding.ZSTD, true, 1, "", Zstd.compress(Otlp.logs("z")));
        log.batch(Signal.LOGS, ContentEncoding.GZIP, true, 1, "", new byte[] {1}); // not gzip
        log.commit();
        try (var upstream = new Upstream(request -> Upstream.ok());
                var drain =
                        new TurnedDestination(
                                log,
                                options(upstream.uri(), ContentEncoding.IDENTITY, 9999, 99, 1))) {
            drain.turnUntil(() -> cursor().settledTo() == 8);
            assertThat(upstream.requests())
                    .extracting(request -> request.edgeBatch().parts().toString())
                    .containsExactly("[1-7]", "[8]");
            Upstream.Request merged = upstream.requests().getFirst();
            assertThat(merged.headers()).containsEntry("content-encoding", "gzip");
            assertThat(Otlp.texts(merged.plainBody()))
                    .containsExactly("a", "g0", "g1", "g2", "g3", "g4", "z");
            // One member: a bare inflater finds all of it.
            var inflater = new java.util.zip.Inflater(true);
            inflater.setInput(merged.body(), 10, merged.body().length - 10);
            byte[] plain = new byte[100_000];
            assertThat(inflater.inflate(plain)).isEqualTo(merged.plainBody().length);
            assertThat(inflater.getRemaining()).isEqualTo(8);
            inflater.end();
        }
    }

    @Test
    void encodingsThatTheDestinationDoesNotAcceptAreUndoneOrBecomeDeadLetters() throws Exception {
        byte[] gzip = Gzip.compress(List.of(ByteBuffer.wrap(Otlp.logs("z"))));
        log.batch(Signal.LOGS, 1, Otlp.logs("a"));
        log.batch(Signal.LOGS, ContentEncoding.GZIP, true, 1, "", gzip);
        log.batch(Signal.LOGS, ContentEncoding.ZSTD, true, 1, "", new byte[] {1});
        log.batch(Signal.LOGS, ContentEncoding.GZIP, true, 1, "", new byte[] {1});
        log.batch(Signal.LOGS, 1, Otlp.logs("b"));
        byte[] zstd = Zstd.compress(Otlp.logs("y"));
        log.batch(Signal.LOGS, ContentEncoding.ZSTD, true, 1, "", zstd);
        log.commit();
        try (var upstream = new Upstream(request -> Upstream.ok())) {
            var all = options(upstream.uri(), ContentEncoding.IDENTITY, 9999, 99, 1);
            var identityOnly =
                    new DestinationOptions(
                            all.name(),
                            all.route(),
                            new DestinationOptions.Batching(
                                    ContentEncoding.IDENTITY,
                                    Set.of(ContentEncoding.IDENTITY),
                                    9999,
                                    99,
                                    99999),
                            1,
                            all.retry());
            try (var drain = new TurnedDestination(log, identityOnly)) {
                drain.turnUntil(() -> cursor().settledTo() == 6);
                assertThat(upstream.requests()).hasSize(1);
                assertThat(Otlp.texts(upstream.requests().getFirst().body()))
                        .containsExactly("a", "z", "b", "y");
                assertThat(cursor().settlements())
                        .containsEntry(3L, new Settlement(0, 1, Map.of()))
                        .containsEntry(4L, new Settlement(0, 1, Map.of()));
                assertThat(drain.deadLetters.list(0, 9))
                        .extracting(DeadLetters.Letter::destination)
                        .containsExactly("cloud", "cloud");
            }
        }
    }

    @Test
    void framesOfOtherMetadataTravelApartWithTheirHeaders() throws Exception {
        String one =
                "{\"tenant\":\"one\",\"headers\":{\"x-scope\":\"1\",\"Edge-Batch\":\"forged\"}}";
        String two = "{\"tenant\":\"two\",\"headers\":{\"x-scope\":\"2\"}}";
        log.batch(Signal.LOGS, ContentEncoding.IDENTITY, true, 1, one, Otlp.logs("a"));
        log.batch(Signal.LOGS, ContentEncoding.IDENTITY, true, 1, two, Otlp.logs("b"));
        log.batch(Signal.LOGS, ContentEncoding.IDENTITY, true, 1, one, Otlp.logs("c"));
        log.batch(Signal.LOGS, ContentEncoding.IDENTITY, false, 1, one, Otlp.logs("d"));
        log.commit();
        try (var upstream = new Upstream(request -> Upstream.ok());
                var drain = new TurnedDestination(log, options(upstream.uri()))) {
            drain.turnUntil(() -> cursor().settledTo() == 4);
            assertThat(upstream.requests())
                    .extracting(request ->
                            request.headers().get("x-scope") + Otlp.texts(request.body()))
                    .containsExactlyInAnyOrder("1[a, c]", "2[b]", "1[d]");
            assertThat(upstream.requests())
                    .allSatisfy(request -> assertThat(request.edgeBatch().parts()).isNotEmpty());
        }
    }

    @Test
    void aBatchClosesBeforeItsHeaderGrowsTooLong() throws Exception {
        for (int i = 0; i < 1000; i++) {
            log.batch(Signal.LOGS, 1, Otlp.logs("l"));
            log.batch(Signal.TRACES, 1, Otlp.spans("s"));
        }
        log.commit();
        try (var upstream = new Upstream(request -> Upstream.ok());
                var drain = new TurnedDestination(log, options(upstream.uri()))) {
            drain.turnUntil(() -> cursor().settledTo() == 2000);
            assertThat(upstream.requests()).hasSizeBetween(8, 20);
            assertThat(upstream.requests())
                    .allSatisfy(request ->
                            assertThat(request.headers().get("edge-batch"))
                                    .hasSizeLessThanOrEqualTo(EdgeBatch.MAX_LENGTH));
        }
    }

    @Test
    void eventsBecomeLogRecordsAndMergeWithOthers() throws Exception {
        log.batch(Signal.LOGS, 1, Otlp.logs("a"));
        log.entry("{\"kind\":\"error\",\"message\":\"boom\"}");
        log.batch(Signal.LOGS, 1, Otlp.logs("b"));
        log.commit();
        try (var upstream = new Upstream(request -> Upstream.ok());
                var drain = new TurnedDestination(log, options(upstream.uri()))) {
            drain.turnUntil(() -> cursor().settledTo() == 3);
            Upstream.Request request = upstream.requests().getFirst();
            assertThat(Otlp.texts(request.body())).containsExactly("a", "boom", "b");
            assertThat(request.headers().get("edge-batch")).endsWith("/all/logs 1-3");
            assertThat(Otlp.records(request.body()).get(1).getObservedTimeUnixNano())
                    .isEqualTo(MemoryLog.WRITTEN_AT + 2);
        }
    }

    @Test
    void rejectedItemsAreDroppedFromTheFirstFramesOnAndNeverSentAgain() throws Exception {
        log.batch(Signal.LOGS, 2, Otlp.logs("a", "b"));
        log.batch(Signal.LOGS, 3, Otlp.logs("c", "d", "e"));
        log.batch(Signal.LOGS, 1, Otlp.logs("f"));
        log.commit();
        try (var upstream =
                        new Upstream(request ->
                                Upstream.answer(200, Otlp.partialSuccess(3, "too old")));
                var drain = new TurnedDestination(log, options(upstream.uri()))) {
            drain.turnUntil(() -> cursor().settledTo() == 3);
            assertThat(cursor().settlements())
                    .containsEntry(1L, new Settlement(0, 0, Map.of("rejected_upstream", 2)))
                    .containsEntry(2L, new Settlement(2, 0, Map.of("rejected_upstream", 1)))
                    .containsEntry(3L, Settlement.delivered(1));
            assertThat(upstream.requests()).hasSize(1);
            assertThat(drain.metric("edged.drain.rejected.upstream")).isEqualTo(3);
            assertThat(drain.metric("edged.drain.delivered")).isEqualTo(3);
        }
    }

    @Test
    void moreRejectedItemsThanThereAreDropThemAllAndNoMore() throws Exception {
        log.batch(Signal.LOGS, 2, Otlp.logs("a", "b"));
        log.commit();
        try (var upstream =
                        new Upstream(request ->
                                Upstream.answer(200, Otlp.partialSuccess(Long.MAX_VALUE, "")));
                var drain = new TurnedDestination(log, options(upstream.uri()))) {
            drain.turnUntil(() -> cursor().settledTo() == 1);
            assertThat(cursor().settlements())
                    .containsEntry(1L, new Settlement(0, 0, Map.of("rejected_upstream", 2)));
        }
    }

    @Test
    void aSuccessWithGarbageIsASuccess() throws Exception {
        log.batch(Signal.LOGS, 1, Otlp.logs("a"));
        log.commit();
        try (var upstream =
                        new Upstream(request ->
                                Upstream.answer(
                                        200, new byte[] {'<'}, "Content-Type: text/plain"));
                var drain = new TurnedDestination(log, options(upstream.uri()))) {
            drain.turnUntil(() -> cursor().settledTo() == 1);
            assertThat(upstream.requests()).hasSize(1);
        }
    }

    @Test
    void theWebPageOfACaptivePortalTakesNothing() throws Exception {
        log.batch(Signal.LOGS, 1, Otlp.logs("a"));
        log.commit();
        try (var upstream =
                        new Upstream(request ->
                                request.number() <= 3
                                        ? Upstream.answer(
                                                200,
                                                "<html>Log in".getBytes(StandardCharsets.UTF_8),
                                                "Content-Type: text/html; charset=utf-8")
                                        : Upstream.ok());
                var drain = new TurnedDestination(log, options(upstream.uri()))) {
            drain.turnUntil(() -> upstream.requests().size() == 3);
            assertThat(cursor().settlements()).isEmpty();
            assertThat(drain.destination.status().lastError())
                    .hasValueSatisfying(error -> assertThat(error).contains("web page"));
            drain.turnUntil(() -> cursor().settledTo() == 1);
            assertThat(drain.deadLetters.list(0, 1)).isEmpty();
        }
    }

    @Test
    void connectionsThatEndInEveryWrongWayLeadToARepeatOfTheSameRange() throws Exception {
        log.batch(Signal.LOGS, 1, Otlp.logs("a"));
        log.commit();
        try (var upstream =
                        new Upstream(request ->
                                switch (request.number()) {
                                    case 1 -> Upstream.closeWithoutAnswer();
                                    case 2 -> Upstream.resetInTheAnswer();
                                    case 3 -> Upstream.raw("garbage\r\n\r\n");
                                    default -> Upstream.ok();
                                });
                var drain = new TurnedDestination(log, options(upstream.uri()))) {
            drain.turnUntil(() -> cursor().settledTo() == 1);
            assertThat(upstream.requests()).hasSize(4);
            assertThat(upstream.requests())
                    .extracting(request -> request.headers().get("edge-batch"))
                    .containsOnly("node-1/00112233aabbccdd/all/logs 1");
            assertThat(drain.metric("edged.drain.retried", "reason", "closed")).isEqualTo(3);
        }
    }

    @Test
    void retryAfterHoldsTheWholeDestinationBack() throws Exception {
        log.batch(Signal.LOGS, 1, Otlp.logs("a"));
        log.commit();
        try (var upstream =
                        new Upstream(request ->
                                request.number() == 1
                                        ? Upstream.status(429, "Retry-After: 30")
                                        : Upstream.ok());
                var drain = new TurnedDestination(log, options(upstream.uri()))) {
            drain.turnUntil(() -> drain.metric("edged.drain.retried") == 1);
            log.batch(Signal.TRACES, 1, Otlp.spans("s"));
            log.commit();
            drain.turn();
            assertThat(drain.destination.status().inFlight()).isZero();
            assertThat(drain.destination.status().state()).isEqualTo(DrainStatus.State.WAITING);
            drain.turnUntil(() -> cursor().settledTo() == 2);
            assertThat(drain.elapsed()).isBetween(Duration.ofSeconds(30), Duration.ofSeconds(31));
        }
    }

    @Test
    void anAbsurdRetryAfterIsCappedAtAnHour() throws Exception {
        log.batch(Signal.LOGS, 1, Otlp.logs("a"));
        log.commit();
        try (var upstream =
                        new Upstream(request ->
                                request.number() == 1
                                        ? Upstream.status(503, "Retry-After: 99999999999")
                                        : Upstream.ok());
                var drain = new TurnedDestination(log, options(upstream.uri()))) {
            drain.turnUntil(() -> cursor().settledTo() == 1);
            assertThat(drain.elapsed())
                    .isBetween(Duration.ofHours(1), Duration.ofHours(1).plusSeconds(1));
        }
    }

    @Test
    void aFaultKeepsTheDataAndProbesWithAnEmptyRequest() throws Exception {
        log.batch(Signal.LOGS, 1, Otlp.logs("a"));
        log.batch(Signal.TRACES, 1, Otlp.spans("s"));
        log.commit();
        try (var upstream =
                        new Upstream(request ->
                                request.number() <= 6 ? Upstream.status(401) : Upstream.ok());
                var drain = new TurnedDestination(log, options(upstream.uri()))) {
            drain.turnUntil(() -> upstream.requests().size() == 6);
            var status = drain.destination.status();
            assertThat(status.state()).isEqualTo(DrainStatus.State.FAULT);
            assertThat(status.lastError())
                    .hasValueSatisfying(error ->
                            assertThat(error)
                                    .contains("401", "credentials")
                                    .doesNotContain("secret"));
            assertThat(status.oldestUndelivered()).hasValue(1);
            assertThat(cursor().settlements()).isEmpty();
            assertThat(upstream.requests().subList(2, 6))
                    .allSatisfy(request -> assertThat(request.body()).isEmpty());

            drain.turnUntil(() -> cursor().settledTo() == 2);
            assertThat(drain.destination.status().state()).isEqualTo(DrainStatus.State.DELIVERING);
            assertThat(drain.destination.status().lastError()).isEmpty();
            assertThat(upstream.requests().get(6).body()).as("the probe taken").isEmpty();
            assertThat(upstream.requests().get(7).body()).isNotEmpty();
        }
    }

    private static boolean holds(Upstream.Request request, String text) {
        return new String(request.body(), StandardCharsets.ISO_8859_1).contains(text);
    }

    @Test
    void dataThatCausesAFaultDoesNotHoldUpOtherData() throws Exception {
        log.batch(Signal.LOGS, 1, Otlp.logs("poison"));
        log.commit();
        try (var upstream =
                        new Upstream(request ->
                                holds(request, "poison") ? Upstream.status(500) : Upstream.ok());
                var drain = new TurnedDestination(log, options(upstream.uri()))) {
            drain.turnUntil(() -> drain.metric("edged.drain.retried", "reason", "fault") >= 3);
            for (int i = 0; i < 20; i++) log.batch(Signal.LOGS, 1, Otlp.logs("fine"));
            log.commit();
            drain.turnUntil(() -> cursor().settlements().size() == 20);
            assertThat(cursor().isSettled(1)).isFalse();
        }
    }

    @Test
    void aPartOfARecordIsNotSentBeforeItsCutIsDurable() throws Exception {
        log.batch(Signal.LOGS, 2, Otlp.logs("good", "bad"));
        log.commit();
        log.cutsAreDurable(false);
        try (var upstream =
                        new Upstream(request ->
                                holds(request, "bad") ? Upstream.status(400) : Upstream.ok());
                var drain = new TurnedDestination(log, options(upstream.uri()))) {
            drain.turnUntil(() ->
                    upstream.requests().size() == 1 && drain.destination.status().inFlight() == 0);
            drain.turnSome(20);
            assertThat(upstream.requests()).hasSize(1);
            log.cutsAreDurable(true);
            drain.turnUntil(() ->
                    upstream.requests().size() == 3 && drain.destination.status().inFlight() == 0);
            assertThat(drain.metric("edged.drain.delivered", "signal", "logs")).isEqualTo(1);
            assertThat(cursor().parts(1)).hasSize(2);
        }
    }

    @Test
    void theItemThatIsToBlameBecomesADeadLetterAndItsNeighboursGoThrough() throws Exception {
        for (int i = 1; i <= 16; i++)
            log.batch(Signal.LOGS, 4, Otlp.logs("a" + i, "b" + i, i == 11 ? "bad" : "c" + i, "d"));
        log.commit();
        var taken = new CopyOnWriteArrayList<String>();
        try (var upstream =
                        new Upstream(request -> {
                            if (holds(request, "bad")) return Upstream.status(400);
                            taken.addAll(Otlp.texts(request.body()));
                            return Upstream.ok();
                        });
                var drain = new TurnedDestination(log, options(upstream.uri()))) {
            drain.turnUntil(() -> cursor().settledTo() == 16);

            assertThat(drain.elapsed()).isLessThan(Duration.ofSeconds(1));
            assertThat(taken).hasSize(63).doesNotContain("bad").contains("a11", "b11");
            assertThat(cursor().settlements())
                    .containsEntry(11L, new Settlement(3, 1, Map.of()))
                    .containsEntry(12L, Settlement.delivered(4));
            // 16 frames of 4 items: halves of 16, 8, 4, 2 frames and of 4, 2 items.
            assertThat(upstream.requests()).hasSize(13);
            var letter = drain.deadLetters.list(0, 9);
            assertThat(letter).hasSize(1);
            var content = drain.deadLetters.read(letter.getFirst().seq()).orElseThrow();
            assertThat(Otlp.texts(bytes(content.body()))).containsExactly("bad");
            assertThat(LetterOrigin.of(letter.getFirst().metadata()))
                    .contains(
                            new LetterOrigin(
                                    MemoryLog.LOG_ID,
                                    11,
                                    2,
                                    2,
                                    "cloud",
                                    "all",
                                    "400",
                                    "",
                                    TurnedDestination.NOW.toString()));
            assertThat(drain.metric("edged.drain.dead.lettered", "signal", "logs")).isEqualTo(1);
        }
    }

    @ParameterizedTest
    @EnumSource(ContentEncoding.class)
    void aRefusedBodyIsNarrowedDownWhateverItCameAs(ContentEncoding encoding) throws Exception {
        byte[] random = new byte[30_000]; // too large to be merged
        new java.util.Random(1).nextBytes(random);
        byte[] plain = Otlp.logs(java.util.HexFormat.of().formatHex(random), "poison", "c", "d");
        byte[] body =
                switch (encoding) {
                    case IDENTITY -> plain;
                    case GZIP -> Gzip.compress(List.of(ByteBuffer.wrap(plain)));
                    case ZSTD -> Zstd.compress(plain);
                };
        log.batch(Signal.LOGS, encoding, true, 4, "", body);
        log.commit();
        try (var upstream =
                        new Upstream(request ->
                                // What came as zstd holds it, too.
                                "zstd".equals(request.headers().get("content-encoding"))
                                                || Otlp.texts(request.plainBody())
                                                        .contains("poison")
                                        ? Upstream.status(400)
                                        : Upstream.ok());
                var drain = new TurnedDestination(log, options(upstream.uri()))) {
            drain.turnUntil(() -> cursor().settledTo() == 1);
            assertThat(cursor().settlements()).containsEntry(1L, new Settlement(3, 1, Map.of()));
            var letter = drain.deadLetters.list(0, 9);
            assertThat(letter).hasSize(1);
            var content = drain.deadLetters.read(letter.getFirst().seq()).orElseThrow();
            assertThat(Otlp.texts(bytes(content.body()))).containsExactly("poison");
        }
    }

    private static byte[] bytes(ByteBuffer buffer) {
        byte[] bytes = new byte[buffer.remaining()];
        buffer.duplicate().get(bytes);
        return bytes;
    }

    @Test
    void nothingIsADeadLetterBeforeTheDestinationHasTakenOtherDataOfItsSignal() throws Exception {
        log.batch(Signal.LOGS, 1, Otlp.logs("bad"));
        for (int i = 0; i < 20; i++) log.batch(Signal.TRACES, 1, Otlp.spans("s" + i));
        log.commit();
        try (var upstream =
                        new Upstream(request ->
                                holds(request, "bad") ? Upstream.status(400) : Upstream.ok());
                var drain = new TurnedDestination(log, options(upstream.uri()))) {
            drain.turnUntil(() -> drain.metric("edged.drain.refused") >= 4);
            assertThat(drain.elapsed()).isGreaterThan(Duration.ofSeconds(30));
            assertThat(cursor().settlements()).hasSize(20);
            assertThat(drain.destination.status().refusedFrames()).isEqualTo(1);
            assertThat(drain.destination.status().oldestUndelivered()).hasValue(1);
            assertThat(drain.deadLetters.list(0, 9)).isEmpty();

            log.batch(Signal.LOGS, 1, Otlp.logs("good"));
            log.commit();
            drain.turnUntil(() -> cursor().settledTo() == 22);
            assertThat(cursor().settlements()).containsEntry(1L, new Settlement(0, 1, Map.of()));
            assertThat(drain.deadLetters.list(0, 9)).hasSize(1);
        }
    }

    @Test
    void whatIsTooLargeIsSplitAndASmallItemIsNeverADeadLetterForItsSize() throws Exception {
        log.batch(Signal.LOGS, 3, Otlp.logs("a", "x".repeat(3000), "b"));
        log.batch(Signal.LOGS, 1, Otlp.logs("c"));
        log.batch(Signal.LOGS, 1, Otlp.logs("y".repeat(1 << 20)));
        log.batch(Signal.LOGS, 1, Otlp.logs("d"));
        log.commit();
        try (var upstream =
                        new Upstream(request ->
                                request.body().length > 2000
                                        ? Upstream.status(413)
                                        : Upstream.ok());
                var drain = new TurnedDestination(log, options(upstream.uri()))) {
            drain.turnUntil(() -> drain.metric("edged.drain.dead.lettered") == 1);
            drain.turnUntil(() -> drain.metric("edged.drain.delivered") == 4);
            drain.turnUntil(() -> drain.metric("edged.drain.refused") > 5);
            assertThat(cursor().isSettled(1)).as("an item of 3,000 bytes").isFalse();
            assertThat(cursor().settlements())
                    .containsEntry(3L, new Settlement(0, 1, Map.of()))
                    .containsEntry(4L, Settlement.delivered(1));
        }
    }

    @Test
    void aLetterThatWasForcedBeforeACrashIsNotWrittenAgain() throws Exception {
        log.batch(Signal.LOGS, 2, Otlp.logs("bad", "good"));
        log.commit();
        var letters = new Letters();
        try (var upstream =
                new Upstream(
                        request -> holds(request, "bad") ? Upstream.status(400) : Upstream.ok())) {
            try (var drain = new TurnedDestination(log, options(upstream.uri()), 1, letters)) {
                drain.turnUntil(() -> cursor().settledTo() == 1);
                assertThat(drain.deadLetters.list(0, 9)).hasSize(1);
            }
            // The same log, whose cursor forgot the last second.
            var again = new MemoryLog();
            again.batch(Signal.LOGS, 2, Otlp.logs("bad", "good"));
            again.commit();
            try (var drain = new TurnedDestination(again, options(upstream.uri()), 1, letters)) {
                drain.deadLetters.start(_ -> true);
                drain.turnUntil(() -> again.cursor("cloud", "all").settledTo() == 1);
                assertThat(again.cursor("cloud", "all").settlements())
                        .containsEntry(1L, new Settlement(1, 1, Map.of()));
                assertThat(drain.deadLetters.list(0, 9)).hasSize(1);
            }
        } finally {
            letters.delete();
        }
    }

    @Test
    void aDeadLetterIsTriedAgainWhenAskedForAndGoesWhenItIsTaken() throws Exception {
        for (int i = 0; i < 3; i++)
            log.batch(Signal.LOGS, 1, Otlp.logs(i == 1 ? "bad" : "good" + i));
        log.commit();
        var mended = new AtomicBoolean();
        try (var upstream =
                        new Upstream(request ->
                                holds(request, "bad") && !mended.get()
                                        ? Upstream.status(400)
                                        : Upstream.ok());
                var drain = new TurnedDestination(log, options(upstream.uri()))) {
            drain.turnUntil(() -> cursor().settledTo() == 3);
            assertThat(drain.deadLetters.retry(_ -> true)).isEqualTo(1);
            int before = upstream.requests().size();
            drain.turnUntil(() ->
                    upstream.requests().size() > before
                            && drain.destination.status().inFlight() == 0);
            assertThat(drain.deadLetters.list(0, 9)).as("refused again").hasSize(1);

            mended.set(true);
            drain.deadLetters.retry(_ -> true);
            drain.turnUntil(() -> drain.deadLetters.totals().letters() == 0);
            assertThat(drain.deadLetters.list(0, 9)).isEmpty();
            Upstream.Request last = upstream.requests().getLast();
            assertThat(Otlp.texts(last.body())).containsExactly("bad");
            assertThat(last.headers().get("edge-batch"))
                    .isEqualTo("node-1/" + MemoryLog.LOG_ID + "/all/logs 2[0-0]");
        }
    }

    @Test
    void aDestinationThatTakesNothingOfASignalIsNotFloodedWithPieces() throws Exception {
        for (int i = 0; i < 64; i++) log.batch(Signal.LOGS, 2, Otlp.logs("a" + i, "b" + i));
        log.commit();
        var mended = new AtomicBoolean();
        try (var upstream =
                        new Upstream(
                                request -> mended.get() ? Upstream.ok() : Upstream.status(400));
                var drain =
                        new TurnedDestination(
                                log,
                                options(upstream.uri(), ContentEncoding.IDENTITY, 9999, 99, 1))) {
            drain.turnUntil(() -> drain.elapsed().compareTo(Duration.ofHours(1)) > 0);
            assertThat(upstream.requests().size()).isLessThan(1000);
            assertThat(cursor().settlements()).isEmpty();
            mended.set(true);
            drain.turnUntil(() -> cursor().settledTo() == 64);
            assertThat(drain.deadLetters.list(0, 999)).hasSizeLessThan(64);
            assertThat(drain.metric("edged.drain.read.ahead")).isZero();
        }
    }

    @Test
    void whenTooMuchIsRefusedNothingFurtherIsRead() throws Exception {
        for (int i = 0; i < 50; i++) log.batch(Signal.LOGS, 1, Otlp.logs("bad" + i));
        log.commit();
        try (var upstream = new Upstream(request -> Upstream.status(400))) {
            var usual = options(upstream.uri(), ContentEncoding.IDENTITY, 99999, 4, 2);
            var options =
                    new DestinationOptions(
                            usual.name(),
                            usual.route(),
                            new DestinationOptions.Batching(
                                    ContentEncoding.IDENTITY,
                                    Set.of(ContentEncoding.IDENTITY),
                                    2000,
                                    4,
                                    2000),
                            2,
                            new DestinationOptions.Retry(
                                    Duration.ofSeconds(1), Duration.ofMinutes(1), 10));
            try (var drain = new TurnedDestination(log, options)) {
                drain.turnUntil(
                        () -> drain.destination.status().state() == DrainStatus.State.REFUSING);
                int reached = drain.destination.status().refusedFrames();
                drain.turnUntil(() -> drain.metric("edged.drain.refused") > 40);
                assertThat(drain.destination.status().refusedFrames())
                        .isBetween(10, reached + 4)
                        .isLessThan(20);
                assertThat(cursor().settlements()).isEmpty();
            }
        }
    }

    @Test
    void answersMayComeOutOfOrder() throws Exception {
        for (int i = 0; i < 4; i++) log.batch(Signal.LOGS, 1, Otlp.logs("t" + i));
        log.commit();
        var latch = new CountDownLatch(1);
        try (var upstream =
                        new Upstream(request ->
                                holds(request, "t0")
                                        ? Upstream.after(latch, Upstream.ok())
                                        : Upstream.ok());
                var drain =
                        new TurnedDestination(
                                log,
                                options(upstream.uri(), ContentEncoding.IDENTITY, 9999, 1, 3))) {
            drain.turnUntil(() -> cursor().settlements().size() == 3);
            assertThat(cursor().settledTo()).isZero();
            assertThat(drain.destination.status().inFlight()).isEqualTo(1);
            latch.countDown();
            drain.turnUntil(() -> cursor().settledTo() == 4);
        }
    }

    @Test
    void withOneRequestInFlightOrderHoldsThroughFailures() throws Exception {
        for (int i = 0; i < 30; i++) log.batch(Signal.LOGS, 1, Otlp.logs("t" + i));
        log.commit();
        var taken = new CopyOnWriteArrayList<String>();
        try (var upstream =
                        new Upstream(request -> {
                            if (request.number() % 3 != 0) return Upstream.status(503);
                            taken.addAll(Otlp.texts(request.body()));
                            return Upstream.ok();
                        });
                var drain =
                        new TurnedDestination(
                                log,
                                options(upstream.uri(), ContentEncoding.IDENTITY, 9999, 2, 1))) {
            drain.turnUntil(() -> cursor().settledTo() == 30);
            assertThat(taken)
                    .containsExactlyElementsOf(
                            IntStream.range(0, 30).mapToObj(i -> "t" + i).toList());
        }
    }

    @Test
    void readingAheadIsBoundedWhateverTheBacklog() throws Exception {
        byte[] frame = Otlp.logs("x".repeat(10_000));
        for (int i = 0; i < 500; i++) log.batch(Signal.LOGS, 1, frame);
        log.commit();
        var latch = new CountDownLatch(1);
        try (var upstream = new Upstream(request -> Upstream.after(latch, Upstream.ok()));
                var drain =
                        new TurnedDestination(
                                log,
                                options(upstream.uri(), ContentEncoding.IDENTITY, 50_000, 99, 2))) {
            drain.turn();
            drain.turn();
            assertThat(log.bytesRead()).isLessThanOrEqualTo(200_000);
            assertThat(drain.destination.status().inFlight()).isBetween(1, 2);
            latch.countDown();
            drain.turnUntil(() -> cursor().settledTo() == 500);
        }
    }

    @Test
    void framesThatAreDamagedOrGoneArePassed() throws Exception {
        for (int i = 0; i < 6; i++) log.batch(Signal.LOGS, 1, Otlp.logs("t" + i));
        log.damage(2);
        log.lose(4);
        log.lose(5);
        log.commit();
        try (var upstream = new Upstream(request -> Upstream.ok());
                var drain = new TurnedDestination(log, options(upstream.uri()))) {
            drain.turnUntil(() -> cursor().settledTo() == 6);
            assertThat(cursor().settlements().keySet()).containsExactly(1L, 3L, 6L);
            assertThat(upstream.requests().getFirst().headers().get("edge-batch"))
                    .endsWith("logs 1,3,6");
        }
    }

    @Test
    void aRestartSkipsWhatIsSettledAndRepeatsTheRest() throws Exception {
        for (int i = 0; i < 3; i++) log.batch(Signal.LOGS, 1, Otlp.logs("t" + i));
        log.commit();
        var first = new CountDownLatch(1);
        try (var upstream =
                new Upstream(request ->
                        holds(request, "t1")
                                ? Upstream.after(first, Upstream.ok())
                                : Upstream.ok())) {
            try (var drain =
                    new TurnedDestination(
                            log, options(upstream.uri(), ContentEncoding.IDENTITY, 9999, 1, 3))) {
                drain.turnUntil(() -> cursor().settlements().size() == 2);
            }
            first.countDown();
        }
        try (var upstream = new Upstream(request -> Upstream.ok());
                var drain = new TurnedDestination(log, options(upstream.uri()))) {
            drain.turnUntil(() -> cursor().settledTo() == 3);
            assertThat(upstream.requests()).hasSize(1);
            assertThat(Otlp.texts(upstream.requests().getFirst().body())).containsExactly("t1");
        }
    }

    @Test
    void aFrameThatTheLogGaveUpMeanwhileIsNotSettledTwice() throws Exception {
        log.batch(Signal.LOGS, 1, Otlp.logs("a"));
        log.commit();
        var latch = new CountDownLatch(1);
        try (var upstream = new Upstream(request -> Upstream.after(latch, Upstream.ok()));
                var drain = new TurnedDestination(log, options(upstream.uri()))) {
            drain.turn();
            cursor().passTo(1);
            latch.countDown();
            drain.turnUntil(() -> drain.metric("edged.drain.delivered") == 1);
            assertThat(cursor().settlements()).isEmpty();
        }
    }

    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {1, 2, 3, 4, 5, 6})
    void whateverAnUpstreamDoesEverythingArrivesInTheEnd(long seed) throws Exception {
        var random = new SplittableRandom(seed);
        var expected = new HashSet<String>();
        for (int i = 0; i < 120; i++) {
            String text = "t" + i;
            expected.add(text);
            byte[] body = Otlp.logs(text);
            switch (random.nextInt(4)) {
                case 0 ->
                        log.batch(
                                Signal.LOGS,
                                ContentEncoding.GZIP,
                                true,
                                1,
                                "",
                                Gzip.compress(List.of(ByteBuffer.wrap(body))));
                case 1 -> log.entry("{\"body\":\"" + text + "\"}");
                default -> log.batch(Signal.LOGS, 1, body);
            }
        }
        log.commit();
        var arrived = ConcurrentHashMap.<String>newKeySet();
        Upstream.Script script =
                request -> {
                    int chance;
                    synchronized (random) {
                        chance = random.nextInt(16);
                    }
                    switch (chance) {
                        case 0:
                            return Upstream.status(503);
                        case 1:
                            return Upstream.status(429, "Retry-After: 3");
                        case 2:
                            return Upstream.closeWithoutAnswer();
                        case 3:
                            return Upstream.resetInTheAnswer();
                        case 4:
                            return Upstream.status(400);
                        case 5:
                            return Upstream.status(500);
                        case 6:
                            return Upstream.status(413, "Connection: close");
                        default:
                            arrived.addAll(Otlp.texts(request.plainBody()));
                            return Upstream.ok();
                    }
                };
        try (var upstream = new Upstream(script);
                var drain =
                        new TurnedDestination(
                                log,
                                options(upstream.uri(), ContentEncoding.GZIP, 300, 10, 3),
                                seed)) {
            drain.turnUntil(() -> cursor().settledTo() == 120);
            for (DeadLetters.Letter letter : drain.deadLetters.list(0, 999))
                arrived.addAll(
                        Otlp.texts(plain(drain.deadLetters.read(letter.seq()).orElseThrow())));
            assertThat(arrived).isEqualTo(expected);
            assertThat(
                            drain.metric("edged.drain.delivered", "signal", "logs")
                                    + drain.metric("edged.drain.dead.lettered", "signal", "logs"))
                    .isEqualTo(120);
            assertThat(drain.destination.status().refusedFrames()).isZero();
            assertThat(drain.metric("edged.drain.read.ahead")).isZero();
        }
    }

    private static byte[] plain(DeadLetters.Content letter) throws Exception {
        byte[] body = bytes(letter.body());
        return letter.encoding() == ContentEncoding.GZIP ? Gzip.decompress(body, 1 << 20) : body;
    }
}
