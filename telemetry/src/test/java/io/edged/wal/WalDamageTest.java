package io.edged.wal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.edged.disk.CrashingDirectory;
import io.edged.otlp.Signal;
import io.edged.wal.LogFixture.Recovered;
import io.edged.wal.LogFixture.Written;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.LongStream;

/** Every byte of a small log, changed or cut, with what must remain. */
class WalDamageTest {

    private static final Logger LOG = Logger.getLogger("io.edged");

    @BeforeAll
    static void damageIsExpectedAndNotWorthALine() {
        LOG.setLevel(Level.OFF);
    }

    @AfterAll
    static void linesAreWorthReadingAgain() {
        LOG.setLevel(null);
    }

    /** One segment of five frames in three groups: 1, 2-4, 5; an entry is the third. */
    private static CrashingDirectory stopped() throws IOException {
        var disk = new CrashingDirectory();
        Wal log = LogFixture.open(disk, 1);
        log.cursor("sink", "all");
        log.offer(Written.batch(Signal.LOGS, new byte[40], 1));
        LogFixture.settle(log);
        log.offer(Written.batch(Signal.METRICS, new byte[600], 2, "{\"tenant\":\"a\"}"));
        log.offer(Written.event("{\"kind\":\"decision\"}"));
        log.offer(Written.batch(Signal.TRACES, new byte[70], 3));
        LogFixture.settle(log);
        log.offer(Written.batch(Signal.LOGS, new byte[10], 4));
        LogFixture.settle(log);
        log.finish();
        return disk;
    }

    private static String segment(CrashingDirectory disk) throws IOException {
        return disk.names().stream()
                .filter(name -> name.endsWith(".wal"))
                .findFirst()
                .orElseThrow();
    }

    /** Ends of the frames in the only segment. */
    private static List<Long> frameEnds(CrashingDirectory disk) throws IOException {
        var name = SegmentName.parse(segment(disk)).orElseThrow();
        try (var file = disk.openReadOnly(name.file())) {
            var parser = new FrameParser(name, new ReadWindow(file, 4_096));
            var ends = new ArrayList<Long>();
            long offset = 0;
            while (parser.parse(offset, file.size(), true)
                    instanceof FrameParser.Parsed.Intact intact) {
                ends.add(intact.end());
                offset = intact.end();
            }
            return ends;
        }
    }

    private static int frameAt(List<Long> ends, long offset) {
        int frame = 0;
        while (ends.get(frame) <= offset) frame++;
        return frame + 1;
    }

    private static List<Long> seqs(Wal log, List<SeqRange> missing) throws IOException {
        return LogFixture.readAll(log, 0, missing).stream().map(Recovered::seq).toList();
    }

    private static List<Long> without(long from, long to) {
        return LongStream.rangeClosed(1, 5).filter(seq -> seq < from || seq > to).boxed().toList();
    }

    private static long ledgerPending(Wal log) {
        return log.ledger().stream().mapToLong(Positions.LedgerRow::pending).sum();
    }

    @Test
    void aChangedByteCostsItsFrameAndNothingElse() throws IOException {
        List<Long> ends = frameEnds(stopped());
        assertThat(ends).hasSize(5);
        for (int offset = 0; offset < ends.getLast(); offset++) {
            CrashingDirectory disk = stopped();
            disk.flipBit(segment(disk), offset, offset % 8);
            Wal log = LogFixture.open(disk, 2);
            var missing = new ArrayList<SeqRange>();
            int damaged = frameAt(ends, offset);
            assertThat(seqs(log, missing))
                    .as("offset %d", offset)
                    .isEqualTo(without(damaged, damaged));
            assertThat(missing).containsExactly(new SeqRange(damaged, damaged));
            assertThat(disk.subdirectory("quarantine").names())
                    .containsExactly(
                            damaged + "-" + damaged + ".bin", damaged + "-" + damaged + ".json");
            assertThat(ledgerPending(log))
                    .isEqualTo(
                            LogFixture.readAll(log, 0, missing).stream()
                                    .mapToLong(Recovered::items)
                                    .sum());
            long calls = disk.calls();
            LogFixture.open(disk, 3);
            assertThat(disk.calls()).as("a second open changes nothing").isEqualTo(calls);
        }
    }

    @Test
    void aCutBelowTheSafePointIsLossAndIsCounted() throws IOException {
        List<Long> ends = frameEnds(stopped());
        for (int length = 0; length < ends.getLast(); length++) {
            CrashingDirectory disk = stopped();
            cut(disk, length);
            Wal log = LogFixture.open(disk, 2);
            var missing = new ArrayList<SeqRange>();
            int firstLost = frameAt(ends, length);
            assertThat(seqs(log, missing)).as("length %d", length).isEqualTo(without(firstLost, 5));
            assertThat(missing).containsExactly(new SeqRange(firstLost, 5));
            assertThat(dropped(log)).isEqualTo(6 - firstLost);
        }
    }

    private static long dropped(Wal log) {
        return log.ledger().stream()
                .filter(row -> row.signal().equals(Progress.UNKNOWN))
                .mapToLong(row -> row.dropped().getOrDefault(Progress.CORRUPTION, 0L))
                .sum();
    }

    /** The frame that begins a group, for each frame: what a torn tail costs. */
    private static final long[] GROUP_START = {0, 1, 2, 2, 2, 5};

    @Test
    void aTornTailCostsItsGroupAndIsNoCorruption() throws IOException {
        List<Long> ends = frameEnds(stopped());
        for (int length = 1; length < ends.getLast(); length++) {
            CrashingDirectory disk = stopped();
            cut(disk, length);
            disk.put(SafePoint.FILE, SafePoint.encode(0));
            disk.put(
                    Positions.FILE,
                    Positions.empty(SegmentName.parse(segment(disk)).orElseThrow().logId())
                            .encode());
            Wal log = LogFixture.open(disk, 2);
            var missing = new ArrayList<SeqRange>();
            long lost = GROUP_START[frameAt(ends, length)];
            assertThat(seqs(log, missing)).as("length %d", length).isEqualTo(without(lost, 5));
            assertThat(missing).isEmpty();
            assertThat(disk.subdirectory("quarantine").names()).isEmpty();
            Written next = Written.batch(Signal.LOGS, new byte[10], 1);
            log.offer(next);
            LogFixture.settle(log);
            assertThat(next.durableSeq).isEqualTo(lost);
        }
    }

    private static void cut(CrashingDirectory disk, int length) throws IOException {
        String name = segment(disk);
        disk.put(name, Arrays.copyOf(disk.content(name), length));
    }

    @Test
    void damageInTheSmallFilesCostsNoRecord() throws IOException {
        for (String name : List.of(SafePoint.FILE, Positions.FILE)) {
            int size = stopped().content(name).length;
            for (int offset = 0; offset < size; offset++) {
                CrashingDirectory disk = stopped();
                disk.flipBit(name, offset, offset % 8);
                Wal log = LogFixture.open(disk, 2);
                log.cursor("sink", "all");
                assertThat(LogFixture.readAll(log)).as("%s at %d", name, offset).hasSize(5);
                assertThat(ledgerPending(log)).isEqualTo(11);
            }
        }
    }

    @Test
    void aMissingSmallFileCostsNoRecord() throws IOException {
        for (String name : List.of(SafePoint.FILE, Positions.FILE)) {
            CrashingDirectory disk = stopped();
            disk.remove(name);
            assertThat(LogFixture.readAll(LogFixture.open(disk, 2))).as(name).hasSize(5);
        }
    }

    @Test
    void aLogThatVanishedIsReportedAndItsNumbersAreNotUsedAgain() throws IOException {
        CrashingDirectory disk = stopped();
        String before = segment(disk);
        disk.remove(before);
        Wal log = LogFixture.open(disk, 2);
        assertThat(log.logId())
                .isNotEqualTo(SegmentName.hex(SegmentName.parse(before).orElseThrow().logId()));
        assertThat(dropped(log)).isEqualTo(5);
        log.keeperTurn();
        LogFixture.settle(log);
        assertThat(log.committedSeq()).as("the loss event").isEqualTo(6);
        assertThat(LogFixture.readAll(log, 5, new ArrayList<>()).getFirst().text())
                .contains("edged.wal.records_lost")
                .contains("\"edge.loss.from\":1,\"edge.loss.to\":5");
    }

    @Test
    void aSegmentOfAnotherLogIsSetAside() throws IOException {
        CrashingDirectory disk = stopped();
        String foreign = new SegmentName(3, 0x1234).file();
        disk.put(foreign, new byte[100]);
        assertThat(LogFixture.readAll(LogFixture.open(disk, 2))).hasSize(5);
        assertThat(disk.names()).contains(foreign + ".foreign").doesNotContain(foreign);
    }

    @Test
    void aHoleOfZerosBeforeALaterGroupIsDamageAndNotTheEnd() throws IOException {
        CrashingDirectory disk = stopped();
        List<Long> ends = frameEnds(disk);
        byte[] content = disk.content(segment(disk));
        Arrays.fill(content, ends.get(0).intValue(), ends.get(3).intValue(), (byte) 0);
        disk.put(segment(disk), content);
        disk.put(SafePoint.FILE, SafePoint.encode(0));
        Wal log = LogFixture.open(disk, 2);
        var missing = new ArrayList<SeqRange>();
        assertThat(seqs(log, missing)).containsExactly(1L, 5L);
        assertThat(missing).containsExactly(new SeqRange(2, 4));
    }

    @Test
    void onRequestDamageStopsTheLogAndChangesNothing() throws IOException {
        CrashingDirectory disk = stopped();
        disk.flipBit(segment(disk), 100, 3);
        long calls = disk.calls();
        assertThatThrownBy(() ->
                        Wal.openStill(
                                disk,
                                LogFixture.failing(LogFixture.SMALL),
                                LogFixture.environment(2)))
                .isInstanceOf(WalException.class)
                .hasMessageContaining("BAD_FRAME")
                .hasMessageContaining(segment(disk))
                .hasMessageContaining("edged wal verify");
        assertThat(disk.calls()).isEqualTo(calls);
    }

    @Test
    void anUnreadableUnitCostsWhatLiesInIt() throws IOException {
        CrashingDirectory disk = stopped();
        disk.makeUnreadable(segment(disk), 512);
        List<Long> ends = frameEnds(stopped());
        int first = frameAt(ends, 512);
        int last = frameAt(ends, Math.min(1_023, ends.getLast() - 1));
        Wal log = LogFixture.open(disk, 2);
        var missing = new ArrayList<SeqRange>();
        assertThat(seqs(log, missing)).isEqualTo(without(first, last));
        assertThat(missing).containsExactly(new SeqRange(first, last));
    }

    @Test
    void damageInAnOlderSegmentIsFoundByItsReaderAndCostsItsFrame() throws IOException {
        var disk = new CrashingDirectory();
        Wal log = LogFixture.open(disk, 1);
        log.cursor("sink", "all");
        for (int i = 0; i < 40; i++) {
            log.offer(Written.batch(Signal.LOGS, new byte[4_000], 2));
            LogFixture.settle(log);
            log.keeperTurn();
        }
        log.finish();
        String oldest = segment(disk);
        disk.flipBit(oldest, 5 * 4_052 + 2_000, 1); // in the body of record 6
        disk.flipBit(oldest, 9 * 4_052 + 10, 1); // in the header of record 10
        Wal again = LogFixture.open(disk, 2);
        var missing = new ArrayList<SeqRange>();
        List<Long> found = seqs(again, missing);
        assertThat(found).hasSize(38).doesNotContain(6L, 10L);
        assertThat(missing).contains(new SeqRange(10, 10));
        assertThat(ledgerPending(again)).isEqualTo(76);
        assertThat(again.ledger())
                .anySatisfy(row -> {
                    assertThat(row.signal()).isEqualTo("logs");
                    assertThat(row.dropped()).containsEntry(Progress.CORRUPTION, 2L);
                });
        assertThat(dropped(again)).isEqualTo(1);
        assertThat(seqs(again, missing)).isEqualTo(found);
    }
}
