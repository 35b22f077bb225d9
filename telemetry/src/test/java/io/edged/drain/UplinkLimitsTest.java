package io.edged.drain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.edged.disk.CrashingDirectory;
import io.edged.disk.LogDirectory;
import io.edged.otlp.ContentEncoding;
import io.edged.otlp.Signal;
import io.edged.wal.Lanes;
import io.edged.wal.Settlement;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** How much, when and how old, in virtual time. */
class UplinkLimitsTest {

    private static final Instant BUILT = Instant.parse("2026-01-01T00:00:00Z");

    private final MemoryLog log = new MemoryLog(Lanes.DEFAULT);
    private final LogDirectory disk = new CrashingDirectory();

    private static DrainWindows windows(String zone, String... windows) {
        return new DrainWindows(
                Stream.of(windows).map(DrainWindows::window).toList(), ZoneId.of(zone));
    }

    private static UplinkLimits budget(long day, long month) {
        return new UplinkLimits(day, month, DrainWindows.ALWAYS, Duration.ZERO, BUILT);
    }

    private Destination.Ration ration(UplinkLimits limits) {
        return new Destination.Ration(List.of(), limits, UplinkMemory.in(disk));
    }

    private static DestinationOptions options(Upstream upstream) {
        return DestinationTest.options(upstream.uri(), ContentEncoding.IDENTITY, 1000, 8192, 1);
    }

    @ParameterizedTest(name = "{0} at {1}")
    @CsvSource({
        "Mon-Fri 22:00-06:00, 2026-11-21T10:00:00Z, 2026-11-23T22:00:00Z",
        "Mon-Fri 22:00-06:00, 2026-11-21T05:59:59Z, ''",
        "Mon-Fri 22:00-06:00, 2026-11-21T06:00:00Z, 2026-11-23T22:00:00Z",
        "'Sat,Sun 00:00-24:00', 2026-11-22T23:59:59Z, ''",
        "'Sat,Sun 00:00-24:00', 2026-11-23T00:00:00Z, 2026-11-28T00:00:00Z",
        "daily 03:30-04:00, 2026-11-21T10:00:00Z, 2026-11-22T03:30:00Z",
        "Fri-Mon 12:00-13:00, 2026-11-24T12:30:00Z, 2026-11-27T12:00:00Z"
    })
    void aWindowIsOpenOrOpensLater(String window, Instant now, String opens) {
        assertThat(windows("UTC", window).closedUntil(now).map(Instant::toString))
                .isEqualTo(
                        opens.isEmpty()
                                ? java.util.Optional.empty()
                                : java.util.Optional.of(opens));
    }

    @Test
    void windowsFollowTheClockOfTheirZone() {
        DrainWindows windows = windows("Europe/Berlin", "daily 02:00-04:00");
        // Winter: UTC+1. In the night of 29 March 2026 the clock goes from 02:00 to 03:00.
        assertThat(windows.closedUntil(Instant.parse("2026-01-10T01:30:00Z"))).isEmpty();
        assertThat(windows.closedUntil(Instant.parse("2026-07-10T01:30:00Z"))).isEmpty();
        assertThat(windows.closedUntil(Instant.parse("2026-07-10T02:30:00Z")))
                .contains(Instant.parse("2026-07-11T00:00:00Z"));
        assertThat(windows.closedUntil(Instant.parse("2026-03-29T01:30:00Z"))).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "22:00-06:00",
                "Mon 22:00",
                "Mon-Fri-Sun 01:00-02:00",
                "Xyz 01:00-02:00",
                "Mon 25:00-26:00",
                "Mon 1:00-2:00",
                "Mon 24:00-01:00",
                "Mon  01:00-02:00"
            })
    void whatIsNoWindowIsRefused(String text) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> DrainWindows.window(text))
                .withMessageContaining("such as");
    }

    @Test
    void nothingIsSentOutsideOfTheWindows() throws Exception {
        log.batch(Signal.LOGS, 1, Otlp.logs("a"));
        log.commit();
        var limits =
                new UplinkLimits(0, 0, windows("UTC", "daily 12:30-13:00"), Duration.ZERO, BUILT);
        try (var upstream = new Upstream(request -> Upstream.ok());
                var drain = new TurnedDestination(log, options(upstream), ration(limits))) {
            drain.turn();
            assertThat(drain.destination.status().state()).isEqualTo(DrainStatus.State.LIMITED);
            assertThat(drain.destination.status().limitedBy())
                    .contains("no drain window is open, until 2026-11-21T12:30:00Z");
            drain.turnUntil(() -> log.cursor("cloud", "logs").settledTo() == 1);
            assertThat(drain.elapsed()).isBetween(Duration.ofMinutes(150), Duration.ofMinutes(152));
            assertThat(drain.destination.status().limitedBy()).isEmpty();
        }
    }

    @Test
    void theBudgetOfADayHoldsOverRestartsAndUrgentDataGoesFirst() throws Exception {
        for (int i = 0; i < 100; i++) log.batch(Signal.LOGS, 1, Otlp.logs("x".repeat(900)));
        log.commit();
        var limits = budget(100_000, 0);
        long sent = 0;
        try (var upstream = new Upstream(request -> Upstream.ok())) {
            // Four processes in a row share one budget.
            for (int life = 0; life < 4; life++) {
                try (var drain = new TurnedDestination(log, options(upstream), ration(limits))) {
                    int before = upstream.requests().size();
                    drain.turnUntil(() ->
                            upstream.requests().size() >= before + 20
                                    || drain.destination.status().limitedBy().isPresent());
                }
                upstream.awaitNoClient();
            }
            try (var drain = new TurnedDestination(log, options(upstream), ration(limits))) {
                drain.turnUntil(() -> drain.destination.status().limitedBy().isPresent());
                sent =
                        upstream.requests().stream()
                                .mapToLong(request -> request.body().length + 512L)
                                .sum();
                assertThat(sent).isBetween(95_000L, 102_000L);
                assertThat(drain.elapsed()).isLessThan(Duration.ofMinutes(1));
                int before = upstream.requests().size();
                log.entry("{\"kind\":\"error\",\"body\":\"now\"}");
                log.commit();
                drain.turn();
                assertThat(upstream.requests()).hasSize(before);
                drain.turnUntil(() -> upstream.requests().size() > before);
                assertThat(drain.elapsed()).isBetween(Duration.ofHours(24), Duration.ofHours(26));
                assertThat(upstream.requests().get(before).edgeBatch().lane()).isEqualTo("error");
            }
        }
    }

    @Test
    void aCrashCountsAtMostOneAdvanceTooMuchAndNothingTooLittle() {
        UplinkMemory memory = UplinkMemory.in(disk);
        var budget = new ByteBudget("up", budget(10 << 20, 0), memory);
        Instant now = Instant.parse("2026-11-21T10:00:00Z");
        for (int i = 0; i < 1_000; i++) budget.sending(1_000, now);
        long known =
                UplinkMemory.in(disk).use("up").hours().values().stream()
                        .mapToLong(Long::longValue)
                        .sum();
        assertThat(known).isBetween(1_000_000L, 1_000_000L + (64 << 10));
        budget.close(now);
        assertThat(UplinkMemory.in(disk).use("up").hours()).containsValue(1_000_000L);
    }

    @Test
    void theBudgetOfAMonthEndsWithTheMonth() {
        var limits = new UplinkLimits(0, 1_000, windows("Europe/Berlin"), Duration.ZERO, BUILT);
        var budget = new ByteBudget("up", limits, UplinkMemory.in(disk));
        Instant now = Instant.parse("2026-11-21T10:00:00Z");
        assertThat(budget.left(ByteBudget.Period.MONTH, now)).isEqualTo(1_000);
        assertThat(budget.left(ByteBudget.Period.DAY, now)).isInfinite();
        budget.sending(999, now);
        assertThat(budget.hold(now)).isEmpty();
        assertThat(budget.left(ByteBudget.Period.MONTH, now)).isEqualTo(1);
        assertThat(budget.left(ByteBudget.Period.MONTH, Instant.parse("2026-11-30T23:00:00Z")))
                .isEqualTo(1_000);
        budget.sending(1, now);
        assertThat(budget.hold(now).map(ByteBudget.Hold::until))
                .contains(Instant.parse("2026-11-30T23:00:00Z"));
        assertThat(budget.hold(Instant.parse("2026-11-30T22:59:59Z"))).isPresent();
        assertThat(budget.hold(Instant.parse("2026-11-30T23:00:00Z"))).isEmpty();
    }

    @Test
    void aClockThatIsWrongForgivesNothing() {
        var budget = new ByteBudget("up", budget(1_000, 1_000), UplinkMemory.in(disk));
        Instant now = Instant.parse("2026-11-21T10:00:00Z");
        budget.sending(1_000, now);
        assertThat(budget.hold(Instant.EPOCH)).isPresent();
        assertThat(budget.left(ByteBudget.Period.DAY, Instant.EPOCH)).isZero();
        assertThat(budget.left(ByteBudget.Period.DAY, now.plus(Duration.ofHours(24)))).isZero();
        assertThat(budget.left(ByteBudget.Period.DAY, now.plus(Duration.ofHours(25))))
                .isEqualTo(1_000);
        assertThat(budget.hold(now.minus(Duration.ofDays(3)))).isPresent();
        assertThat(budget.hold(now)).isPresent();
    }

    @Test
    void aPauseOutlivesARestart() throws Exception {
        UplinkMemory.in(disk).change("cloud", use -> use.paused(true));
        log.batch(Signal.LOGS, 1, Otlp.logs("a"));
        log.commit();
        try (var upstream = new Upstream(request -> Upstream.ok())) {
            try (var drain =
                    new TurnedDestination(log, options(upstream), ration(UplinkLimits.NONE))) {
                assertThat(drain.turn()).isEqualTo(Long.MAX_VALUE);
                assertThat(drain.destination.status().state()).isEqualTo(DrainStatus.State.PAUSED);
                assertThat(drain.destination.status().limitedBy())
                        .contains("paused by the operator, until edged drain resume");
                drain.destination.pause(false);
                drain.turnUntil(() -> log.cursor("cloud", "logs").settledTo() == 1);
            }
        }
    }

    @Test
    void anOpenCircuitSaysWhyAndUntilWhen() throws Exception {
        log.batch(Signal.LOGS, 1, Otlp.logs("a"));
        log.commit();
        try (var upstream =
                        new Upstream(request ->
                                request.number() <= 3 ? Upstream.status(503) : Upstream.ok());
                var drain =
                        new TurnedDestination(log, options(upstream), ration(UplinkLimits.NONE))) {
            drain.turnUntil(() ->
                    drain.destination.status().state() == DrainStatus.State.WAITING
                            && drain.destination.status().inFlight() == 0);
            assertThat(drain.destination.status().limitedBy())
                    .hasValueSatisfying(why ->
                            assertThat(why)
                                    .startsWith("the circuit is open (unavailable: ")
                                    .contains("503")
                                    .contains("until one request is tried at 2026-11-21T10:"));
            drain.turnUntil(() -> log.cursor("cloud", "logs").settledTo() == 1);
            assertThat(drain.destination.status().limitedBy()).isEmpty();
        }
    }

    @Test
    void aBoundOfBytesPerSecondSaysWhenTheNextRequestGoes() throws Exception {
        for (int i = 0; i < 10; i++) log.batch(Signal.LOGS, 1, Otlp.logs("x".repeat(900)));
        log.commit();
        try (var upstream = new Upstream(request -> Upstream.ok())) {
            DestinationOptions usual = options(upstream);
            var slow =
                    new DestinationOptions(
                            usual.name(), usual.route(), usual.batching(), 1, usual.retry(), 1_000);
            try (var drain = new TurnedDestination(log, slow, ration(UplinkLimits.NONE))) {
                drain.turnUntil(() -> drain.destination.status().limitedBy().isPresent());
                assertThat(drain.destination.status().limitedBy())
                        .hasValueSatisfying(why ->
                                assertThat(why)
                                        .startsWith(
                                                "bytes_per_second is 1000, the next request goes at"
                                                        + " 2026-11-21T10:00:0"));
            }
        }
    }

    @Test
    void aMemoryThatIsDamagedIsAsGoodAsNone() throws Exception {
        UplinkMemory.in(disk).change("cloud", use -> use.paused(true));
        assertThat(UplinkMemory.in(disk).use("cloud").paused()).isTrue();
        ((CrashingDirectory) disk).flipBit(UplinkMemory.FILE, 12, 1);
        assertThat(UplinkMemory.in(disk).use("cloud")).isEqualTo(UplinkUse.NONE);
    }

    @Test
    void whatIsTooOldIsGivenUpWithoutBeingReadAndSaidSo() throws Exception {
        // The log writes 1,790,000,000 s: two months before the clock of these tests.
        for (int i = 0; i < 3_000; i++) log.batch(Signal.LOGS, 2, Otlp.logs("a", "b"));
        log.commit();
        var limits = new UplinkLimits(0, 0, DrainWindows.ALWAYS, Duration.ofDays(30), BUILT);
        try (var upstream = new Upstream(request -> Upstream.ok());
                var drain = new TurnedDestination(log, options(upstream), ration(limits))) {
            drain.destination.pause(true);
            for (int i = 0; i < 20; i++) drain.turn();
            assertThat(log.cursor("cloud", "logs").settledTo()).isEqualTo(3_000);
            assertThat(log.cursor("cloud", "logs").settlements().get(7L))
                    .isEqualTo(new Settlement(0, 0, Map.of("max_age", 2)));
            assertThat(log.bytesRead()).isZero();
            assertThat(log.gaveUp()).hasSize(1).first().asString().endsWith("1-3000 6000");
            assertThat(drain.metric("edged.drain.too.old", "lane", "logs")).isEqualTo(6_000);
        }
    }

    @Test
    void aRecordFromBeforeTheClockWasSetCountsFromItsFirstSight() throws Exception {
        log.batch(Signal.LOGS, 1, Otlp.logs("a"));
        log.commit();
        // As if this program had been built after the record was written.
        var limits =
                new UplinkLimits(
                        0,
                        0,
                        DrainWindows.ALWAYS,
                        Duration.ofHours(1),
                        Instant.parse("2026-11-20T00:00:00Z"));
        try (var upstream = new Upstream(request -> Upstream.ok());
                var drain = new TurnedDestination(log, options(upstream), ration(limits))) {
            drain.destination.pause(true);
            drain.turn();
            drain.pass(Duration.ofMinutes(59));
            drain.turn();
            assertThat(log.cursor("cloud", "logs").settledTo()).isZero();
            drain.pass(Duration.ofMinutes(2));
            drain.turn();
            assertThat(log.cursor("cloud", "logs").settledTo()).isEqualTo(1);
        }
    }
}
