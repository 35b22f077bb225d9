package io.edged.wal;

import static org.assertj.core.api.Assertions.assertThat;

import io.edged.disk.CrashingDirectory;
import io.edged.disk.LogFile;
import io.edged.otlp.Signal;
import io.edged.wal.FrameParser.Parsed;
import io.edged.wal.LogFixture.Recovered;
import io.edged.wal.LogFixture.Written;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.regex.Pattern;
import java.util.stream.LongStream;

/**
 * Crashes that once broke some log, told step by step. Records are short texts; {@code a1 | b2 b3}
 * means a group of one record and a group of two. What the power leaves of a write is decided here
 * byte by byte, or tried in many ways with a seed each.
 */
class WalCrashScriptTest {

    private static final Logger LOG = Logger.getLogger("io.edged");

    /** Ways in which the power may take what was not forced. */
    private static final int POWER_CUTS = 40;

    private CrashingDirectory disk = new CrashingDirectory();

    @BeforeAll
    static void crashesAreExpectedAndNotWorthALine() {
        LOG.setLevel(Level.OFF);
    }

    @AfterAll
    static void linesAreWorthReadingAgain() {
        LOG.setLevel(null);
    }

    // ---- words of the scripts

    private Wal open() throws IOException {
        Wal log = LogFixture.open(disk, 1);
        log.cursor("sink", "all");
        return log;
    }

    /** Appends one group, acknowledged when it returns. */
    private static List<Written> append(Wal log, String... texts) {
        List<Written> group = offer(log, texts);
        LogFixture.settle(log);
        assertThat(group).allMatch(record -> record.durableSeq > 0);
        return group;
    }

    private static List<Written> offer(Wal log, String... texts) {
        return Arrays.stream(texts)
                .map(text -> {
                    Written record =
                            Written.batch(Signal.LOGS, text.getBytes(StandardCharsets.UTF_8), 1);
                    assertThat(log.offer(record)).isEqualTo(Appender.Offer.QUEUED);
                    return record;
                })
                .toList();
    }

    /** Writes one group, which the power cut keeps from being forced: nothing is acknowledged. */
    private void appendWithoutForce(Wal log, String... texts) {
        disk.losePowerAtCall(disk.calls() + 2); // the write is the first call, its force the second
        List<Written> group = offer(log, texts);
        log.writerTurn();
        assertThat(group).allMatch(record -> record.failure != null);
    }

    /** What can be read from the oldest record on, with nothing missing in between. */
    private static List<String> texts(Wal log) throws IOException {
        var missing = new ArrayList<SeqRange>();
        List<Recovered> found = LogFixture.readAll(log, log.status().oldestSeq() - 1, missing);
        assertThat(missing).isEmpty();
        return found.stream().map(Recovered::text).toList();
    }

    private static List<Long> seqs(Wal log) throws IOException {
        return LogFixture.readAll(log, 0, new ArrayList<>()).stream().map(Recovered::seq).toList();
    }

    private static SegmentName lastSegment(CrashingDirectory disk) throws IOException {
        return disk.names().stream()
                .flatMap(name -> SegmentName.parse(name).stream())
                .max(SegmentName::compareTo)
                .orElseThrow();
    }

    /** Offsets at which the frames of the last segment begin, and the one behind the last frame. */
    private static List<Integer> offsets(CrashingDirectory disk) throws IOException {
        SegmentName name = lastSegment(disk);
        try (LogFile file = disk.openReadOnly(name.file())) {
            var parser = new FrameParser(name, new ReadWindow(file, 4_096));
            var offsets = new ArrayList<>(List.of(0));
            while (parser.parse(offsets.getLast(), file.size(), true)
                    instanceof Parsed.Intact intact) offsets.add((int) intact.end());
            return offsets;
        }
    }

    /** Puts {@code bytes} into the last segment at {@code offset}, as the disk has them. */
    private void overwrite(int offset, byte[] bytes) throws IOException {
        String name = lastSegment(disk).file();
        byte[] content = disk.content(name);
        System.arraycopy(bytes, 0, content, offset, bytes.length);
        disk.put(name, content);
    }

    private List<String> quarantined() throws IOException {
        return disk.subdirectory("quarantine").names();
    }

    /** Settles everything that can be read at the only cursor. */
    private static void settleAll(Wal log) throws IOException {
        Cursor cursor = log.cursor("sink", "all");
        try (LogReader reader = log.reader(cursor.settledTo())) {
            while (reader.next() instanceof LogReader.Next.Read(Frame frame))
                cursor.settle(frame, Settlement.delivered(frame.items()));
        }
    }

    private static long pending(Wal log) {
        return log.ledger().stream().mapToLong(Positions.LedgerRow::pending).sum();
    }

    private static long dropped(Wal log) {
        return log.balances().stream().mapToLong(Wal.Balance::dropped).sum();
    }

    // ---- groups

    /**
     * {@code a1 | b2 b3 b4}: the power goes away while b is forced and takes b3. The tail is cut
     * before b2, in a new file, and the power goes away in each call of that, too. Then {@code c2
     * c3 c4} of the same sizes suffers the same. What is left is a1, or a1 and all of c; never one
     * with the other's frames, which would fit to the byte.
     */
    @Test
    void aTailThatIsRebuiltAndCutAgainNeverMixesAGroupFromTwoLives() throws IOException {
        Wal first = open();
        append(first, "a1");
        appendWithoutForce(first, "b2", "b3", "b4");
        disk = disk.processKilled();
        List<Integer> offsets = offsets(disk);
        assertThat(offsets).hasSize(5);
        overwrite(offsets.get(2), new byte[offsets.get(3) - offsets.get(2)]); // b3 did not arrive
        overwrite(0, disk.content(lastSegment(disk).file())); // the rest did, durably

        CrashingDirectory torn = disk;
        for (int call = 1; ; call++) {
            disk = torn.powerLoss(new Random(call));
            disk.losePowerAtCall(call);
            boolean lost = false;
            try {
                open();
            } catch (CrashingDirectory.PowerLoss e) {
                lost = true;
            }
            CrashingDirectory rebuilt = disk;
            for (int cut = 0; cut < POWER_CUTS; cut++) {
                disk = rebuilt.powerLoss(new Random(cut));
                Wal second = open();
                assertThat(texts(second)).containsExactly("a1");
                second.keeperTurn(); // a segment is ready
                disk.losePowerAtCall(
                        disk.calls() + 4); // its name, the directory, the write, the force
                List<Written> group = offer(second, "c2", "c3", "c4");
                second.writerTurn();
                assertThat(group).allMatch(record -> record.failure != null);
                disk = disk.powerLoss(new Random(1_000 + cut));
                Wal third = open();
                assertThat(texts(third))
                        .as("power lost in call %d of opening, cut %d", call, cut)
                        .isIn(List.of("a1"), List.of("a1", "c2", "c3", "c4"));
                assertThat(quarantined()).isEmpty();
            }
            if (!lost) return;
        }
    }

    /**
     * {@code a1 | b2 b3 b4}, b3 torn, and behind b a frame of a group that was begun after b: only
     * a writer that had forced b would have begun it. So b3 is damage, and b2 and b4 stay.
     */
    @Test
    void aFrameOfALaterGroupProvesThatTheGroupBeforeItWasForced() throws IOException {
        Wal log = open();
        append(log, "a1");
        append(log, "b2", "b3", "b4");
        appendWithoutForce(log, "c5");
        disk = disk.processKilled();
        List<Integer> offsets = offsets(disk);
        overwrite(offsets.get(2), new byte[offsets.get(3) - offsets.get(2)]);
        Wal again = open();
        assertThat(seqs(again)).containsExactly(1L, 2L, 4L, 5L);
        assertThat(quarantined()).containsExactly("3-3.bin", "3-3.json");
    }

    // ---- segments

    /** Frames of the text {@link #WIDE} that fill a segment; one more has no room. */
    private static final int FRAMES_A_SEGMENT = 12;

    /** Wide enough that a recycled file is full of old frames behind its zeroed start. */
    private static final String WIDE = "x".repeat(5_000);

    /** Appends wide records with no turn of the keeper. */
    private static void appendWide(Wal log, List<String> acknowledged, int count) {
        for (int i = 0; i < count; i++) {
            String text = "record " + acknowledged.size() + " " + WIDE;
            Written record = offer(log, text).getFirst();
            log.writerTurn();
            assertThat(record.durableSeq).isPositive();
            acknowledged.add(text);
        }
    }

    /** A log whose next segment is a used one, and whose present one has no room left. */
    private Wal aboutToUseASegmentAgain(List<String> acknowledged) throws IOException {
        Wal log = open();
        for (int turns = 0; turns < 3; turns++) log.keeperTurn();
        appendWide(log, acknowledged, FRAMES_A_SEGMENT + 1); // the last one begins the second
        settleAll(log);
        log.keeperTurn(); // the first one is settled and renamed
        appendWide(log, acknowledged, FRAMES_A_SEGMENT - 1); // the second one is full, too
        String next =
                disk.names().stream()
                        .filter(name -> name.endsWith(Prepared.SUFFIX))
                        .findFirst()
                        .orElseThrow();
        assertThat(new String(disk.content(next), StandardCharsets.ISO_8859_1))
                .as("the next segment holds frames of its first life")
                .contains("record 5 ");
        return log;
    }

    /**
     * A settled segment is used again: renamed, its first 4 KiB zeroed. When it gets its new name,
     * frames of its first life are still in it. The power goes away in each call from the end of
     * the segment before to the first force, and keeps any part of the first group.
     */
    @Test
    void powerLostBetweenTheNewNameOfARecycledSegmentAndItsFirstForceShowsNoOldFrame()
            throws IOException {
        boolean durable = false;
        for (int call = 1; !durable; call++) {
            for (int cut = 0; cut < POWER_CUTS; cut++) {
                disk = new CrashingDirectory();
                var acknowledged = new ArrayList<String>();
                Wal log = aboutToUseASegmentAgain(acknowledged);
                disk.losePowerAtCall(disk.calls() + call);
                List<Written> group = offer(log, "new " + WIDE, "newer");
                log.writerTurn();
                durable = group.getFirst().durableSeq > 0;
                disk = disk.powerLoss(new Random(cut));
                Wal again = open();
                List<String> found = texts(again);
                var whole = new ArrayList<>(acknowledged);
                group.forEach(record -> whole.add(text(record)));
                List<String> expected = durable || found.contains("newer") ? whole : acknowledged;
                assertThat(found)
                        .as("call %d, cut %d", call, cut)
                        .isEqualTo(
                                expected.subList(expected.size() - found.size(), expected.size()));
                assertThat(found).hasSizeGreaterThanOrEqualTo(FRAMES_A_SEGMENT);
                assertThat(quarantined()).isEmpty();
            }
        }
    }

    private static String text(Written record) {
        return new String(record.content, StandardCharsets.UTF_8);
    }

    /**
     * The very first start: the power goes away in each call up to the first answer. Whatever is
     * left opens without a word of damage, and the first record has seq 1.
     */
    @Test
    void aFirstBootThatIsCutBeforeTheFirstSafePointIsAFirstBootAgain() throws IOException {
        for (int call = 1; ; call++) {
            boolean acknowledged = false;
            for (int cut = 0; cut < POWER_CUTS / 2; cut++) {
                disk = new CrashingDirectory();
                disk.losePowerAtCall(call);
                try {
                    Wal log = open();
                    Written record = offer(log, "a1").getFirst();
                    for (int turns = 0; turns < 4; turns++) {
                        log.writerTurn();
                        log.keeperTurn();
                    }
                    acknowledged = record.durableSeq > 0;
                } catch (CrashingDirectory.PowerLoss e) {
                    // In the middle of opening.
                }
                disk = disk.powerLoss(new Random(cut));
                Wal again = open();
                List<String> found = texts(again);
                if (acknowledged) assertThat(found).containsExactly("a1");
                else assertThat(found).isIn(List.of(), List.of("a1"));
                assertThat(append(again, "next").getFirst().durableSeq)
                        .as("call %d, cut %d", call, cut)
                        .isEqualTo(found.size() + 1);
                assertThat(quarantined()).isEmpty();
            }
            if (acknowledged) return;
        }
    }

    /**
     * A settled segment goes only after the cursor that passed it is durable. The power goes away
     * in each call of that; every record is then still there, or settled in the cursor that is
     * left.
     */
    @Test
    void noSegmentIsUnlinkedBeforeTheCursorThatPassedItIsDurable() throws IOException {
        for (int call = 1; ; call++) {
            boolean lost = false;
            for (int cut = 0; cut < POWER_CUTS / 4; cut++) {
                disk = new CrashingDirectory();
                Wal log = open();
                var acknowledged = new ArrayList<String>();
                for (int i = 0; i < 4 * FRAMES_A_SEGMENT; i++) {
                    log.keeperTurn();
                    appendWide(log, acknowledged, 1);
                }
                settleAll(log);
                assertThat(log.status().segments()).isGreaterThan(3);
                disk.losePowerAtCall(disk.calls() + call);
                log.keeperTurn();
                lost = log.status().segments() > 1;
                disk = disk.powerLoss(new Random(cut));
                Wal again = open();
                long settled = again.cursor("sink", "all").settledTo();
                var missing = new ArrayList<SeqRange>();
                List<Long> found =
                        LogFixture.readAll(again, again.status().oldestSeq() - 1, missing).stream()
                                .map(Recovered::seq)
                                .toList();
                // Segments go oldest first, so nothing is missing between those that are left.
                assertThat(missing).as("call %d, cut %d", call, cut).isEmpty();
                for (long seq = 1; seq <= acknowledged.size(); seq++)
                    assertThat(seq <= settled || found.contains(seq))
                            .as("record %d, call %d, cut %d", seq, call, cut)
                            .isTrue();
                assertThat(pending(again))
                        .isEqualTo(found.stream().filter(seq -> seq > settled).count());
                assertThat(quarantined()).isEmpty();
            }
            if (!lost) return;
        }
    }

    /**
     * Between two checkpoints a cursor has passed a segment in memory only. The segment stays, and
     * a crash finds every record that the older cursor asks for.
     */
    @Test
    void aSegmentStaysUntilTheCursorThatPassedItIsDurable() throws IOException {
        var seldom =
                new WalOptions(
                        LogFixture.SMALL.segmentBytes(),
                        LogFixture.SMALL.ceilingBytes(),
                        LogFixture.SMALL.reserveBytes(),
                        LogFixture.SMALL.queueBytes(),
                        LogFixture.SMALL.onCorruption(),
                        LogFixture.SMALL.onFull(),
                        Duration.ofHours(1));
        open().finish(); // makes the cursor durable where it begins
        Wal log = Wal.openStill(disk, seldom, LogFixture.environment(1));
        log.cursor("sink", "all");
        var acknowledged = new ArrayList<String>();
        for (int i = 0; i < 3 * FRAMES_A_SEGMENT; i++) {
            log.keeperTurn();
            appendWide(log, acknowledged, 1);
        }
        settleAll(log);
        log.keeperTurn();
        assertThat(log.status().segments()).isEqualTo(3);
        disk = disk.processKilled();
        Wal again = open();
        assertThat(again.cursor("sink", "all").settledTo()).isZero();
        assertThat(texts(again)).isEqualTo(acknowledged);
    }

    /**
     * The same files as if the log had not kept that order, or somebody had tidied up: the oldest
     * segment is gone and the cursor has not passed it. What is gone is counted, once, and told.
     */
    @Test
    void aSegmentThatIsGoneBeforeItsCursorHasPassedItIsCountedAsMissing() throws IOException {
        Wal log = open();
        var acknowledged = new ArrayList<String>();
        for (int i = 0; i < 2 * FRAMES_A_SEGMENT; i++) {
            log.keeperTurn();
            appendWide(log, acknowledged, 1);
        }
        log.keeperTurn();
        disk = disk.processKilled();
        disk.remove(
                disk.names().stream()
                        .flatMap(name -> SegmentName.parse(name).stream())
                        .min(SegmentName::compareTo)
                        .orElseThrow()
                        .file());
        for (int opening = 1; opening <= 3; opening++) {
            Wal again = open();
            assertThat(texts(again))
                    .as("opening %d", opening)
                    .isEqualTo(acknowledged.subList(FRAMES_A_SEGMENT, 2 * FRAMES_A_SEGMENT));
            assertThat(again.cursor("sink", "all").settledTo()).isEqualTo(FRAMES_A_SEGMENT);
            assertThat(dropped(again)).isEqualTo(FRAMES_A_SEGMENT);
            assertThat(pending(again)).isEqualTo(FRAMES_A_SEGMENT);
            disk = disk.processKilled();
        }
        Wal last = open();
        last.keeperTurn();
        LogFixture.settle(last);
        assertThat(texts(last)).last().asString().contains("\"edge.loss.reason\":\"missing\"");
    }

    /**
     * {@code a1 | b2}, and b2 is written but not forced when the process is killed: the page cache
     * shows it. Opening copies it into a new file and lets the safe point speak for it. The power
     * goes away in each call of that: the safe point never speaks for what is not there.
     */
    @Test
    void aRebuiltSegmentHasItsNameBeforeTheSafePointSpeaksForIt() throws IOException {
        Wal log = open();
        append(log, "a1");
        log.keeperTurn();
        appendWithoutForce(log, "b2");
        CrashingDirectory killed = disk.processKilled();
        for (int call = 1; ; call++) {
            boolean lost = false;
            for (int cut = 0; cut < POWER_CUTS; cut++) {
                disk = killed.processKilled();
                disk.losePowerAtCall(call);
                try {
                    assertThat(texts(open())).containsExactly("a1", "b2");
                } catch (CrashingDirectory.PowerLoss e) {
                    lost = true;
                }
                disk = disk.powerLoss(new Random(cut));
                assertThat(texts(open()))
                        .as("call %d, cut %d", call, cut)
                        .isIn(lost ? List.of("a1") : List.of(), List.of("a1", "b2"));
                assertThat(quarantined()).isEmpty();
            }
            if (!lost) return;
        }
    }

    // ---- bodies

    /**
     * A client sends a body that holds a whole frame with the number and the flags of what comes
     * next. It cannot know the log's random id, so the frame's checksum is of another log. The
     * record is torn so that the search for intact frames runs over its body.
     */
    @Test
    void aForgedFrameInABodyIsNeverTakenForARecord() throws IOException {
        Wal log = open();
        append(log, "a1");
        SegmentName segment = lastSegment(disk);
        byte[] evil = "evil".getBytes(StandardCharsets.UTF_8);
        for (long guessedId : new long[] {0, segment.logId() + 1, -1}) {
            for (boolean forced : new boolean[] {false, true}) {
                disk = new CrashingDirectory();
                log = open();
                append(log, "a1");
                byte[] forged =
                        CrashTampering.frame(guessedId, segment.firstSeq(), 2, 0, true, evil);
                byte[] later =
                        CrashTampering.frame(guessedId, segment.firstSeq(), 3, 0, true, evil);
                byte[] body = Arrays.copyOf(forged, forged.length + later.length);
                System.arraycopy(later, 0, body, forged.length, later.length);
                Written record = Written.batch(Signal.LOGS, body, 1);
                log.offer(record);
                if (forced) LogFixture.settle(log);
                else disk.losePowerAtCall(disk.calls() + 2);
                log.writerTurn();
                if (forced) log.keeperTurn(); // the safe point
                disk = disk.processKilled();
                overwrite(
                        offsets(disk).get(1), new byte[20]); // its header is gone, its body is not
                Wal again = open();
                assertThat(seqs(again)).as("id %x", guessedId).containsExactly(1L);
                assertThat(quarantined())
                        .isEqualTo(forced ? List.of("2-2.bin", "2-2.json") : List.of());
            }
        }
    }

    // ---- damage

    /**
     * {@code a1 | b2 b3 | c4}, b3 damaged. The first opening sets it aside; the power goes away in
     * each call of that. The next two openings find the gap, count nothing again, and the second of
     * them changes nothing.
     */
    @Test
    void aQuarantinedGapIsCountedOnceHoweverOftenTheLogIsOpened() throws IOException {
        Wal log = open();
        append(log, "a1");
        append(log, "b2", "b3");
        append(log, "c4");
        disk.flipBit(lastSegment(disk).file(), offsets(disk).get(2) + 30, 3);
        CrashingDirectory damaged = disk.processKilled();
        for (int call = 1; ; call++) {
            disk = damaged.processKilled();
            disk.losePowerAtCall(call);
            boolean lost = false;
            try {
                open();
            } catch (CrashingDirectory.PowerLoss e) {
                lost = true;
            }
            disk = lost ? disk.powerLoss(new Random(call)) : disk.processKilled();
            for (int opening = 2; opening <= 3; opening++) {
                long calls = disk.calls();
                Wal again = open();
                var missing = new ArrayList<SeqRange>();
                assertThat(LogFixture.readAll(again, 0, missing))
                        .as("call %d, opening %d", call, opening)
                        .extracting(Recovered::text)
                        .containsExactly("a1", "b2", "c4");
                assertThat(missing).containsExactly(new SeqRange(3, 3));
                assertThat(dropped(again)).isEqualTo(1);
                assertThat(pending(again)).isEqualTo(3);
                assertThat(quarantined()).containsExactly("3-3.bin", "3-3.json");
                if (opening == 3) assertThat(disk.calls()).isEqualTo(calls);
            }
            if (!lost) return;
        }
    }

    /**
     * A checkpoint is the promise that what lies before it was forced. Damage in the last group is
     * damage then, and not the unfinished write that it looks like.
     */
    @Test
    void afterACheckpointDamageInTheLastGroupIsNotATornTail() throws IOException {
        Wal log = open();
        append(log, "a1");
        append(log, "b2");
        settleAll(log);
        log.keeperTurn();
        disk = disk.processKilled();
        disk.flipBit(lastSegment(disk).file(), offsets(disk).get(1) + 30, 3);
        Wal again = open();
        assertThat(seqs(again)).containsExactly(1L);
        assertThat(quarantined()).containsExactly("2-2.bin", "2-2.json");
        assertThat(append(again, "c").getFirst().durableSeq)
                .as("a number that was acknowledged is not given away again")
                .isEqualTo(3);
    }

    // ---- numbers

    /** One after the other, everything that remembers a number is all that is left of the log. */
    @Test
    void aSeqThatWasShownOrAcknowledgedIsNeverUsedAgain() throws IOException {
        // The frames remember it: a plain crash.
        disk = stoppedWithThreeRecords();
        assertThat(nextSeq()).isEqualTo(4);

        // The name of an empty last segment remembers it: its first group never came.
        disk = stoppedWithThreeRecords();
        SegmentName name = lastSegment(disk);
        disk.put(new SegmentName(4, name.logId()).file(), new byte[0]);
        disk.put(SafePoint.FILE, SafePoint.encode(0));
        assertThat(nextSeq()).isEqualTo(4);

        // The safe point and the cursor remember it: every segment is gone, and was settled.
        disk = stoppedWithThreeRecords();
        Wal log = open();
        settleAll(log);
        log.finish();
        disk.remove(lastSegment(disk).file());
        assertThat(nextSeq()).isEqualTo(4);

        // A gap remembers it: the last record was damaged and set aside.
        disk = stoppedWithThreeRecords();
        disk.flipBit(lastSegment(disk).file(), offsets(disk).get(2) + 30, 1);
        open().finish();
        disk.put(SafePoint.FILE, SafePoint.encode(0));
        assertThat(nextSeq()).isEqualTo(4);

        // Only the cursor remembers it: the frames were settled, then their tail was torn off below
        // the safe point of an older time.
        disk = stoppedWithThreeRecords();
        log = open();
        settleAll(log);
        log.finish();
        String last = lastSegment(disk).file();
        disk.put(last, Arrays.copyOf(disk.content(last), offsets(disk).get(1)));
        disk.put(SafePoint.FILE, SafePoint.encode(1));
        assertThat(nextSeq()).isEqualTo(4);
    }

    private CrashingDirectory stoppedWithThreeRecords() throws IOException {
        disk = new CrashingDirectory();
        Wal log = open();
        append(log, "a1");
        append(log, "b2");
        append(log, "c3");
        log.finish();
        return disk;
    }

    /** The seq that the next record gets. */
    private long nextSeq() throws IOException {
        return append(open(), "next").getFirst().durableSeq;
    }

    /** A frame of a group whose rest is missing is reused: nobody was ever told its number. */
    @Test
    void theNumbersOfPhantomsAreUsedAgain() throws IOException {
        Wal log = open();
        append(log, "a1");
        appendWithoutForce(log, "b2", "b3");
        disk = disk.processKilled();
        overwrite(offsets(disk).get(2), new byte[40]); // b3 did not arrive
        Wal again = open();
        assertThat(append(again, "c").getFirst().durableSeq).isEqualTo(2);
        assertThat(texts(again)).containsExactly("a1", "c");
    }

    private static final Pattern RANGE =
            Pattern.compile("\"edge.loss.from\":(\\d+),\"edge.loss.to\":(\\d+)");

    /** Gives up frames 1 to 12, four at a time, with what the keeper and the writer do between. */
    private static void giveUp(Wal log) throws IOException {
        Cursor cursor = log.cursor("sink", "all");
        try (LogReader reader = log.reader(0)) {
            for (int seq = 1; seq <= 12; seq++) {
                if (!(reader.next() instanceof LogReader.Next.Read(Frame frame))) return;
                cursor.giveUp(frame, frame.seq() - 1, "max_age");
                if (seq % 4 == 2) log.keeperTurn();
                if (seq % 4 == 0) log.tellGivenUp("sink");
                if (seq == 8) LogFixture.settle(log);
            }
        }
        LogFixture.settle(log);
        log.keeperTurn();
    }

    private static Set<Long> told(Wal log) throws IOException {
        var told = new TreeSet<Long>();
        for (String text : texts(log))
            for (var range = RANGE.matcher(text); range.find(); )
                LongStream.rangeClosed(
                                Long.parseLong(range.group(1)), Long.parseLong(range.group(2)))
                        .forEach(told::add);
        return told;
    }

    @Test
    void whatWasGivenUpIsSettledAndToldOrNeither() throws IOException {
        var ends = new TreeSet<Integer>();
        for (int call = 1; call <= 60; call++) {
            for (int cut = 0; cut < 4; cut++) {
                disk = new CrashingDirectory();
                Wal first = open();
                for (int i = 0; i < 12; i++) append(first, "r" + i);
                first.keeperTurn();
                disk.losePowerAtCall(disk.calls() + call);
                giveUp(first);
                disk = cut == 0 ? disk.processKilled() : disk.powerLoss(new Random(cut));
                try (Wal log = open()) {
                    log.keeperTurn();
                    LogFixture.settle(log);
                    Set<Long> told = told(log);
                    Cursor cursor = log.cursor("sink", "all");
                    for (long seq = 1; seq <= 12; seq++)
                        assertThat(told.contains(seq))
                                .as("call %d cut %d seq %d", call, cut, seq)
                                .isEqualTo(cursor.isSettled(seq));
                    ends.add(told.size());
                }
            }
        }
        // Crashes between any two of the steps were among them.
        assertThat(ends).contains(0, 2, 6, 8, 12);
    }
}
