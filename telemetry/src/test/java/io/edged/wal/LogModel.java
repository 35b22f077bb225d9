package io.edged.wal;

import io.edged.disk.CrashingDirectory;
import io.edged.otlp.Signal;
import io.edged.wal.LogFixture.Recovered;
import io.edged.wal.LogFixture.Written;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;

/**
 * A log and what must be true of it, driven by a seed: appends, turns of the two workers in any
 * order, reads, settlements, clean stops, kills and power cuts at any call, also in the middle of
 * opening. After each crash the log is compared with what was acknowledged and shown.
 */
final class LogModel {

    /** The log broke its word. */
    static final class Violation extends AssertionError {
        private static final long serialVersionUID = 1;

        Violation(String message) {
            super(message);
        }
    }

    private static final List<Signal> SIGNALS = List.of(Signal.values());
    private static final List<String> DESTINATIONS = List.of("one", "two");

    private static final List<String> KINDS =
            List.of("", "\"kind\":\"error\",", "\"kind\":\"action\",", "\"kind\":7,");

    private static final List<String> METADATA =
            List.of("", "{\"tenant\":\"t1\"}", "{\"tenant\":\"t2\",\"lane\":\"urgent\"}");

    private static final List<WalOptions> OPTIONS =
            List.of(
                    LogFixture.SMALL,
                    LogFixture.LANES,
                    LogFixture.LANES,
                    LogFixture.withLanes(LogFixture.SMALL, Lanes.DEFAULT));

    private final long seed;
    private final Random random;
    private final Consumer<CrashingDirectory> prepareDisk;
    private CrashingDirectory disk = new CrashingDirectory();
    private Wal log;
    private int lives;

    /** Offered and not yet told anything. */
    private final List<Written> offered = new ArrayList<>();

    /**
     * Content of every seq that was acknowledged or shown to a reader; such a number never means
     * anything else.
     */
    private final TreeMap<Long, ByteBuffer> known = new TreeMap<>();

    /** Every content ever offered. */
    private final Set<ByteBuffer> everOffered = new HashSet<>();

    /** With the lanes of now: they change from one life to the next. */
    private WalOptions options = LogFixture.LANES;

    /** By cursor: what was settled in this life, and what may have been forgotten by a crash. */
    private final Map<String, Cursor> cursors = new TreeMap<>();

    private int contents;
    private int crashes;

    LogModel(long seed, Consumer<CrashingDirectory> prepareDisk) throws IOException {
        this.seed = seed;
        this.random = new Random(seed);
        this.prepareDisk = prepareDisk;
        prepareDisk.accept(disk);
        this.log = open();
    }

    int crashes() {
        return crashes;
    }

    void run(int steps) throws IOException {
        for (int i = 0; i < steps; i++) step();
        crash();
    }

    private void step() throws IOException {
        switch (random.nextInt(12)) {
            case 0, 1, 2 -> append();
            case 3, 4, 5 -> log.writerTurn();
            case 6 -> log.keeperTurn();
            case 7 -> readAndSettle();
            case 8 -> {
                if (random.nextInt(4) == 0) stopCleanly();
            }
            case 9 -> {
                if (random.nextInt(6) == 0) crash();
            }
            case 10 -> disk.losePowerAtCall(disk.calls() + 1 + random.nextInt(40));
            default -> settleLog();
        }
        collect();
        if (log.status().failure().isPresent()) crash();
    }

    private void append() {
        int count = 1 + random.nextInt(6);
        for (int i = 0; i < count; i++) {
            byte[] content = content();
            Written append =
                    random.nextInt(5) == 0
                            ? Written.event(
                                    "{"
                                            + KINDS.get(random.nextInt(KINDS.size()))
                                            + "\"n\":"
                                            + contents
                                            + ",\"pad\":\""
                                            + "x".repeat(random.nextInt(900))
                                            + "\"}")
                            : Written.batch(
                                    SIGNALS.get(random.nextInt(3)),
                                    content,
                                    1 + random.nextInt(5),
                                    METADATA.get(random.nextInt(METADATA.size())));
            everOffered.add(ByteBuffer.wrap(append.content));
            if (log.offer(append) == Appender.Offer.QUEUED) offered.add(append);
        }
    }

    private byte[] content() {
        int size =
                switch (random.nextInt(4)) {
                    case 0 -> 8 + random.nextInt(40);
                    case 1 -> 500 + random.nextInt(100);
                    case 2 -> 4_000 + random.nextInt(300);
                    default -> 8 + random.nextInt(9_000);
                };
        byte[] content = new byte[size];
        random.nextBytes(content);
        ByteBuffer.wrap(content).putLong(++contents);
        return content;
    }

    /** Notes what was told since. */
    private void collect() {
        offered.removeIf(append -> {
            if (append.durableSeq > 0) remember(append.durableSeq, ByteBuffer.wrap(append.content));
            return append.durableSeq > 0 || append.failure != null;
        });
    }

    private void remember(long seq, ByteBuffer content) {
        ByteBuffer before = known.putIfAbsent(seq, content);
        if (before != null && !before.equals(content))
            throw violation("record " + seq + " has two contents");
    }

    private void readAndSettle() throws IOException {
        for (Cursor cursor : cursors.values()) {
            try (LogReader reader = log.reader(cursor.settledTo())) {
                int wanted = random.nextInt(30);
                long behind = cursor.settledTo();
                boolean all = true;
                for (int i = 0; i < wanted; i++) {
                    if (!(reader.next() instanceof LogReader.Next.Read(Frame frame))) break;
                    ByteBuffer body = ByteBuffer.allocate(frame.bodyBytes());
                    if (!reader.readBody(frame, body))
                        throw violation("body of " + frame.seq() + " is damaged");
                    remember(frame.seq(), body.flip());
                    if (!isOf(cursor, frame)) {
                        if (all) cursor.passTo(frame.seq());
                        continue;
                    }
                    if (random.nextInt(4) > 0 && !cursor.isSettled(frame.seq()))
                        settle(cursor, frame, random.nextBoolean() ? behind : frame.seq() - 1);
                    behind = frame.seq();
                    all &= cursor.isSettled(frame.seq());
                }
            } catch (IOException e) {
                if (!lostPower(e)) throw e;
            }
        }
    }

    /** Whether the frame travels in the cursor's lane. */
    private boolean isOf(Cursor cursor, Frame frame) {
        Lanes lanes = options.lanes();
        String lane = cursor.name().substring(cursor.name().indexOf('/') + 1);
        return lanes.indexOf(lane) == lanes.of(frame);
    }

    private void settle(Cursor cursor, Frame frame, long behind) {
        int items = frame.items();
        switch (random.nextInt(3)) {
            case 0 -> cursor.settle(frame, behind, new Settlement(0, items, Map.of()));
            case 1 ->
                    cursor.settle(
                            frame,
                            behind,
                            new Settlement(items - 1, 0, Map.of("rejected_upstream", 1)));
            default -> cursor.settle(frame, behind, Settlement.delivered(items));
        }
    }

    private void settleLog() {
        for (int i = 0; i < 5; i++) {
            if (log.writerTurn() == LogWriter.Turn.IDLE) return;
            log.keeperTurn();
        }
    }

    private void stopCleanly() throws IOException {
        try {
            log.finish();
        } catch (IOException e) {
            if (!lostPower(e)) throw e;
            crash();
            return;
        }
        collect();
        offered.clear();
        log = open();
        check();
    }

    private void crash() throws IOException {
        crashes++;
        collect();
        offered.clear();
        disk = random.nextInt(4) == 0 ? disk.processKilled() : disk.powerLoss(random);
        prepareDisk.accept(disk);
        if (random.nextInt(3) == 0) disk.losePowerAtCall(1 + random.nextInt(25));
        log = open();
        check();
    }

    /** Opens, and if the power goes away meanwhile opens what that leaves. */
    private Wal open() throws IOException {
        while (true) {
            lives++;
            try {
                if (random.nextInt(5) == 0) options = OPTIONS.get(random.nextInt(OPTIONS.size()));
                Wal opened =
                        Wal.openStill(disk, options, LogFixture.environment(seed * 1_000 + lives));
                cursors.clear();
                for (String name : DESTINATIONS)
                    for (Cursor cursor : opened.cursors(name)) cursors.put(cursor.name(), cursor);
                return opened;
            } catch (IOException e) {
                if (!lostPower(e)) throw e;
            } catch (java.io.UncheckedIOException e) {
                if (!lostPower(e)) throw e;
            }
            crashes++;
            disk = disk.powerLoss(random);
            prepareDisk.accept(disk);
        }
    }

    private static boolean lostPower(Throwable e) {
        for (Throwable cause = e; cause != null; cause = cause.getCause())
            if (cause instanceof CrashingDirectory.PowerLoss) return true;
        return false;
    }

    /**
     * Acknowledged records are there or settled everywhere, in order, with no gap and no invention;
     * the ledger adds up.
     */
    private void check() throws IOException {
        var missing = new ArrayList<SeqRange>();
        List<Recovered> found;
        try {
            found = LogFixture.readAll(log, log.status().oldestSeq() - 1, missing);
        } catch (IOException e) {
            if (lostPower(e)) return; // the next crash checks again
            throw e;
        }
        if (!missing.isEmpty()) throw violation("missing " + missing);
        long expected = log.status().oldestSeq();
        var bySeq = new TreeMap<Long, Recovered>();
        for (Recovered record : found) {
            if (record.seq() != expected++)
                throw violation("record " + record.seq() + " instead of " + (expected - 1));
            if (!everOffered.contains(record.content()))
                throw violation("record " + record.seq() + " was never offered");
            remember(record.seq(), record.content());
            bySeq.put(record.seq(), record);
        }
        for (Map.Entry<Long, ByteBuffer> acknowledged : known.entrySet()) {
            long seq = acknowledged.getKey();
            if (bySeq.containsKey(seq)) continue;
            // Which lane it was in is gone with it, but one of each destination had settled it.
            for (String name : DESTINATIONS)
                if (cursors.values().stream()
                        .filter(cursor -> cursor.name().startsWith(name + "/"))
                        .noneMatch(cursor -> cursor.isSettled(seq)))
                    throw violation("record " + seq + " is lost to " + name);
        }
        checkLedger(found);
    }

    private void checkLedger(List<Recovered> found) throws IOException {
        for (Cursor cursor : cursors.values()) {
            long pending =
                    found.stream()
                            .filter(record -> isOf(cursor, record.frame()))
                            .filter(record -> !cursor.isSettled(record.seq()))
                            .mapToLong(Recovered::items)
                            .sum();
            long unsettled =
                    log.ledger().stream()
                            .filter(row -> row.cursor().equals(cursor.name()))
                            .mapToLong(Positions.LedgerRow::pending)
                            .sum();
            if (pending != unsettled)
                throw violation(
                        cursor.name()
                                + ": the ledger says "
                                + unsettled
                                + " pending, the log "
                                + pending);
            long pendingBytes =
                    found.stream()
                            .filter(record -> isOf(cursor, record.frame()))
                            .filter(record -> !cursor.isSettled(record.seq()))
                            .mapToLong(record -> record.frame().bodyBytes())
                            .sum();
            long unsettledBytes =
                    log.balances().stream()
                            .filter(row -> row.cursor().equals(cursor.name()))
                            .mapToLong(Wal.Balance::pendingBytes)
                            .sum();
            if (pendingBytes != unsettledBytes)
                throw violation(
                        cursor.name()
                                + ": the ledger says "
                                + unsettledBytes
                                + " bytes pending, the log "
                                + pendingBytes);
        }
    }

    private Violation violation(String what) {
        return new Violation(
                "seed "
                        + seed
                        + ", life "
                        + lives
                        + ": "
                        + what
                        + "\n"
                        + String.join(
                                "\n",
                                disk.trace().stream()
                                        .skip(Math.max(0, disk.trace().size() - 40))
                                        .toList()));
    }
}
