package io.edged.drain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.edged.disk.CrashingDirectory;
import io.edged.disk.LogDirectory;
import io.edged.otlp.Signal;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicInteger;

class LineFilesTest {

    private Instant now = Instant.parse("2026-11-21T10:00:00Z");
    private final AtomicInteger deleted = new AtomicInteger();

    private LineFiles open(LogDirectory directory, int fileBytes, int files, Duration maxAge) {
        return new LineFiles(
                directory,
                new DestinationOptions.Directory(
                        Path.of("unused"), fileBytes, Duration.ofHours(1), files, maxAge),
                () -> now,
                deleted::incrementAndGet);
    }

    private LineFiles open(LogDirectory directory) {
        return open(directory, 1 << 20, 100, Duration.ZERO);
    }

    private static ByteBuffer line(String text) {
        return ByteBuffer.wrap((text + "\n").getBytes(StandardCharsets.UTF_8));
    }

    private static List<String> lines(CrashingDirectory directory) throws IOException {
        var lines = new ArrayList<String>();
        for (String name : directory.names())
            if (name.contains(".jsonl"))
                lines.addAll(
                        new String(directory.content(name), StandardCharsets.UTF_8)
                                .lines()
                                .toList());
        return lines;
    }

    @Test
    void eachSignalHasItsSeriesAndAFullFileIsFinished() throws Exception {
        var directory = new CrashingDirectory();
        try (var files = open(directory, 20, 100, Duration.ZERO)) {
            files.write(Signal.LOGS, line("0123456789"));
            files.write(Signal.TRACES, line("span"));
            files.write(Signal.LOGS, line("0123456789"));
            files.write(Signal.LOGS, line("next"));
        }
        assertThat(directory.names())
                .containsExactly(
                        "logs-00000001-20261121T100000Z.jsonl",
                        "logs-00000002-20261121T100000Z.jsonl.part",
                        "traces-00000001-20261121T100000Z.jsonl.part");
    }

    @Test
    void theNextProcessGoesOnWithTheFile() throws Exception {
        var directory = new CrashingDirectory();
        try (var files = open(directory)) {
            files.write(Signal.LOGS, line("a"));
        }
        try (var files = open(directory)) {
            files.write(Signal.LOGS, line("b"));
        }
        assertThat(directory.names()).hasSize(1);
        assertThat(lines(directory)).containsExactly("a", "b");
    }

    @Test
    void aFileIsFinishedWhenItIsOldEvenIfNothingComes() throws Exception {
        var directory = new CrashingDirectory();
        try (var files = open(directory)) {
            files.write(Signal.LOGS, line("a"));
            now = now.plus(Duration.ofMinutes(59));
            files.tick();
            assertThat(directory.names().getFirst()).endsWith(".part");
            now = now.plus(Duration.ofMinutes(1));
            files.tick();
            assertThat(directory.names()).containsExactly("logs-00000001-20261121T100000Z.jsonl");
        }
    }

    @Test
    void theOldestFinishedFilesGoAndAreCounted() throws Exception {
        var directory = new CrashingDirectory();
        try (var files = open(directory, 1, 3, Duration.ofDays(2))) {
            for (int i = 1; i <= 5; i++) files.write(Signal.LOGS, line("l" + i));
            assertThat(lines(directory)).containsExactly("l3", "l4", "l5");
            assertThat(deleted.get()).isEqualTo(2);
            now = now.plus(Duration.ofDays(1));
            files.write(Signal.LOGS, line("l6"));
            now = now.plus(Duration.ofDays(2));
            files.tick();
            assertThat(lines(directory)).containsExactly("l6");
            assertThat(deleted.get()).isEqualTo(5);
        }
    }

    @Test
    void numbersGoOnWhenFinishedFilesWereTakenAway() throws Exception {
        var directory = new CrashingDirectory();
        try (var files = open(directory, 1, 3, Duration.ZERO)) {
            files.write(Signal.LOGS, line("a"));
            directory.remove("logs-00000001-20261121T100000Z.jsonl");
            now = now.plusSeconds(1);
            files.write(Signal.LOGS, line("b"));
        }
        assertThat(directory.names()).containsExactly("logs-00000001-20261121T100001Z.jsonl");
    }

    @ParameterizedTest
    @ValueSource(strings = {"to", "torn\0\0\0line\n", "\0\0\0\0", "\n\0"})
    void aTornLineIsCutOff(String torn) throws Exception {
        var directory = new CrashingDirectory();
        directory.put(
                "logs-00000007-20261121T100000Z.jsonl.part",
                ("whole\n" + torn).getBytes(StandardCharsets.UTF_8));
        try (var files = open(directory)) {
            files.write(Signal.LOGS, line("next"));
        }
        assertThat(lines(directory))
                .filteredOn(text -> !text.isEmpty())
                .containsExactly("whole", "next");
    }

    @Test
    void aFileWithNothingWholeGoes() throws Exception {
        var directory = new CrashingDirectory();
        directory.put("logs-00000007-20261121T100000Z.jsonl.part", new byte[] {'x', 'y'});
        try (var files = open(directory)) {
            files.tick();
        }
        assertThat(directory.names()).isEmpty();
    }

    @Test
    void afterAFailedForceTheLineGoesToAnotherFile() throws Exception {
        var directory = new CrashingDirectory();
        try (var files = open(directory)) {
            files.write(Signal.LOGS, line("a"));
            directory.failForceAtCall(directory.calls() + 2);
            assertThatThrownBy(() -> files.write(Signal.LOGS, line("b")))
                    .isInstanceOf(IOException.class);
            files.write(Signal.LOGS, line("b"));
            files.write(Signal.LOGS, line("c"));
        }
        assertThat(lines(directory)).containsExactly("a", "b", "c");
    }

    @Test
    void aFullDiskRefusesAndRecovers() throws Exception {
        var directory = new CrashingDirectory();
        directory.capacity(1 << 16);
        try (var files = open(directory)) {
            files.write(Signal.LOGS, line("a"));
            assertThatThrownBy(() -> files.write(Signal.LOGS, line("b".repeat(1 << 17))))
                    .isInstanceOf(IOException.class);
            directory.capacity(1 << 20);
            files.write(Signal.LOGS, line("b".repeat(1 << 17)));
        }
        assertThat(lines(directory)).containsExactly("a", "b".repeat(1 << 17));
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void aPowerCutAtAnyCallLosesNoLineThatWasWritten(long seed) throws Exception {
        var random = new SplittableRandom(seed);
        for (long call = 1; call < 60; call++) {
            var directory = new CrashingDirectory();
            directory.losePowerAtCall(call);
            var written = new ArrayList<String>();
            var begun = new ArrayList<String>();
            try (var files = open(directory, 5_000, 100, Duration.ZERO)) {
                for (int i = 0; i < 15; i++) {
                    String text = i + ":" + "x".repeat(random.nextInt(3_000));
                    begun.add(text);
                    files.write(Signal.LOGS, line(text));
                    written.add(text);
                }
            } catch (IOException e) {
                // the power is gone
            }
            CrashingDirectory after = directory.powerLoss(random);
            try (var files = open(after, 5_000, 100, Duration.ZERO)) {
                files.write(Signal.LOGS, line("after"));
            }
            List<String> found = lines(after);
            assertThat(found).describedAs("call %s", call).containsAll(written);
            begun.add("after");
            assertThat(begun).describedAs("call %s", call).containsAll(found);
        }
    }
}
