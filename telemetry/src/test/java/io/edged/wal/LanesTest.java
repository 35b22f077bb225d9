package io.edged.wal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.edged.disk.CrashingDirectory;
import io.edged.otlp.Signal;
import io.edged.wal.LogFixture.Written;
import io.edged.wal.Wal.Balance;

import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;

/** Which lane a record is in, and what a log makes of it. */
class LanesTest {

    private static final WalOptions DEFAULT = LogFixture.withLanes(LogFixture.SMALL, Lanes.DEFAULT);

    private CrashingDirectory disk = new CrashingDirectory();

    private Wal open(WalOptions options) throws IOException {
        return Wal.openStill(disk, options, LogFixture.environment(7));
    }

    /** An error, an action, two spans, a log record, four points, an event of no kind. */
    private static void write(Wal log) {
        log.offer(Written.event("{\"kind\":\"error\"}"));
        log.offer(Written.event("{\"a\":{\"kind\":\"error\"},\"kind\":\"action\"}"));
        log.offer(Written.batch(Signal.TRACES, new byte[] {1}, 2));
        log.offer(Written.batch(Signal.LOGS, new byte[] {2}, 1));
        log.offer(Written.batch(Signal.METRICS, new byte[] {3}, 4));
        log.offer(Written.event("{\"n\":1}"));
        LogFixture.settle(log);
    }

    private static List<Frame> frames(Wal log) throws WalException {
        return LogFixture.readAll(log, 0, new ArrayList<>()).stream()
                .map(LogFixture.Recovered::frame)
                .toList();
    }

    private static List<String> pending(Wal log) {
        return log.balances().stream()
                .filter(balance -> balance.pending() != 0)
                .map(balance -> balance.cursor() + " " + balance.signal() + " " + balance.pending())
                .toList();
    }

    @Test
    void eventsGoByTheirKindAndRequestsByTheirSignal() throws IOException {
        Wal log = open(DEFAULT);
        log.cursors("up");
        write(log);
        assertThat(frames(log))
                .extracting(frame -> Lanes.DEFAULT.names().get(Lanes.DEFAULT.of(frame)))
                .containsExactly("error", "action", "traces", "logs", "metrics", "logs");
        assertThat(pending(log))
                .containsExactly(
                        "up/action logs 1",
                        "up/error logs 1",
                        "up/logs logs 2",
                        "up/metrics metrics 4",
                        "up/traces traces 2");
    }

    @Test
    void theBytesThatArePendingFollowCommitsAndSettlements() throws IOException {
        Wal log = open(DEFAULT);
        Cursor action = cursor(log, "action");
        write(log);
        List<Frame> frames = frames(log);
        int error = frames.get(0).bodyBytes();
        int rest = frames.get(3).bodyBytes() + frames.get(5).bodyBytes();
        assertThat(pendingBytes(log))
                .containsExactly(
                        "up/action logs " + frames.get(1).bodyBytes(),
                        "up/error logs " + error,
                        "up/logs logs " + rest,
                        "up/metrics metrics 1",
                        "up/traces traces 1");
        action.settle(frames.get(1), Settlement.delivered(1));
        log.finish();

        Wal again = open(DEFAULT);
        assertThat(pendingBytes(again))
                .containsExactly(
                        "up/error logs " + error,
                        "up/logs logs " + rest,
                        "up/metrics metrics 1",
                        "up/traces traces 1");
        again.finish();
    }

    @Test
    void whereTheFileDoesNotSayHowManyBytesArePendingTheyAreCounted() throws IOException {
        Wal log = open(DEFAULT);
        Cursor action = cursor(log, "action");
        write(log);
        action.settle(frames(log).get(1), Settlement.delivered(1));
        List<String> before = pendingBytes(log);
        log.finish();
        Positions now = Positions.decode(disk.content(Positions.FILE));
        var older =
                new Positions(
                        now.log(),
                        now.cursors(),
                        now.gaps(),
                        now.ledger().stream()
                                .map(row ->
                                        new Positions.LedgerRow(
                                                row.cursor(),
                                                row.signal(),
                                                row.accepted(),
                                                row.delivered(),
                                                row.deadLettered(),
                                                row.dropped(),
                                                OptionalLong.empty()))
                                .toList(),
                        now.countedTo(),
                        now.notices(),
                        now.lanes());
        disk.put(Positions.FILE, older.encode());

        Wal again = open(DEFAULT);
        assertThat(before).hasSize(4);
        assertThat(pendingBytes(again)).isEqualTo(before);
        assertThat(pending(again))
                .containsExactly(
                        "up/error logs 1",
                        "up/logs logs 2",
                        "up/metrics metrics 4",
                        "up/traces traces 2");
        again.finish();
    }

    @Test
    void damageThatIsFoundWhileCountingIsCountedOnce() throws IOException {
        Wal log = open(LogFixture.SMALL);
        log.cursor("up", "all");
        for (int i = 0; i < 5; i++) {
            for (int seq = 1; seq <= 3; seq++)
                log.offer(Written.batch(Signal.METRICS, new byte[30 << 10], 4));
            LogFixture.settle(log);
        }
        log.finish();
        String oldest =
                disk.names().stream()
                        .filter(name -> name.endsWith(".wal"))
                        .sorted()
                        .findFirst()
                        .orElseThrow();
        disk.flipBit(oldest, 10, 3); // the items of the first header

        Wal changed = open(DEFAULT);
        changed.cursors("up");
        List<Frame> left = frames(changed);
        assertThat(left).hasSize(14);
        assertThat(pending(changed)).containsExactly("up/metrics metrics " + 4 * left.size());
        assertThat(pendingBytes(changed))
                .containsExactly("up/metrics metrics " + (30 << 10) * left.size());
        changed.finish();
    }

    private static Cursor cursor(Wal log, String lane) throws IOException {
        return log.cursors("up").stream()
                .filter(cursor -> cursor.name().endsWith("/" + lane))
                .findAny()
                .orElseThrow();
    }

    private static List<String> pendingBytes(Wal log) {
        return log.balances().stream()
                .filter(balance -> balance.pendingBytes() != 0)
                .map(balance ->
                        balance.cursor() + " " + balance.signal() + " " + balance.pendingBytes())
                .toList();
    }

    @Test
    void aCursorOfALaneStandsBehindFramesOfOthersOnlyWhereItIsTold() throws IOException {
        Wal log = open(DEFAULT);
        List<Cursor> cursors = log.cursors("up");
        write(log);
        List<Frame> frames = frames(log);
        Cursor logs = cursors.get(5);
        assertThatIllegalStateException()
                .isThrownBy(() -> logs.settle(frames.get(0), Settlement.delivered(1)))
                .withMessageContaining("not of the lane of up/logs");
        logs.settle(frames.get(5), 4, Settlement.delivered(1));
        assertThat(logs.settledTo()).isZero();
        assertThat(logs.isSettled(5)).isTrue();
        logs.settle(frames.get(3), 0, Settlement.delivered(1));
        assertThat(logs.settledTo()).isEqualTo(6);
    }

    @Test
    void aLogWithOneLaneUpgradesWithoutLossAndRepeatsNothingThatWasSettledBelow()
            throws IOException {
        Wal log = open(LogFixture.SMALL);
        Cursor all = log.cursor("up", "all");
        write(log);
        List<Frame> frames = frames(log);
        all.settle(frames.get(0), Settlement.delivered(1));
        all.settle(frames.get(1), Settlement.delivered(1));
        all.settle(frames.get(4), Settlement.delivered(4));
        log.finish();

        Wal upgraded = open(DEFAULT);
        List<Cursor> cursors = upgraded.cursors("up");
        assertThat(cursors).extracting(Cursor::settledTo).containsOnly(2L);
        assertThat(cursors).allMatch(cursor -> cursor.isSettled(5) && !cursor.isSettled(4));
        assertThat(pending(upgraded)).containsExactly("up/logs logs 2", "up/traces traces 2");
        assertThat(upgraded.balances().stream().mapToLong(Balance::delivered).sum()).isEqualTo(6);
        assertThat(upgraded.balances().stream().mapToLong(Balance::accepted).sum()).isEqualTo(10);
        assertThat(cursors).extracting(Cursor::sentBefore).containsOnly(6L);
        upgraded.finish();
    }

    @Test
    void aChangedRuleGoesBackToTheLowestAndCountsAnewAlsoIfItCrashesAtAnyCall() throws IOException {
        for (int call = 1; call <= 60; call++) {
            disk = new CrashingDirectory();
            Wal log = open(DEFAULT);
            List<Cursor> cursors = log.cursors("up");
            write(log);
            List<Frame> frames = frames(log);
            cursors.get(0).settle(frames.get(0), Settlement.delivered(1));
            for (Cursor cursor : cursors.subList(0, 5)) cursor.passTo(6);
            cursors.get(5).settle(frames.get(3), Settlement.delivered(1));
            cursors.get(6).settle(frames.get(4), 0, Settlement.delivered(4));
            log.finish();

            disk.losePowerAtCall(disk.calls() + call);
            try {
                open(LogFixture.LANES).finish();
            } catch (IOException e) {
                disk = disk.powerLoss(new java.util.Random(call));
            }
            Wal changed = open(LogFixture.LANES);
            assertThat(changed.cursors("up")).extracting(Cursor::settledTo).containsOnly(0L);
            // What every lane had settled or passed stays settled: the log record.
            assertThat(pending(changed))
                    .as("call %d", call)
                    .containsExactly(
                            "up/error logs 1",
                            "up/rest logs 2",
                            "up/rest metrics 4",
                            "up/traces traces 2");
            assertThat(changed.balances().stream().mapToLong(Balance::delivered).sum())
                    .isEqualTo(6);
        }
    }

    @Test
    void aSeverityIsFoundAgainInTheMetadata() throws IOException {
        Lanes lanes = LogFixture.LANES.lanes();
        assertThat(lanes.laneOfLogs(16)).isEmpty();
        assertThat(lanes.laneOfLogs(17)).contains("urgent");
        Wal log = open(LogFixture.LANES);
        log.cursors("up");
        log.offer(Written.batch(Signal.LOGS, new byte[] {1}, 3, "{\"lane\":\"urgent\"}"));
        log.offer(Written.batch(Signal.LOGS, new byte[] {2}, 5, "{\"t\":\"\\\"lane\\\":\"}"));
        log.offer(Written.batch(Signal.METRICS, new byte[] {3}, 7, "{\"lane\":\"urgent\"}"));
        log.offer(Written.batch(Signal.LOGS, new byte[] {4}, 11, "{\"lane\":\"error\"}"));
        LogFixture.settle(log);
        assertThat(pending(log))
                .containsExactly("up/rest logs 16", "up/rest metrics 7", "up/urgent logs 3");
    }

    @Test
    void theLaneOfSevereLogsIsWrittenIntoTheirMetadata() throws IOException {
        Wal log = open(LogFixture.LANES);
        log.cursors("up");
        for (String metadata : List.of("", "{}", "{\"t\":\"x\"}"))
            for (int severity : List.of(16, 17)) log.offer(new Severe(metadata, severity));
        LogFixture.settle(log);
        assertThat(frames(log))
                .extracting(Frame::metadata)
                .containsExactly(
                        "",
                        "{\"lane\":\"urgent\"}",
                        "{}",
                        "{\"lane\":\"urgent\"}",
                        "{\"t\":\"x\"}",
                        "{\"lane\":\"urgent\",\"t\":\"x\"}");
        assertThat(pending(log)).containsExactly("up/rest logs 3", "up/urgent logs 3");
    }

    /** A request of logs whose severity was seen at the door. */
    private static final class Severe extends Append {
        private final int severity;

        Severe(String metadata, int severity) {
            super(
                    Signal.LOGS,
                    io.edged.otlp.ContentEncoding.IDENTITY,
                    true,
                    1,
                    LogFixture.direct(metadata.getBytes(java.nio.charset.StandardCharsets.UTF_8)),
                    LogFixture.crc(new byte[] {1}),
                    LogFixture.direct(new byte[] {1}));
            this.severity = severity;
        }

        @Override
        protected int highestSeverity() {
            return severity;
        }

        @Override
        protected void durable(long seq) {}

        @Override
        protected void failed(WalException why) {
            throw new IllegalStateException(why);
        }
    }

    @Test
    void whatIsSentIsKnownAfterACrash() throws IOException {
        Wal log = open(DEFAULT);
        Cursor error = log.cursors("up").getFirst();
        write(log);
        assertThat(error.sendableTo()).isZero();
        error.allowTo(100, true);
        assertThat(error.sendableTo()).isZero();
        log.keeperTurn();
        assertThat(error.sendableTo()).isEqualTo(100);
        disk = disk.powerLoss(new java.util.Random(1));
        Wal again = open(DEFAULT);
        List<Cursor> cursors = again.cursors("up");
        assertThat(cursors.getFirst().sentBefore()).isEqualTo(100);
        assertThat(cursors.get(1).sentBefore()).isZero();
        cursors.getFirst().sentOnlyTo(1);
        again.finish();
        assertThat(open(DEFAULT).cursors("up").getFirst().sentBefore()).isEqualTo(1);
    }

    @Test
    void withoutTheFileOfTheCursorsEverythingCountsAsSent() throws IOException {
        Wal log = open(DEFAULT);
        log.cursors("up");
        write(log);
        log.finish();
        disk.delete(Positions.FILE);
        disk.force();
        assertThat(open(DEFAULT).cursors("up")).extracting(Cursor::sentBefore).containsOnly(6L);
    }

    @Test
    void dropOldestSparesTheLanesThatAreToBeKept() throws IOException {
        Lanes lanes = Lanes.DEFAULT;
        var small =
                new WalOptions(
                        64 << 10,
                        4 * (64 << 10),
                        0,
                        1 << 20,
                        WalOptions.OnCorruption.QUARANTINE,
                        new WalOptions.OnFull.DropOldest(frame -> lanes.of(frame) == 0),
                        java.time.Duration.ZERO,
                        lanes);
        Wal log = open(small);
        log.cursors("up");
        int errors = 0;
        for (int i = 0; i < 200; i++) {
            boolean error = i % 20 == 0;
            Appender.Offer offer =
                    error
                            ? log.offer(Written.event("{\"kind\":\"error\",\"n\":" + i + "}"))
                            : log.offer(Written.batch(Signal.LOGS, new byte[8_000], 1));
            if (error && offer == Appender.Offer.QUEUED) errors++;
            LogFixture.settle(log);
            log.keeperTurn();
        }
        Balance error =
                log.balances().stream()
                        .filter(row ->
                                row.cursor().equals("up/error") && row.signal().equals("logs"))
                        .findFirst()
                        .orElseThrow();
        Balance logs =
                log.balances().stream()
                        .filter(row ->
                                row.cursor().equals("up/logs") && row.signal().equals("logs"))
                        .findFirst()
                        .orElseThrow();
        assertThat(logs.dropped()).isPositive();
        // The events that tell of the drops are errors, too.
        assertThat(error.dropped()).isZero();
        assertThat(error.accepted()).isGreaterThanOrEqualTo(errors);
        assertThat(
                        frames(log).stream()
                                .filter(frame -> lanes.of(frame) == 0)
                                .mapToLong(Frame::items)
                                .sum())
                .isEqualTo(error.pending());
    }

    @Test
    void rulesThatContradictEachOtherAreRefused() {
        var all = new Lanes.Rule("a", List.of("k"), List.of(Signal.values()), 0);
        for (List<Lanes.Rule> rules :
                List.of(
                        List.<Lanes.Rule>of(),
                        List.of(all, new Lanes.Rule("a", List.of("x"), List.of(), 0)),
                        List.of(all, new Lanes.Rule("b", List.of("k"), List.of(), 0)),
                        List.of(all, new Lanes.Rule("b", List.of(), List.of(Signal.LOGS), 0)),
                        List.of(new Lanes.Rule("b", List.of(), List.of(Signal.LOGS), 0)),
                        List.of(
                                all,
                                new Lanes.Rule("b", List.of(), List.of(Signal.LOGS), 9),
                                new Lanes.Rule("c", List.of(), List.of(Signal.LOGS), 9))))
            assertThatIllegalArgumentException().isThrownBy(() -> new Lanes(rules));
    }
}
