package io.edged.wal;

import static org.assertj.core.api.Assertions.assertThat;

import io.edged.wal.CrashIteration.Outcome;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * A sample of the crash harnesses: real processes, really dead. {@code make crash-harness} and
 * {@code make soak-crash} run more of them.
 */
class CrashHarnessTest {

    private static final Logger LOG = Logger.getLogger("io.edged");
    private static final Path SECOND_READER =
            Path.of("..", "packaging", "portability", "wal_verify.py");
    private static final long SEED = Long.getLong("crash.seed", 1);

    @TempDir Path work;

    @BeforeAll
    static void crashesAreExpectedAndNotWorthALine() {
        LOG.setLevel(Level.OFF);
    }

    @AfterAll
    static void linesAreWorthReadingAgain() {
        LOG.setLevel(null);
    }

    @Test
    void processesThatDieAtASeededCallLoseNothingThatWasAcknowledged() throws IOException {
        try (var secondReader = SecondReader.start(SECOND_READER)) {
            var harness = new CrashHarness(work, secondReader, System.out);
            List<Outcome> outcomes =
                    harness.random(SEED, Integer.getInteger("crash.iterations", 8));
            assertThat(outcomes).allSatisfy(outcome -> assertThat(outcome.problems()).isEmpty());
            assertThat(outcomes.stream().mapToInt(Outcome::acknowledged).sum()).isPositive();
        }
    }

    @Test
    void aSeedRepeatsACrashExactly() throws IOException {
        try (var secondReader = SecondReader.start(SECOND_READER)) {
            var harness = new CrashHarness(work, secondReader, System.out);
            Outcome first = harness.iteration(SEED, 3);
            assertThat(harness.iteration(SEED, 3)).isEqualTo(first);
        }
    }

    @Test
    void aSigkillAtEachCallOfOneRunLosesNothingThatWasAcknowledged() throws IOException {
        try (var secondReader = SecondReader.start(SECOND_READER)) {
            var harness = new CrashHarness(work, secondReader, System.out);
            // Places that no small number divides, so that calls of every kind are met.
            List<Outcome> outcomes = harness.everyCall(SEED, Integer.getInteger("crash.step", 41));
            assertThat(outcomes)
                    .isNotEmpty()
                    .allSatisfy(outcome -> assertThat(outcome.problems()).isEmpty());
        }
    }

    @Test
    void aSigkillAtAnyMomentLosesNothingThatWasAcknowledged() throws IOException {
        try (var secondReader = SecondReader.start(SECOND_READER)) {
            var harness = new CrashHarness(work, secondReader, System.out);
            List<Outcome> outcomes = harness.outside(SEED, 4);
            assertThat(outcomes).allSatisfy(outcome -> assertThat(outcome.problems()).isEmpty());
        }
    }
}
