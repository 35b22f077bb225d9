package io.edged.wal;

import static org.assertj.core.api.Assertions.assertThat;

import io.edged.disk.CrashingDirectory;
import io.edged.disk.LogFile;
import io.edged.otlp.Signal;
import io.edged.wal.LogFixture.Written;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;

import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;

class WalTest {

    private final CrashingDirectory disk = new CrashingDirectory();

    @Test
    void recordsComeOutAsTheyWentIn() throws IOException {
        Wal log = LogFixture.open(disk, 1);
        Written batch =
                Written.batch(
                        Signal.TRACES,
                        "body".getBytes(StandardCharsets.UTF_8),
                        3,
                        "{\"tenant\":\"a\"}");
        Written event = Written.event("{\"kind\":\"error\",\"body\":\"ä ,\\\"group\\\":7\"}");
        assertThat(log.offer(batch)).isEqualTo(Appender.Offer.QUEUED);
        assertThat(log.offer(event)).isEqualTo(Appender.Offer.QUEUED);
        LogFixture.settle(log);

        assertThat(batch.durableSeq).isEqualTo(1);
        assertThat(event.durableSeq).isEqualTo(2);
        try (LogReader reader = log.reader(0)) {
            Frame first = ((LogReader.Next.Read) reader.next()).frame();
            assertThat(first.signal()).contains(Signal.TRACES);
            assertThat(first.items()).isEqualTo(3);
            assertThat(first.metadata()).isEqualTo("{\"tenant\":\"a\"}");
            assertThat(first.mergeable()).isTrue();
            Frame second = ((LogReader.Next.Read) reader.next()).frame();
            assertThat(second.isEntry()).isTrue();
            assertThat(reader.next()).isInstanceOf(LogReader.Next.AtEnd.class);
        }
        assertThat(LogFixture.readAll(log))
                .extracting(LogFixture.Recovered::text)
                .containsExactly("body", new String(event.content, StandardCharsets.UTF_8));
    }

    @Test
    void everythingThatWaitsSharesOneForce() throws IOException {
        Wal log = LogFixture.open(disk, 1);
        log.keeperTurn();
        for (int i = 0; i < 100; i++)
            log.offer(Written.batch(Signal.LOGS, new byte[] {(byte) i}, 1));
        log.writerTurn(); // makes the first segment, too
        long forcesBefore = forces();
        for (int i = 0; i < 100; i++)
            log.offer(Written.batch(Signal.LOGS, new byte[] {(byte) i}, 1));
        log.writerTurn();
        assertThat(forces() - forcesBefore).isEqualTo(1);
        assertThat(log.committedSeq()).isEqualTo(200);
    }

    private long forces() {
        return disk.trace().stream().filter(call -> call.startsWith("force ")).count();
    }

    @Test
    void aCleanStopIsFoundCleanAndChangesNothing() throws IOException {
        Wal log = LogFixture.open(disk, 1);
        for (int i = 0; i < 10; i++) log.offer(Written.batch(Signal.LOGS, new byte[100], 1));
        LogFixture.settle(log);
        log.finish();
        Wal again = LogFixture.open(disk, 2);
        assertThat(again.logId()).isEqualTo(log.logId());
        assertThat(LogFixture.readAll(again)).hasSize(10);
        long callsBefore = disk.calls();
        LogFixture.open(disk, 3);
        assertThat(disk.calls()).isEqualTo(callsBefore);
    }

    @Test
    void theClockDecidesNothing() throws IOException {
        var now = new AtomicReference<Instant>();
        var written = new ArrayList<String>();
        // As on devices without a battery, and with wrong time servers.
        for (String instant :
                List.of(
                        "2026-11-21T12:00:00Z",
                        "1970-01-01T00:00:00Z",
                        "2038-01-19T03:14:08Z",
                        "1969-12-31T23:59:59Z",
                        "2262-04-12T00:00:00Z",
                        "2016-12-31T23:59:60Z",
                        "2020-02-29T12:00:00Z")) {
            // Leap seconds do not reach Java's clock; the second after one comes twice.
            now.set(Instant.parse(instant.replace(":60Z", ":59Z")));
            var before = LogFixture.environment(written.size());
            Wal log =
                    Wal.openStill(
                            disk,
                            LogFixture.SMALL,
                            new WalEnvironment(
                                    now::get, before.nanoTime(), before.random(), before.meters()));
            for (int i = 0; i < 6; i++) {
                String text = "{\"at\":\"" + instant + "\",\"number\":" + i + "}";
                Written entry = Written.event(text);
                log.offer(entry);
                LogFixture.settle(log);
                written.add(text);
                assertThat(entry.durableSeq).as(instant).isEqualTo(written.size());
                now.set(now.get().minusSeconds(3_600));
            }
            if (written.size() % 4 == 0) log.finish();
        }
        assertThat(LogFixture.readAll(LogFixture.open(disk, 99)))
                .extracting(LogFixture.Recovered::text)
                .containsExactlyElementsOf(written);
    }

    @Test
    void segmentsBehindEveryCursorAreGivenBack() throws IOException {
        Wal log = LogFixture.open(disk, 1);
        Cursor cursor = log.cursor("sink", "all");
        var frames = new ArrayList<Frame>();
        for (int round = 0; round < 40; round++) {
            for (int i = 0; i < 4; i++) log.offer(Written.batch(Signal.LOGS, new byte[4_000], 1));
            LogFixture.settle(log);
        }
        assertThat(log.status().segments()).isGreaterThan(8);
        try (LogReader reader = log.reader(0)) {
            while (reader.next() instanceof LogReader.Next.Read(Frame frame)) frames.add(frame);
        }
        assertThat(frames).hasSize(160);
        for (Frame frame : frames) cursor.settle(frame, Settlement.delivered(1));
        log.keeperTurn();
        log.keeperTurn();
        assertThat(log.status().segments()).isEqualTo(1);
        assertThat(log.ledger())
                .filteredOn(row -> row.signal().equals("logs"))
                .singleElement()
                .satisfies(row -> {
                    assertThat(row.accepted()).isEqualTo(160);
                    assertThat(row.delivered()).isEqualTo(160);
                });
    }

    @Test
    void aNewCursorHoldsTheSegmentsThatAllOthersHavePassed() throws IOException {
        var nanos = new AtomicLong();
        WalOptions options = LogFixture.checkpointing(Duration.ofSeconds(1));
        var environment =
                new WalEnvironment(
                        Instant::now, nanos::get, new Random(1), new SimpleMeterRegistry());
        Wal log = Wal.openStill(disk, options, environment);
        Cursor first = log.cursor("first", "all");
        for (int i = 0; i < 40; i++) {
            log.offer(Written.batch(Signal.LOGS, new byte[4_000], 1));
            LogFixture.settle(log);
        }
        int segments = log.status().segments();
        assertThat(segments).isGreaterThan(2);
        first.passTo(log.committedSeq());
        nanos.addAndGet(Duration.ofSeconds(2).toNanos());
        // The checkpoint says that all is settled, and the reader keeps it from being given back.
        try (LogReader reader = log.reader(0)) {
            assertThat(reader.next()).isInstanceOf(LogReader.Next.Read.class);
            log.keeperTurn();
        }
        Cursor second = log.cursor("second", "all");
        log.keeperTurn();
        assertThat(log.status().segments()).isEqualTo(segments);
        assertThat(second.settledTo()).isZero();
        assertThat(log.balances())
                .filteredOn(row -> row.cursor().equals("second/all") && row.pending() > 0)
                .singleElement()
                .satisfies(row -> assertThat(row.pending()).isEqualTo(40));
        second.passTo(log.committedSeq());
        nanos.addAndGet(Duration.ofSeconds(2).toNanos());
        log.keeperTurn();
        assertThat(log.status().segments()).isEqualTo(1);
    }

    @Test
    void whatWaitsForADestinationThatIsForgottenGivesItsRoomBack() throws Exception {
        var nanos = new AtomicLong();
        var environment =
                new WalEnvironment(
                        Instant::now, nanos::get, new Random(1), new SimpleMeterRegistry());
        Wal log = Wal.openStill(disk, LogFixture.SMALL, environment);
        Cursor kept = log.cursor("kept", "all");
        log.cursor("gone", "all");
        for (int i = 0; i < 40; i++) {
            log.offer(Written.batch(Signal.LOGS, new byte[4_000], 1));
            LogFixture.settle(log);
        }
        kept.passTo(log.committedSeq());
        nanos.addAndGet(Duration.ofSeconds(2).toNanos());
        log.keeperTurn();
        assertThat(log.status().segments()).isGreaterThan(2);
        assertThat(log.balances()).anyMatch(row -> row.cursor().equals("gone/all"));

        log.forget("gone");
        assertThat(log.balances()).noneMatch(row -> row.cursor().equals("gone/all"));
        Wal again = Wal.openStill(disk.powerLoss(new Random(1)), LogFixture.SMALL, environment);
        assertThat(again.balances())
                .anyMatch(row -> row.cursor().equals("kept/all"))
                .noneMatch(row -> row.cursor().equals("gone/all"));
        again.cursor("kept", "all").passTo(again.committedSeq());
        nanos.addAndGet(Duration.ofSeconds(2).toNanos());
        again.keeperTurn();
        assertThat(again.status().segments()).isEqualTo(1);
    }

    @Test
    void aSettledSegmentIsUsedAgainWithoutWaitingForTheRegularCheckpoint() throws IOException {
        WalOptions options = LogFixture.checkpointing(Duration.ofMillis(500));
        Wal log = Wal.openStill(disk, options, LogFixture.environment(1));
        Cursor cursor = log.cursor("sink", "all");
        // The clock moves a millisecond whenever it is read: about 8 segments in 500 ms.
        for (int round = 0; round < 300; round++) {
            for (int i = 0; i < 4; i++) log.offer(Written.batch(Signal.LOGS, new byte[4_000], 1));
            LogFixture.settle(log);
            cursor.passTo(log.committedSeq());
        }
        long filled =
                disk.trace().stream().filter(call -> call.matches("create .*prepared")).count();
        long usedAgain =
                disk.trace().stream()
                        .filter(call -> call.matches("rename .*wal .*prepared"))
                        .count();
        assertThat(filled + usedAgain).isGreaterThan(70);
        assertThat(usedAgain).isGreaterThan(4 * filled);
    }

    @Test
    void aFullLogRefusesAndRecoversWhenTheDrainHasDelivered() throws IOException {
        WalOptions options = LogFixture.options(64 << 10, 5 * (64 << 10));
        Wal log = Wal.openStill(disk, options, LogFixture.environment(1));
        Cursor cursor = log.cursor("sink", "all");
        var accepted = new ArrayList<Written>();
        Appender.Offer offer = Appender.Offer.QUEUED;
        for (int i = 0; i < 1_000 && offer == Appender.Offer.QUEUED; i++) {
            Written append = Written.batch(Signal.LOGS, new byte[4_000], 1);
            offer = log.offer(append);
            if (offer == Appender.Offer.QUEUED) {
                LogFixture.settle(log);
                if (append.failure == null) accepted.add(append);
                else assertThat(append.failure.code()).isEqualTo(WalException.Code.FULL);
            }
        }
        assertThat(offer).isEqualTo(Appender.Offer.FULL);
        assertThat(log.status().full()).isTrue();
        assertThat(accepted).hasSizeGreaterThan(30).allMatch(append -> append.durableSeq > 0);

        try (LogReader reader = log.reader(0)) {
            while (reader.next() instanceof LogReader.Next.Read(Frame frame))
                cursor.settle(frame, Settlement.delivered(1));
        }
        log.keeperTurn();
        log.keeperTurn();
        Written after = Written.batch(Signal.LOGS, new byte[4_000], 1);
        assertThat(log.offer(after)).isEqualTo(Appender.Offer.QUEUED);
        LogFixture.settle(log);
        assertThat(after.durableSeq).isEqualTo(accepted.size() + 1);
    }

    @Test
    void theReserveOfTheDiskIsLeftAloneAndTheLogRecoversWhenThereIsRoom() throws IOException {
        WalOptions small = LogFixture.SMALL;
        long reserve = 1 << 20;
        var options =
                new WalOptions(
                        small.segmentBytes(),
                        small.ceilingBytes(),
                        reserve,
                        small.queueBytes(),
                        small.onCorruption(),
                        small.onFull(),
                        small.checkpointInterval());
        Wal log = Wal.openStill(disk, options, LogFixture.environment(1));
        disk.capacity(reserve + 4 * small.segmentBytes());
        Appender.Offer offer = Appender.Offer.QUEUED;
        for (int i = 0; i < 1_000 && offer == Appender.Offer.QUEUED; i++) {
            offer = log.offer(Written.batch(Signal.LOGS, new byte[4_000], 1));
            LogFixture.settle(log);
        }
        assertThat(offer).isEqualTo(Appender.Offer.FULL);
        assertThat(log.status().full()).isTrue();
        assertThat(disk.usableBytes()).isGreaterThanOrEqualTo(reserve);

        // Somebody deletes what is not ours; the log finds that out by itself.
        disk.capacity(2 * reserve + 8 * small.segmentBytes());
        log.keeperTurn();
        assertThat(log.status().full()).isFalse();
        Written after = Written.batch(Signal.LOGS, new byte[4_000], 1);
        assertThat(log.offer(after)).isEqualTo(Appender.Offer.QUEUED);
        LogFixture.settle(log);
        assertThat(after.durableSeq).isPositive();
    }

    @Test
    void aKeeperThatSleepsIsAwakeWithinASecondOfACommit() throws Exception {
        WalOptions options = LogFixture.checkpointing(Duration.ofSeconds(1));
        var environment =
                new WalEnvironment(
                        Instant::now, System::nanoTime, new Random(1), new SimpleMeterRegistry());
        try (Wal log = Wal.open(disk, options, environment)) {
            for (long seq = 1; seq <= 3; seq++) {
                // The second time and later it has nothing to do and sleeps.
                if (seq > 1) Thread.sleep(3_500);
                long began = System.nanoTime();
                log.offer(Written.batch(Signal.LOGS, new byte[100], 1));
                while (safeSeq() < seq) {
                    assertThat(System.nanoTime() - began)
                            .isLessThan(Duration.ofMillis(2_500).toNanos());
                    Thread.sleep(5);
                }
            }
        }
    }

    private long safeSeq() throws IOException {
        try (LogFile file = disk.openReadOnly("telemetry.safe_seq")) {
            var bytes = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
            file.read(bytes, 0);
            return bytes.flip().remaining() < 8 ? 0 : bytes.getLong();
        }
    }

    @Test
    void afterAFailedForceNothingIsAcknowledgedAndNothingTaken() throws IOException {
        Wal log = LogFixture.open(disk, 1);
        Written before = Written.batch(Signal.LOGS, new byte[100], 1);
        log.offer(before);
        LogFixture.settle(log);
        disk.failForceAtCall(disk.calls() + 1);
        Written lost = Written.batch(Signal.LOGS, new byte[] {1, 2, 3}, 1);
        log.offer(lost);
        LogFixture.settle(log);
        assertThat(lost.durableSeq).isZero();
        assertThat(lost.failure).isNotNull();
        assertThat(log.offer(Written.batch(Signal.LOGS, new byte[1], 1)))
                .isEqualTo(Appender.Offer.FAILED);

        // A new process still sees the lost record in the page cache. It may keep it, but only by
        // forcing it anew.
        CrashingDirectory seen = disk.processKilled();
        int found = LogFixture.readAll(LogFixture.open(seen, 2)).size();
        CrashingDirectory off = seen.powerLoss(new java.util.Random(3));
        assertThat(LogFixture.readAll(LogFixture.open(off, 4))).hasSize(found);
    }

    @Test
    void theOldestRecordsMakeRoomIfTheOperatorPrefersNewOnes() throws IOException {
        var keepTraces =
                new WalOptions.OnFull.DropOldest(
                        frame -> frame.signal().equals(Optional.of(Signal.TRACES)));
        var options =
                new WalOptions(
                        64 << 10,
                        5 * (64 << 10),
                        0,
                        1 << 20,
                        WalOptions.OnCorruption.QUARANTINE,
                        keepTraces,
                        Duration.ZERO);
        Wal log = Wal.openStill(disk, options, LogFixture.environment(1));
        Cursor cursor = log.cursor("sink", "all");
        var traces = new ArrayList<Long>();
        for (int i = 0; i < 200; i++) {
            Signal signal = i % 20 == 0 ? Signal.TRACES : Signal.LOGS;
            Written append = Written.batch(signal, new byte[4_000], 2);
            Appender.Offer offer = log.offer(append);
            for (int turns = 0;
                    turns < 10 && append.durableSeq == 0 && append.failure == null;
                    turns++) {
                log.writerTurn();
                log.keeperTurn();
            }
            log.keeperTurn();
            if (offer == Appender.Offer.QUEUED && append.durableSeq > 0 && signal == Signal.TRACES)
                traces.add(append.durableSeq);
        }
        assertThat(log.committedSeq()).isGreaterThan(150);
        var missing = new ArrayList<SeqRange>();
        List<LogFixture.Recovered> left = LogFixture.readAll(log, 0, missing);
        assertThat(missing).isNotEmpty();
        assertThat(left).extracting(LogFixture.Recovered::seq).containsAll(traces);
        assertThat(log.status().allocatedBytes()).isLessThanOrEqualTo(options.ceilingBytes());
        assertThat(left).anySatisfy(record -> assertThat(record.text()).contains("were given up"));
        assertThat(log.ledger().stream().mapToLong(Positions.LedgerRow::pending).sum())
                .isEqualTo(left.stream().mapToLong(LogFixture.Recovered::items).sum());
        assertThat(cursor.settledTo()).isLessThan(traces.getFirst());
        log.finish();
        assertThat(
                        LogFixture.readAll(
                                Wal.openStill(disk, options, LogFixture.environment(2)),
                                0,
                                missing))
                .isEqualTo(left);
    }
}
