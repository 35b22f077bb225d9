package io.edged.wal;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;

import io.edged.disk.CrashingDirectory;
import io.edged.disk.PlannedDirectory;
import io.edged.disk.ReadOnlyDirectory;
import io.edged.wal.LogVerifier.Finding;
import io.edged.wal.LogVerifier.Verification;
import io.edged.wal.StoredLogReader.Next;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.logging.Level;
import java.util.logging.Logger;

/** The logs of format version 1 are read as they always were. */
class GoldenLogTest {

    private static final Logger LOG = Logger.getLogger("io.edged");

    @BeforeAll
    static void damageIsExpectedAndNotWorthALine() {
        LOG.setLevel(Level.OFF);
    }

    @AfterAll
    static void linesAreWorthReadingAgain() {
        LOG.setLevel(null);
    }

    static List<Path> cases() throws IOException {
        try (var folders = Files.list(GoldenLogs.DIRECTORY)) {
            return folders.sorted().toList();
        }
    }

    /** A copy in memory, which may be changed. */
    static CrashingDirectory copy(Path golden) throws IOException {
        var disk = new CrashingDirectory();
        Path wal = golden.resolve("wal");
        put(wal, disk);
        if (Files.isDirectory(wal.resolve("quarantine")))
            put(wal.resolve("quarantine"), disk.subdirectory("quarantine"));
        return disk;
    }

    private static void put(Path from, CrashingDirectory to) throws IOException {
        try (var files = Files.newDirectoryStream(from, Files::isRegularFile)) {
            for (Path file : files)
                to.put(String.valueOf(file.getFileName()), Files.readAllBytes(file));
        }
    }

    /** What a log's {@code expected.json} says. */
    private record Expected(boolean sound, List<String> findings, List<Long> records) {

        static Expected of(Path golden) throws IOException {
            boolean sound = false;
            var findings = new ArrayList<String>();
            var records = new ArrayList<Long>();
            try (JsonParser json =
                    new JsonFactory().createParser(golden.resolve("expected.json").toFile())) {
                json.nextToken();
                while (json.nextToken() == JsonToken.FIELD_NAME) {
                    String name = json.currentName();
                    json.nextToken();
                    switch (name) {
                        case "sound" -> sound = json.getBooleanValue();
                        case "findings" -> {
                            while (json.nextToken() != JsonToken.END_ARRAY)
                                findings.add(json.getText());
                        }
                        case "records" -> {
                            for (String run : json.getText().split(",", -1)) {
                                String[] ends = run.split("-", -1);
                                for (long seq = Long.parseLong(ends[0]);
                                        seq <= Long.parseLong(ends[ends.length - 1]);
                                        seq++) records.add(seq);
                            }
                        }
                        default -> json.skipChildren();
                    }
                }
            }
            return new Expected(sound, findings, records);
        }
    }

    static String text(Finding finding) {
        return finding.code()
                + (finding.fromSeq() == 0 ? "" : " " + finding.fromSeq() + "-" + finding.toSeq());
    }

    static List<String> texts(Verification found) {
        return found.findings().stream().map(GoldenLogTest::text).toList();
    }

    @ParameterizedTest
    @MethodSource("cases")
    void aVerificationSaysWhatIsExpected(Path golden) throws IOException {
        Expected expected = Expected.of(golden);
        Verification found =
                LogVerifier.verify(ReadOnlyDirectory.open(golden.resolve("wal")), _ -> {});
        assertThat(texts(found)).isEqualTo(expected.findings());
        assertThat(found.isSound()).isEqualTo(expected.sound());
        assertThat(found.records()).isEqualTo(expected.records().size());
    }

    @ParameterizedTest
    @MethodSource("cases")
    void aReaderGivesEveryRecordThatIsThereAndNamesTheRest(Path golden) throws IOException {
        StoredLog log = StoredLog.read(ReadOnlyDirectory.open(golden.resolve("wal")));
        var seqs = new ArrayList<Long>();
        var damaged = new ArrayList<String>();
        try (var reader = new StoredLogReader(log, 1, false)) {
            for (Next next = reader.next(); !(next instanceof Next.AtEnd); next = reader.next()) {
                switch (next) {
                    case Next.Read(Frame frame, int _, boolean _, long _) -> {
                        ByteBuffer body = ByteBuffer.allocate(frame.bodyBytes());
                        assertThat(reader.readBody(frame, body))
                                .isEqualTo(StoredLogReader.Body.READ);
                        seqs.add(frame.seq());
                    }
                    case Next.Damaged damage ->
                            damaged.add(
                                    damage.code() + " " + damage.fromSeq() + "-" + damage.toSeq());
                    case Next.Missing _, Next.AtEnd _ -> {}
                }
            }
        }
        Expected expected = Expected.of(golden);
        assertThat(seqs).isEqualTo(expected.records());
        assertThat(damaged)
                .isEqualTo(
                        expected.findings().stream()
                                .filter(finding -> finding.contains("-"))
                                .toList());
    }

    @ParameterizedTest
    @MethodSource("cases")
    void anOpenLosesNothingElseAndLeavesTheLogSound(Path golden) throws IOException {
        Expected expected = Expected.of(golden);
        CrashingDirectory disk = copy(golden);
        Wal log = LogFixture.open(disk, 9);
        var missing = new ArrayList<SeqRange>();
        List<Long> seqs =
                LogFixture.readAll(log, 0, missing).stream()
                        .map(LogFixture.Recovered::seq)
                        .toList();
        assertThat(seqs).isEqualTo(expected.records());
        log.finish();
        assertThat(texts(LogVerifier.verify(disk, _ -> {}))).isEmpty();
    }

    @ParameterizedTest
    @MethodSource("cases")
    void aPlannedRepairChangesNothingAndComesToWhatTheRealOneDoes(Path golden) throws IOException {
        CrashingDirectory disk = copy(golden);
        var before = contents(disk);
        List<PlannedDirectory.Change> planned;
        var environment = LogFixture.environment(5);
        try (var plan = new PlannedDirectory(disk)) {
            LogRepair.run(plan, environment, _ -> {});
            planned = plan.changes();
        }
        assertThat(contents(disk)).isEqualTo(before);
        LogRepair.run(disk, LogFixture.environment(5), _ -> {});
        var after = contents(disk);
        var changed = new TreeMap<String, Long>();
        after.forEach((name, content) -> {
            if (!content.equals(before.get(name))) changed.put(name, (long) content.remaining());
        });
        var plannedSizes = new TreeMap<String, Long>();
        for (PlannedDirectory.Change change : planned)
            if (change.action() != PlannedDirectory.Action.DELETE)
                plannedSizes.put(change.name(), change.bytesAfter());
        assertThat(plannedSizes.keySet()).containsAll(changed.keySet());
        changed.forEach((name, bytes) -> assertThat(plannedSizes).containsEntry(name, bytes));
        assertThat(texts(LogVerifier.verify(disk, _ -> {}))).isEmpty();
        try (var again = new PlannedDirectory(disk)) {
            LogRepair.run(again, LogFixture.environment(6), _ -> {});
            assertThat(again.changes()).as("nothing is left to do").isEmpty();
        }
    }

    private static Map<String, ByteBuffer> contents(CrashingDirectory disk) throws IOException {
        var contents = new TreeMap<String, ByteBuffer>();
        for (String name : disk.names()) contents.put(name, ByteBuffer.wrap(disk.content(name)));
        CrashingDirectory quarantine = disk.subdirectory("quarantine");
        for (String name : quarantine.names())
            contents.put("quarantine/" + name, ByteBuffer.wrap(quarantine.content(name)));
        return contents;
    }
}
