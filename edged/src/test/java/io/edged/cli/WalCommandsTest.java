package io.edged.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonFactory;

import io.edged.daemon.ExitCode;
import io.edged.daemon.LifeCycle;
import io.edged.daemon.LogFormat;
import io.edged.daemon.Logging;
import io.edged.disk.DirectoryLock;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** {@code edged wal} on real files: the logs of format version 1, and a log that is made here. */
class WalCommandsTest {
    private static final Path GOLDEN = Path.of("../telemetry/src/test/resources/golden/v1");

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();
    private final Logging logging =
            Logging.install(
                    System.Logger.Level.INFO, LogFormat.LOGFMT, new ByteArrayOutputStream());
    private final LifeCycle lifeCycle = LifeCycle.unattached(Duration.ofSeconds(60));

    @TempDir private Path temporary;

    @AfterEach
    void stop() {
        logging.close();
    }

    private ExitCode run(Object... args) {
        var program =
                new Program(
                        new PrintStream(out, true, StandardCharsets.UTF_8),
                        new PrintStream(err, true, StandardCharsets.UTF_8),
                        logging,
                        () -> lifeCycle,
                        new Main(logging));
        String[] texts = new String[args.length + 1];
        texts[0] = "wal";
        for (int i = 0; i < args.length; i++) texts[i + 1] = args[i].toString();
        out.reset();
        err.reset();
        return Edged.run(program, texts);
    }

    private String out() {
        return out.toString(StandardCharsets.UTF_8);
    }

    private String err() {
        return err.toString(StandardCharsets.UTF_8);
    }

    static List<Path> cases() throws IOException {
        try (var folders = Files.list(GOLDEN)) {
            return folders.sorted().toList();
        }
    }

    /** A state directory with a copy of a golden log. */
    private Path copy(String golden) throws IOException {
        Path to = temporary.resolve("state-" + golden);
        try (var files = Files.walk(GOLDEN.resolve(golden))) {
            for (Path file : (Iterable<Path>) files::iterator) {
                Path target = to.resolve(GOLDEN.resolve(golden).relativize(file).toString());
                if (Files.isDirectory(file)) Files.createDirectories(target);
                else Files.copy(file, target);
            }
        }
        return to;
    }

    private static Map<String, ByteBuffer> contents(Path directory) throws IOException {
        var contents = new TreeMap<String, ByteBuffer>();
        try (var files = Files.walk(directory)) {
            for (Path file : (Iterable<Path>) files::iterator)
                if (Files.isRegularFile(file))
                    contents.put(
                            directory.relativize(file).toString(),
                            ByteBuffer.wrap(Files.readAllBytes(file)));
        }
        return contents;
    }

    /** Fails if any line is no JSON. */
    private static int jsonLines(String text) throws IOException {
        int lines = 0;
        for (String line : text.lines().toList()) {
            try (var json = new JsonFactory().createParser(line)) {
                json.nextToken();
                json.skipChildren();
                assertThat(json.nextToken()).as(line).isNull();
            }
            lines++;
        }
        return lines;
    }

    @ParameterizedTest
    @MethodSource("cases")
    void verifySaysWhatIsExpectedOfEachGoldenLog(Path golden) throws IOException {
        String expected = Files.readString(golden.resolve("expected.json"));
        boolean sound = expected.contains("\"sound\":true");
        assertThat(run("verify", "--json", golden))
                .isEqualTo(sound ? ExitCode.CLEAN : ExitCode.CORRUPTION);
        assertThat(jsonLines(out())).isEqualTo(1);
        assertThat(out()).startsWith("{\"sound\":" + sound);
        assertThat(run("verify", golden.resolve("wal")))
                .isEqualTo(sound ? ExitCode.CLEAN : ExitCode.CORRUPTION);
        assertThat(out()).contains(sound ? "sound; segments" : "edged wal repair --dry-run");
    }

    @ParameterizedTest
    @MethodSource("cases")
    void readingVerbsWriteNothing(Path golden) throws IOException {
        Path state = copy(String.valueOf(golden.getFileName()));
        Map<String, ByteBuffer> before = contents(state);
        for (String verb : List.of("ls", "verify", "dump", "stats")) {
            assertThat(run(verb, state)).isIn(ExitCode.CLEAN, ExitCode.CORRUPTION);
            assertThat(out()).isNotEmpty();
            run(verb, "--json", state);
            assertThat(jsonLines(out())).as(verb).isPositive();
        }
        run("repair", "--dry-run", state);
        assertThat(contents(state)).isEqualTo(before);
    }

    @Test
    void listNamesSegmentsSmallFilesAndQuarantine() {
        assertThat(run("ls", GOLDEN.resolve("gap-listed"))).isEqualTo(ExitCode.CLEAN);
        assertThat(out().lines().toList())
                .anySatisfy(line -> assertThat(line).matches(".*\\.wal +1 +6 +5 +.*sealed"))
                .anySatisfy(line -> assertThat(line).matches(".*\\.wal +7 +8 +2 +.*active"))
                .anySatisfy(line -> assertThat(line).contains("telemetry.pos"))
                .anySatisfy(line -> assertThat(line).contains("quarantine/5-5.bin"));
        run("ls", GOLDEN.resolve("bad-frame"));
        assertThat(out()).contains("damaged");
    }

    @Test
    void dumpShowsContentAsOtlpJson() throws IOException {
        assertThat(run("dump", "--json", GOLDEN.resolve("clean"))).isEqualTo(ExitCode.CLEAN);
        assertThat(jsonLines(out())).isEqualTo(6);
        List<String> lines = out().lines().toList();
        assertThat(lines.get(0))
                .contains("\"seq\":1,", "\"body\":{\"resourceLogs\":[", "order 1 was placed");
        assertThat(lines.get(1)).contains("\"metadata\":{\"tenant\":\"a\"}", "resourceMetrics");
        assertThat(lines.get(2))
                .contains(
                        "\"signal\":\"events\"",
                        "\"event\":{\"kind\":\"decision\",\"name\":\"brake\",\"value\":1.50,");
        assertThat(lines.get(4)).contains("\"encoding\":\"gzip\"", "order 4 was placed");
        run("dump", "--json", "--max-body-bytes", "600", GOLDEN.resolve("clean"));
        assertThat(out().lines().toList().get(4))
                .contains("\"body_omitted\":\"more than 600 bytes decompressed\"");
    }

    @Test
    void dumpShowsBodiesOfEveryEncodingAndTheirLane() throws IOException {
        Path log = GOLDEN.resolve("compressed");
        assertThat(run("dump", "--json", log)).isEqualTo(ExitCode.CLEAN);
        assertThat(jsonLines(out())).isEqualTo(3);
        assertThat(out().lines())
                .allSatisfy(line -> assertThat(line).contains("\"body\":{\"resourceLogs\":["))
                .map(line -> line.substring(line.indexOf("\"body\":")))
                .containsOnly(
                        out().lines().toList().getLast().replaceFirst("^.*?(?=\"body\":)", ""));
        assertThat(out().lines().toList().getFirst())
                .contains("\"encoding\":\"zstd\"", "\"metadata\":{\"lane\":\"urgent\"}");
        run("dump", "--json", "--max-body-bytes", "600", log);
        assertThat(out()).contains("\"body_omitted\":\"more than 600 bytes decompressed\"");
    }

    @Test
    void dumpTakesBoundsAndSignals() {
        Path log = GOLDEN.resolve("clean");
        run("dump", "--from", "2", "--to", "4", log);
        assertThat(out().lines()).hasSize(3).first().asString().startsWith("2 ");
        run("dump", "--signal", "events", log);
        assertThat(out().lines()).hasSize(2);
        run("dump", "--from", "2026-11-21T12:00:01Z", log);
        assertThat(out()).isEmpty();
        run("dump", "--to", "2026-11-21T12:00:01Z", log);
        assertThat(out().lines()).hasSize(6);
    }

    @Test
    void dumpGoesOnBehindDamageAndSaysSo() {
        assertThat(run("dump", GOLDEN.resolve("bad-frame"))).isEqualTo(ExitCode.CORRUPTION);
        assertThat(out().lines()).hasSize(5);
        assertThat(err()).contains("damaged BAD_FRAME; file=").contains("records=2-2");
    }

    @Test
    void aFollowerEndsWithTheCodeOfTheStop() {
        lifeCycle.stop(ExitCode.CLEAN, "test");
        assertThat(run("dump", "--follow", GOLDEN.resolve("clean"))).isEqualTo(ExitCode.CLEAN);
        assertThat(out()).isNotEmpty();
    }

    @Test
    void statsAddUpSignalsGroupsCursorsAndLedger() {
        assertThat(run("stats", GOLDEN.resolve("clean"))).isEqualTo(ExitCode.CLEAN);
        assertThat(out())
                .contains(
                        "records 1 to 6, there are 6",
                        "events: 2 records, 2 items",
                        "gzip: 1 records, 5 items",
                        "groups 4: 3 of 1, 1 of 2-3 frames",
                        "cursor upstream/all at 0, behind 6",
                        "ledger upstream/all logs: accepted 9 = delivered 0 + pending 9");
        run("stats", GOLDEN.resolve("gap-listed"));
        assertThat(out()).contains("gap 5-5: corruption");
    }

    @Test
    void repairDoesWhatItsDryRunSaid() throws IOException {
        Path state = copy("bad-frame");
        assertThat(run("repair", "--dry-run", state)).isEqualTo(ExitCode.CORRUPTION);
        List<String> planned = out().lines().filter(line -> line.startsWith("would ")).toList();
        assertThat(planned)
                .anySatisfy(line -> assertThat(line).contains("create quarantine/2-2.bin"));
        assertThat(run("repair", state)).isEqualTo(ExitCode.CLEAN);
        assertThat(out().lines().filter(line -> line.startsWith("did ")))
                .containsExactlyElementsOf(
                        planned.stream().map(line -> line.replace("would ", "did ")).toList());
        assertThat(state.resolve("wal/quarantine/2-2.bin")).exists();
        assertThat(run("verify", state)).isEqualTo(ExitCode.CLEAN);
        assertThat(run("repair", state)).isEqualTo(ExitCode.CLEAN);
        assertThat(out()).isEqualTo("nothing to do\n");
    }

    @Test
    void repairOfALogInUseIsRefusedAndNamesTheHolder() throws IOException {
        Path state = copy("bad-frame");
        Map<String, ByteBuffer> before = contents(state.resolve("wal"));
        try (var _ = DirectoryLock.take(state, "process 4711")) {
            assertThat(run("repair", state)).isEqualTo(ExitCode.STATE_DIRECTORY);
            assertThat(err()).contains("process 4711").hasLineCount(1);
            assertThat(run("repair", state.resolve("wal"))).isEqualTo(ExitCode.STATE_DIRECTORY);
            assertThat(run("verify", state)).isEqualTo(ExitCode.CORRUPTION);
        }
        assertThat(contents(state.resolve("wal"))).isEqualTo(before);
    }

    @Test
    void exportWritesPartsThatAreReadLineByLineAndGoesOnBehindThem() throws IOException {
        Path to = temporary.resolve("export");
        Path log = GOLDEN.resolve("gap-listed");
        assertThat(run("export", "--out", to, "--to", "6", "--part-bytes", "1000", log))
                .isEqualTo(ExitCode.CLEAN);
        assertThat(out()).startsWith("exported 5 records in ");
        int before = parts(to).size();
        assertThat(before).isGreaterThan(1);
        assertThat(run("export", "--out", to, log)).isEqualTo(ExitCode.CLEAN);
        assertThat(out()).startsWith("exported 2 records in 1 parts");
        assertThat(run("export", "--out", to, log)).isEqualTo(ExitCode.CLEAN);
        assertThat(out()).startsWith("exported 0 records in 0 parts");
        assertThat(parts(to)).hasSize(before + 1);
        int requests = 0;
        int descriptions = 0;
        for (var file : contents(to).entrySet()) {
            int lines = jsonLines(StandardCharsets.UTF_8.decode(file.getValue()).toString());
            if (file.getKey().endsWith("part.json")) descriptions++;
            else requests += lines;
        }
        assertThat(requests).isEqualTo(7);
        assertThat(descriptions).isEqualTo(before + 1);
        assertThat(contents(to).toString()).doesNotContain("unfinished");
    }

    private static List<Path> parts(Path export) throws IOException {
        var parts = new ArrayList<Path>();
        try (var files = Files.walk(export, 2)) {
            files.filter(path -> String.valueOf(path.getFileName()).matches("[0-9]{20}-[0-9]{20}"))
                    .forEach(parts::add);
        }
        return parts;
    }

    @Test
    void exportedProtobufIsLengthPrefixed() throws IOException {
        Path to = temporary.resolve("export");
        assertThat(run("export", "--format", "protobuf", "--out", to, GOLDEN.resolve("clean")))
                .isEqualTo(ExitCode.CLEAN);
        Path part = parts(to).getFirst();
        assertThat(part.resolve("events.jsonl")).exists();
        try (var in = new DataInputStream(Files.newInputStream(part.resolve("logs.binpb")))) {
            int requests = 0;
            while (in.available() > 0) {
                int length = in.readInt();
                byte[] body = in.readNBytes(length);
                assertThat(body).hasSize(length).startsWith((byte) 0x0A);
                requests++;
            }
            assertThat(requests).isEqualTo(2);
        }
    }

    @Test
    void anExportThatWasCutOffIsBegunAgain() throws IOException {
        Path to = temporary.resolve("export");
        Path log = GOLDEN.resolve("clean");
        run("export", "--out", to, log);
        Path part = parts(to).getFirst();
        Path unfinished = part.resolveSibling("unfinished.tmp");
        Files.move(part, unfinished);
        assertThat(run("export", "--out", to, log)).isEqualTo(ExitCode.CLEAN);
        assertThat(parts(to)).hasSize(1);
        assertThat(unfinished).doesNotExist();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "nonsense",
                "ls",
                "verify a b",
                "dump --from yesterday x",
                "dump --signal spans x",
                "dump --from 5 --to 4 x",
                "dump --from 2026-11-21T12:00:01Z --to 2026-11-21T12:00:00Z x",
                "dump --max-body-bytes 0 x",
                "export --out y --part-bytes 0 x",
                "export --out y --max-body-bytes 600000000 x",
                "export x",
                "repair --dryrun x"
            })
    void misuseIsOneLineAndCode64(String line) {
        Object[] args = line.isEmpty() ? new Object[0] : line.split(" ", -1);
        assertThat(run(args)).isEqualTo(ExitCode.USAGE);
        assertThat(err()).startsWith("edged: ").contains("see: edged ").hasLineCount(1);
        assertThat(out()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"ls", "verify", "dump", "stats", "repair"})
    void aDirectoryWithoutALogIsCode2AndStaysAsItIs(String verb) throws IOException {
        Path empty = Files.createDirectory(temporary.resolve("empty"));
        assertThat(run(verb, empty)).isEqualTo(ExitCode.STATE_DIRECTORY);
        assertThat(err()).contains("no log is here").hasLineCount(1);
        assertThat(run(verb, temporary.resolve("nothing"))).isEqualTo(ExitCode.STATE_DIRECTORY);
        assertThat(err()).contains("does not exist").hasLineCount(1);
        assertThat(empty).isEmptyDirectory();
    }

    @Test
    void aConfigurationNamesItsLog() throws IOException {
        Path state = copy("clean");
        Path config = temporary.resolve("edge.toml");
        Files.writeString(
                config,
                """
                [node]
                id = "n"
                [storage]
                dir = "%s"
                [receiver]
                http = "127.0.0.1:4318"
                [[drain.destination]]
                name = "sink"
                endpoint = "http://127.0.0.1:4319"
                """
                        .formatted(state.toAbsolutePath()));
        assertThat(run("verify", "--config", config)).as(err()).isEqualTo(ExitCode.CLEAN);
        assertThat(run("verify", "--config", config, state)).isEqualTo(ExitCode.USAGE);
        Files.writeString(config, "[node]\nid = 7\n");
        assertThat(run("verify", "--config", config)).isEqualTo(ExitCode.CONFIGURATION);
    }
}
