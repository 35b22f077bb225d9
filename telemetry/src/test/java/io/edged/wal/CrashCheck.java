package io.edged.wal;

import io.edged.disk.FileSystemDirectory;
import io.edged.wal.LogFixture.Recovered;
import io.edged.wal.LogFixture.Written;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeMap;
import java.util.zip.CRC32C;

/**
 * Opens a log that crashed and compares it with what was claimed: acknowledged ⊆ recovered, in
 * order, no gap, no invention, no number twice, the ledger adds up, the second reader agrees before
 * and after. Then the log goes on, ends cleanly, and is opened once more, which changes nothing.
 */
final class CrashCheck {

    private static final int MORE_RECORDS = 3;

    /**
     * @param survivors records that could be read
     * @param lastSeq the last of them, or the number that the log goes on behind
     * @param problems what is wrong; empty if nothing
     */
    record Result(int survivors, long lastSeq, List<String> problems) {}

    private final Path directory;
    private final CrashClaims claims;
    private final CrashRecords records;
    private final SecondReader secondReader;
    private final long seed;
    private final List<String> problems = new ArrayList<>();

    private CrashCheck(Path directory, long seed, CrashClaims claims, SecondReader secondReader) {
        this.directory = directory;
        this.seed = seed;
        this.claims = claims;
        this.records = new CrashRecords(seed);
        this.secondReader = secondReader;
        problems.addAll(claims.problems);
    }

    /**
     * Checks the log in {@code directory} and leaves it stopped.
     *
     * @param nextIndex the first record that was never offered
     */
    static Result of(
            Path directory, long seed, CrashClaims claims, int nextIndex, SecondReader secondReader)
            throws IOException {
        return new CrashCheck(directory, seed, claims, secondReader).check(nextIndex);
    }

    private Result check(int nextIndex) throws IOException {
        // Before the first record there may be no log yet that a reader could judge.
        if (!claims.known.isEmpty()) askSecondReader("after the crash");
        Wal log = open(1);
        List<Cursor> cursors =
                CrashChild.CURSORS.stream().map(name -> log.cursor(name, "all")).toList();
        List<Recovered> found = read(log);
        compare(log, found, cursors);
        ledger(log, found, cursors);
        long last = log.committedSeq();
        var more = new ArrayList<Written>();
        for (int i = 0; i < MORE_RECORDS; i++) {
            claims.offered.add(nextIndex + i);
            Written record = records.append(nextIndex + i);
            more.add(record);
            log.offer(record);
        }
        LogFixture.settle(log);
        for (int i = 0; i < MORE_RECORDS; i++)
            expect(
                    more.get(i).durableSeq == last + 1 + i,
                    "a new record got seq %d instead of %d"
                            .formatted(more.get(i).durableSeq, last + 1 + i));
        expect(
                last >= claims.highest(),
                "the log goes on behind %d, but %d was used".formatted(last, claims.highest()));
        log.finish();
        askSecondReader("after a clean stop");
        Map<String, Integer> before = files();
        Wal again = open(2);
        List<Recovered> foundAgain = read(again);
        // What every cursor has settled may have been given back meanwhile.
        long oldest = again.status().oldestSeq();
        List<Recovered> kept = found.stream().filter(record -> record.seq() >= oldest).toList();
        for (Recovered record : found)
            if (record.seq() < oldest && !cursors.stream().allMatch(c -> c.isSettled(record.seq())))
                problems.add("record " + record.seq() + " was given back too early");
        expect(
                foundAgain.size() == kept.size() + MORE_RECORDS
                        && foundAgain.subList(0, kept.size()).equals(kept),
                "the second opening shows %d records instead of %d"
                        .formatted(foundAgain.size(), kept.size() + MORE_RECORDS));
        expect(files().equals(before), "opening a log that was stopped cleanly changed its files");
        return new Result(found.size(), last, List.copyOf(problems));
    }

    private Wal open(int time) throws IOException {
        return Wal.openStill(
                FileSystemDirectory.open(directory),
                LogFixture.SMALL,
                LogFixture.environment(seed * 1_000 + 900 + time));
    }

    private List<Recovered> read(Wal log) throws WalException {
        var missing = new ArrayList<SeqRange>();
        List<Recovered> found = LogFixture.readAll(log, log.status().oldestSeq() - 1, missing);
        expect(missing.isEmpty(), "missing %s".formatted(missing));
        return found;
    }

    private void compare(Wal log, List<Recovered> found, List<Cursor> cursors) throws IOException {
        long expected = log.status().oldestSeq();
        int before = -1;
        var seqs = new HashSet<Long>();
        for (Recovered record : found) {
            expect(
                    record.seq() == expected,
                    "record %d stands where %d belongs".formatted(record.seq(), expected));
            expected = record.seq() + 1;
            seqs.add(record.seq());
            OptionalInt index = records.index(record.content());
            if (index.isEmpty() || !claims.offered.contains(index.getAsInt())) {
                problems.add("record " + record.seq() + " was never offered");
                continue;
            }
            expect(
                    index.getAsInt() > before,
                    "record %d is number %d behind number %d"
                            .formatted(record.seq(), index.getAsInt(), before));
            before = index.getAsInt();
            Integer known = claims.known.get(record.seq());
            if (known != null && known != before)
                problems.add(
                        "seq %d was record %d and is record %d"
                                .formatted(record.seq(), known, before));
        }
        for (long seq : claims.known.keySet()) {
            if (seqs.contains(seq)) continue;
            for (Cursor cursor : cursors)
                expect(
                        cursor.isSettled(seq)
                                && claims.settled
                                        .getOrDefault(cursor.name(), Set.of())
                                        .contains(seq),
                        "record %d is lost to %s".formatted(seq, cursor.name()));
        }
        Path quarantine = directory.resolve("quarantine");
        if (Files.isDirectory(quarantine)) {
            try (var names = Files.list(quarantine)) {
                expect(names.findAny().isEmpty(), "a crash was taken for damage");
            }
        }
    }

    private void ledger(Wal log, List<Recovered> found, List<Cursor> cursors) {
        for (Cursor cursor : cursors) {
            long pending =
                    found.stream()
                            .filter(record -> !cursor.isSettled(record.seq()))
                            .mapToLong(Recovered::items)
                            .sum();
            long unsettled =
                    log.ledger().stream()
                            .filter(row -> row.cursor().equals(cursor.name()))
                            .mapToLong(Positions.LedgerRow::pending)
                            .sum();
            expect(
                    pending == unsettled,
                    "%s: the ledger says %d items pending, the log %d"
                            .formatted(cursor.name(), unsettled, pending));
        }
    }

    private void askSecondReader(String when) throws IOException {
        String violations = secondReader.violations(directory);
        expect(
                violations.isEmpty(),
                "the second reader, %s: %s"
                        .formatted(
                                when, violations.substring(0, Math.min(violations.length(), 500))));
    }

    /** Names and checksums of all files. */
    private Map<String, Integer> files() throws IOException {
        var files = new TreeMap<String, Integer>();
        try (var names = Files.list(directory)) {
            for (Path file : names.filter(Files::isRegularFile).toList()) {
                var crc = new CRC32C();
                crc.update(Files.readAllBytes(file));
                files.put(String.valueOf(file.getFileName()), (int) crc.getValue());
            }
        }
        return files;
    }

    private void expect(boolean holds, String problem) {
        if (!holds) problems.add(problem);
    }
}
