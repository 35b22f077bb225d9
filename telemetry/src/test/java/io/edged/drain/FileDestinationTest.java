package io.edged.drain;

import static org.assertj.core.api.Assertions.assertThat;

import io.edged.otlp.ContentEncoding;
import io.edged.otlp.Signal;
import io.edged.wal.Settlement;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** A destination that is a directory. */
class FileDestinationTest {

    private static final String LOGS = "logs-00000001-20261121T100000Z.jsonl.part";

    @TempDir private Path directory;

    private final MemoryLog log = new MemoryLog();

    private DestinationOptions options(Path path) {
        return new DestinationOptions(
                "cloud",
                new DestinationOptions.Directory(
                        path, 1 << 20, Duration.ofHours(1), 10, Duration.ZERO),
                new DestinationOptions.Batching(
                        ContentEncoding.IDENTITY,
                        Set.of(ContentEncoding.IDENTITY),
                        1 << 20,
                        8192,
                        4 << 20),
                1,
                new DestinationOptions.Retry(Duration.ofSeconds(1), Duration.ofMinutes(5), 1000));
    }

    private MemoryLog.MemoryCursor cursor() {
        return log.cursor("cloud", "all");
    }

    private List<String> lines(String name) throws IOException {
        return Files.readAllLines(directory.resolve("export").resolve(name));
    }

    @Test
    void requestsBecomeLinesWhateverTheyCameAs() throws Exception {
        log.batch(Signal.LOGS, 1, Otlp.logs("a"));
        log.batch(
                Signal.LOGS,
                ContentEncoding.GZIP,
                true,
                1,
                "",
                Gzip.compress(List.of(ByteBuffer.wrap(Otlp.logs("b")))));
        log.batch(Signal.TRACES, 1, Otlp.spans("s"));
        log.commit();
        try (var drain = new TurnedDestination(log, options(directory.resolve("export")))) {
            drain.turnUntil(() -> cursor().settledTo() == 3);
        }
        assertThat(lines(LOGS))
                .containsExactly(
                        "{\"resourceLogs\":["
                                + "{\"scopeLogs\":[{\"logRecords\":[{\"body\":{\"stringValue\":\"a\"}}]}]},"
                                + "{\"scopeLogs\":[{\"logRecords\":[{\"body\":{\"stringValue\":\"b\"}}]}]}"
                                + "]}");
        assertThat(lines("traces-00000001-20261121T100000Z.jsonl.part"))
                .containsExactly(
                        "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"name\":\"s\"}]}]}]}");
        assertThat(
                        PosixFilePermissions.toString(
                                Files.getPosixFilePermissions(
                                        directory.resolve("export").resolve(LOGS))))
                .isEqualTo("rw-------");
    }

    @Test
    void aDirectoryThatCannotBeUsedIsAFaultAndDataWaits() throws Exception {
        Path blocked = Files.writeString(directory.resolve("export"), "a file");
        log.batch(Signal.LOGS, 1, Otlp.logs("a"));
        log.commit();
        try (var drain = new TurnedDestination(log, options(blocked))) {
            drain.turnUntil(() -> drain.metric("edged.drain.retried", "reason", "fault") >= 3);
            assertThat(drain.destination.status().state()).isEqualTo(DrainStatus.State.FAULT);
            assertThat(drain.destination.status().lastError())
                    .hasValueSatisfying(error -> assertThat(error).contains(blocked.toString()));
            assertThat(cursor().settlements()).isEmpty();
            Files.delete(blocked);
            drain.turnUntil(() -> cursor().settledTo() == 1);
        }
        // Its name tells when the file was begun, and time has passed.
        try (var files = Files.list(directory.resolve("export"))) {
            assertThat(files.toList())
                    .singleElement()
                    .satisfies(file -> assertThat(Files.readAllLines(file)).hasSize(1));
        }
    }

    @Test
    void aBodyThatIsNoTelemetryBecomesADeadLetter() throws Exception {
        log.batch(Signal.LOGS, ContentEncoding.IDENTITY, false, 1, "", new byte[] {1, 2, 3});
        log.batch(Signal.LOGS, 1, Otlp.logs("a"));
        log.commit();
        try (var drain = new TurnedDestination(log, options(directory.resolve("export")))) {
            drain.turnUntil(() -> cursor().settledTo() == 2);
        }
        assertThat(cursor().settlements().get(1L)).isEqualTo(new Settlement(0, 1, Map.of()));
        assertThat(lines(LOGS)).hasSize(1);
    }
}
