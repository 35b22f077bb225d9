package io.edged.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicLong;

class ReadProgressTest {
    private static final long MIB = 1 << 20;

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final AtomicLong nanos = new AtomicLong(1);

    private ReadProgress progress(boolean terminal, long total) {
        return new ReadProgress(
                new PrintStream(out, true, StandardCharsets.UTF_8), terminal, nanos::get, total);
    }

    private String out() {
        return out.toString(StandardCharsets.UTF_8);
    }

    @Test
    void aShortReadSaysNothing() {
        try (var progress = progress(false, 10 * MIB)) {
            nanos.addAndGet(9_999_999_999L);
            progress.accept(10 * MIB);
        }
        assertThat(out()).isEmpty();
    }

    @Test
    void aLongReadWritesALineEveryTenSecondsWhereNobodyWatches() {
        try (var progress = progress(false, 10 * MIB)) {
            for (int i = 0; i < 5; i++) {
                nanos.addAndGet(5_000_000_000L);
                progress.accept(MIB);
            }
        }
        assertThat(out().lines())
                .hasSize(2)
                .first()
                .asString()
                .startsWith("edged: read 2")
                .contains(" of 10");
    }

    @Test
    void aTerminalSeesABarThatIsWipedInTheEnd() {
        try (var progress = progress(true, 10 * MIB)) {
            nanos.addAndGet(200_000_000);
            progress.accept(5 * MIB);
            nanos.addAndGet(1);
            progress.accept(MIB);
            assertThat(out())
                    .startsWith("\r[" + "#".repeat(15) + " ".repeat(15) + "] ")
                    .doesNotContain("\n");
        }
        assertThat(out()).endsWith("\r\u001B[K");
        assertThat(out().split("\r", -1)).hasSize(3);
    }

    @Test
    void moreThanWasExpectedFillsTheBarAndNotTheLine() {
        try (var progress = progress(true, MIB)) {
            nanos.addAndGet(200_000_000);
            progress.accept(3 * MIB);
        }
        assertThat(out()).contains("[" + "#".repeat(30) + "]");
    }
}
