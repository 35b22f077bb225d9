package io.edged.drain;

import static org.assertj.core.api.Assertions.assertThat;

import io.edged.disk.CrashingDirectory;
import io.edged.otlp.ContentEncoding;
import io.edged.otlp.Signal;
import io.edged.wal.Append;
import io.edged.wal.Appender;
import io.edged.wal.Lanes;
import io.edged.wal.Wal;
import io.edged.wal.WalEnvironment;
import io.edged.wal.WalException;
import io.edged.wal.WalOptions;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.zip.CRC32C;

/**
 * Crashes, with two destinations of which one is down at first, with lanes, refusals, splits,
 * merges and lost answers, on a log whose disk forgets what was not forced. A receiver that follows
 * the rule of {@code edge-batch} ends with every item once.
 */
class ExactlyOnceTest {

    /** Lanes that an operator wrote: by severity, and the newest first. */
    private static final Lanes OWN_LANES =
            new Lanes(
                    List.of(
                            new Lanes.Rule("wrong", List.of("error"), List.of(), 0),
                            new Lanes.Rule("severe", List.of(), List.of(Signal.LOGS), 17),
                            new Lanes.Rule(
                                    "rest",
                                    List.of("other"),
                                    List.of(Signal.LOGS, Signal.METRICS, Signal.TRACES),
                                    0)));

    private static final List<LanePolicy> NEWEST_FIRST =
            List.of(new LanePolicy("severe", 20, true), new LanePolicy("rest", 10, true));

    private static WalOptions options(Lanes lanes) {
        return new WalOptions(
                64 << 10,
                256 * (64 << 10),
                0,
                1 << 20,
                WalOptions.OnCorruption.QUARANTINE,
                new WalOptions.OnFull.Reject(),
                Duration.ofMillis(20),
                lanes);
    }

    private final Random random = new Random();
    private final Set<String> acknowledged = new HashSet<>();
    private final Set<String> lanesSeen = new HashSet<>();
    private final Set<String> poison = new HashSet<>();
    private int written;

    /** Discards a request only if every part of it is recorded. */
    private static final class Receiver {
        private final Map<String, TreeMap<Integer, Integer>> ranges = new HashMap<>();
        private final Set<String> whole = new HashSet<>();
        private final List<String> kept = new ArrayList<>();

        synchronized void take(Upstream.Request request) {
            EdgeBatch batch = request.edgeBatch();
            boolean known = true;
            for (EdgeBatch.Part part : batch.parts()) known &= isKnown(batch.source(), part);
            if (known) return;
            for (EdgeBatch.Part part : batch.parts()) record(batch.source(), part);
            kept.addAll(Otlp.texts(request.plainBody()));
        }

        private boolean isKnown(String source, EdgeBatch.Part part) {
            return switch (part) {
                case EdgeBatch.Part.Frames(long from, long to) -> {
                    for (long seq = from; seq <= to; seq++)
                        if (!whole.contains(source + " " + seq)) yield false;
                    yield true;
                }
                case EdgeBatch.Part.Items(long seq, int first, int last) -> {
                    if (whole.contains(source + " " + seq)) yield true;
                    var taken = ranges.getOrDefault(source + " " + seq, new TreeMap<>());
                    int next = first;
                    for (var run = taken.floorEntry(next);
                            run != null && run.getValue() >= next;
                            run = taken.floorEntry(next)) next = run.getValue() + 1;
                    yield next > last;
                }
            };
        }

        private void record(String source, EdgeBatch.Part part) {
            switch (part) {
                case EdgeBatch.Part.Frames(long from, long to) -> {
                    for (long seq = from; seq <= to; seq++) whole.add(source + " " + seq);
                }
                case EdgeBatch.Part.Items(long seq, int first, int last) ->
                        ranges.computeIfAbsent(source + " " + seq, _ -> new TreeMap<>())
                                .merge(first, last, Math::max);
            }
        }
    }

    /** A destination of the other side: what it takes, and how it answers. */
    private static final class Side implements AutoCloseable {
        private final Receiver receiver = new Receiver();
        private final AtomicBoolean down = new AtomicBoolean();
        private final SplittableRandom chance;
        private final Upstream upstream;

        Side(long seed) throws IOException {
            chance = new SplittableRandom(seed);
            upstream = new Upstream(this::answer);
        }

        private Upstream.Reply answer(Upstream.Request request) {
            if (down.get()) return Upstream.status(503);
            String body = new String(request.plainBody(), StandardCharsets.ISO_8859_1);
            if (body.contains("poison")) return Upstream.status(400);
            int dice;
            synchronized (chance) {
                dice = chance.nextInt(10);
            }
            if (dice == 0) return Upstream.closeWithoutAnswer();
            receiver.take(request);
            return dice == 1 ? Upstream.closeWithoutAnswer() : Upstream.ok();
        }

        @Override
        public void close() throws IOException {
            upstream.close();
        }
    }

    private static final class Written extends Append {
        private final CompletableFuture<Boolean> durable = new CompletableFuture<>();
        private final int severity;

        Written(Signal signal, byte[] body, int items, int severity) {
            super(
                    signal,
                    ContentEncoding.IDENTITY,
                    true,
                    items,
                    ByteBuffer.allocateDirect(0),
                    crc(body),
                    direct(body));
            this.severity = severity;
        }

        Written(String event) {
            super(direct(event.getBytes(StandardCharsets.UTF_8)));
            severity = 0;
        }

        @Override
        protected int highestSeverity() {
            return severity;
        }

        private static int crc(byte[] bytes) {
            var crc = new CRC32C();
            crc.update(bytes);
            return (int) crc.getValue();
        }

        private static ByteBuffer direct(byte[] bytes) {
            return ByteBuffer.allocateDirect(bytes.length).put(bytes).flip();
        }

        @Override
        protected void durable(long seq) {
            durable.complete(true);
        }

        @Override
        protected void failed(WalException why) {
            durable.complete(false);
        }
    }

    private void write(Wal log, int frames) throws Exception {
        for (int i = 0; i < frames; i++) {
            int number = ++written;
            var texts = new ArrayList<String>();
            Written append;
            if (random.nextInt(5) == 0) {
                texts.add("e" + number);
                String kind = random.nextBoolean() ? "error" : "other";
                append = new Written("{\"kind\":\"" + kind + "\",\"body\":\"e" + number + "\"}");
            } else {
                int items = 1 + random.nextInt(6);
                for (int item = 0; item < items; item++)
                    texts.add((random.nextInt(60) == 0 ? "poison" : "i") + number + "." + item);
                byte[] body = Otlp.logs(texts.toArray(String[]::new));
                append = new Written(Signal.LOGS, body, items, random.nextInt(3) == 0 ? 17 : 9);
            }
            assertThat(log.offer(append)).isEqualTo(Appender.Offer.QUEUED);
            assertThat(append.durable.get()).isTrue();
            for (String text : texts) (text.startsWith("poison") ? poison : acknowledged).add(text);
        }
    }

    private static DestinationOptions options(Side side, String name, int inFlight) {
        DestinationOptions options =
                DestinationTest.options(
                        side.upstream.uri(), ContentEncoding.GZIP, 600, 40, inFlight);
        return new DestinationOptions(
                name, options.route(), options.batching(), inFlight, options.retry());
    }

    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void everyItemArrivesOnceThroughCrashes(long seed) throws Exception {
        throughCrashes(seed, Lanes.DEFAULT, List.of());
    }

    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {11, 12, 13, 14, 15, 16})
    void everyItemArrivesOnceFromLanesBySeverityWithTheNewestFirst(long seed) throws Exception {
        throughCrashes(seed, OWN_LANES, NEWEST_FIRST);
        assertThat(lanesSeen).containsExactlyInAnyOrder("wrong", "severe", "rest");
    }

    /** The drain ends in the middle of requests and goes on with other options; the log stays. */
    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {21, 22, 23, 24, 25, 26})
    void everyItemArrivesOnceThroughChangesOfOptions(long seed) throws Exception {
        random.setSeed(seed);
        var letters = new Letters();
        try (var side = new Side(seed)) {
            Wal log =
                    Wal.open(
                            new CrashingDirectory(),
                            options(Lanes.DEFAULT),
                            new WalEnvironment(
                                    InstantSource.system(),
                                    System::nanoTime,
                                    new Random(seed),
                                    new SimpleMeterRegistry()));
            int changes = 8;
            for (int change = 0; change <= changes; change++) {
                var drain =
                        new TurnedDestination(
                                log,
                                options(side, "one", 1 + random.nextInt(3)),
                                List.of(),
                                seed + change,
                                letters);
                log.onCommit(drain.wake());
                if (change < changes) {
                    write(log, random.nextInt(40));
                    drain.turnSome(random.nextInt(40));
                } else {
                    drain.turnUntil(() ->
                            log.balances().stream().mapToLong(Wal.Balance::pending).sum() == 0);
                }
                drain.close();
            }
            log.close();
            assertThat(side.receiver.kept).doesNotHaveDuplicates();
            assertThat(new HashSet<>(side.receiver.kept)).isEqualTo(acknowledged);
        } finally {
            letters.delete();
        }
    }

    private void throughCrashes(long seed, Lanes lanes, List<LanePolicy> policies)
            throws Exception {
        random.setSeed(seed);
        var disk = new CrashingDirectory();
        var letters = Map.of("one", new Letters(), "two", new Letters());
        try (var one = new Side(seed);
                var two = new Side(seed + 100)) {
            two.down.set(true);
            int lives = 4;
            for (int life = 0; life <= lives; life++) {
                boolean last = life == lives;
                if (life >= lives / 2) two.down.set(false);
                Wal log =
                        Wal.open(
                                disk,
                                options(lanes),
                                new WalEnvironment(
                                        InstantSource.system(),
                                        System::nanoTime,
                                        new Random(seed * 10 + life),
                                        new SimpleMeterRegistry()));
                var drains = new HashMap<String, TurnedDestination>();
                for (var side : Map.of("one", one, "two", two).entrySet()) {
                    var drain =
                            new TurnedDestination(
                                    log,
                                    options(side.getValue(), side.getKey(), 1 + random.nextInt(3)),
                                    policies,
                                    seed + life,
                                    Objects.requireNonNull(letters.get(side.getKey())));
                    log.onCommit(drain.wake());
                    drains.put(side.getKey(), drain);
                }
                if (!last) {
                    for (int round = random.nextInt(6) + 2; round > 0; round--) {
                        write(log, random.nextInt(40));
                        for (TurnedDestination drain : drains.values())
                            drain.turnSome(random.nextInt(40));
                    }
                    disk =
                            random.nextInt(3) == 0
                                    ? disk.processKilled()
                                    : disk.powerLoss(new Random(seed + life));
                    drains.values().forEach(TurnedDestination::crash);
                } else {
                    for (TurnedDestination drain : drains.values())
                        drain.turnUntil(() ->
                                log.balances().stream()
                                                .filter(balance ->
                                                        balance.cursor()
                                                                .startsWith(
                                                                        drain.destination
                                                                                        .status()
                                                                                        .destination()
                                                                                + "/"))
                                                .mapToLong(Wal.Balance::pending)
                                                .sum()
                                        == 0);
                    drains.values().forEach(TurnedDestination::close);
                }
                log.close();
            }
            for (Side side : List.of(one, two)) {
                assertThat(side.receiver.kept).doesNotHaveDuplicates();
                assertThat(new HashSet<>(side.receiver.kept)).isEqualTo(acknowledged);
                side.upstream
                        .requests()
                        .forEach(request -> lanesSeen.add(request.edgeBatch().lane()));
            }
            assertThat(poison).isNotEmpty();
        } finally {
            letters.values().forEach(Letters::delete);
        }
    }
}
