package io.edged.wal;

import static org.assertj.core.api.Assertions.assertThat;

import io.edged.disk.CrashingDirectory;
import io.edged.otlp.Signal;
import io.edged.wal.LogFixture.Written;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;

import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.HexFormat;
import java.util.stream.Collectors;

/** The example of the format document, byte by byte: what version 1 was, it stays. */
class FormatExampleTest {

    private static final long LOG_ID = 0x0123456789abcdefL;
    private static final Path DOCUMENT = Path.of("..", "docs", "wal-format.md");

    /** The hex digits of the indented block behind a line that begins so. */
    private static byte[] example(String heading) throws IOException {
        String digits =
                Files.readAllLines(DOCUMENT).stream()
                        .dropWhile(line -> !line.startsWith(heading))
                        .skip(1)
                        .dropWhile(line -> !line.startsWith("    "))
                        .takeWhile(line -> line.startsWith("    "))
                        .map(line -> line.strip().replaceAll("  .*", "").replace(" ", ""))
                        .collect(Collectors.joining());
        return HexFormat.of().parseHex(digits);
    }

    private static CrashingDirectory written() throws IOException {
        var disk = new CrashingDirectory();
        var environment =
                new WalEnvironment(
                        () -> Instant.parse("2026-11-21T12:00:00Z"),
                        () -> 1,
                        () -> LOG_ID,
                        new SimpleMeterRegistry());
        Wal log = Wal.openStill(disk, LogFixture.SMALL, environment);
        log.offer(
                Written.batch(
                        Signal.LOGS,
                        HexFormat.of().parseHex("0a0912071205 2a030a0178".replace(" ", "")),
                        1,
                        "{\"lane\":\"logs\"}"));
        log.offer(Written.event("{\"kind\":\"error\",\"body\":\"x\"}"));
        LogFixture.settle(log);
        log.finish();
        return disk;
    }

    @Test
    void theSegmentOfTheDocumentIsWhatTheLogWrites() throws IOException {
        CrashingDirectory disk = written();
        String name = "00000000000000000001.0123456789abcdef.wal";
        assertThat(disk.names()).contains(name);
        assertThat(HexFormat.of().formatHex(disk.content(name)))
                .isEqualTo(HexFormat.of().formatHex(example("The segment `" + name)));
    }

    @Test
    void theSafePointOfTheDocumentIsWhatTheLogWrites() throws IOException {
        assertThat(HexFormat.of().formatHex(written().content(SafePoint.FILE)))
                .isEqualTo(HexFormat.of().formatHex(example("The safe point")));
    }

    @Test
    void theSegmentOfTheDocumentIsReadBack() throws IOException {
        CrashingDirectory disk = written();
        String name = "00000000000000000001.0123456789abcdef.wal";
        var copy = new CrashingDirectory();
        copy.put(name, example("The segment `" + name));
        copy.put(SafePoint.FILE, example("The safe point"));
        copy.put(Positions.FILE, disk.content(Positions.FILE));
        assertThat(LogFixture.readAll(LogFixture.open(copy, 1)))
                .extracting(LogFixture.Recovered::text)
                .containsExactly(
                        new String(
                                HexFormat.of().parseHex("0a09120712052a030a0178"),
                                StandardCharsets.ISO_8859_1),
                        "{\"kind\":\"error\",\"body\":\"x\"}");
    }
}
