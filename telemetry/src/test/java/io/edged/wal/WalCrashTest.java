package io.edged.wal;

import static org.assertj.core.api.Assertions.assertThat;

import io.edged.disk.CrashingDirectory;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.util.function.Consumer;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.LongStream;

/**
 * The model test. {@code -Dwal.model.seeds=10000} runs more of it, {@code -Dwal.model.seed=7} one
 * seed; a failure prints its seed.
 */
class WalCrashTest {

    private static final Logger LOG = Logger.getLogger("io.edged");
    private static final long SEEDS = Long.getLong("wal.model.seeds", 400);
    private static final int STEPS = 250;

    @BeforeAll
    static void crashesAreExpectedAndNotWorthALine() {
        LOG.setLevel(Level.OFF);
    }

    @AfterAll
    static void linesAreWorthReadingAgain() {
        LOG.setLevel(null);
    }

    private static LongStream seeds() {
        Long one = Long.getLong("wal.model.seed");
        return one == null ? LongStream.rangeClosed(1, SEEDS) : LongStream.of(one);
    }

    private static int run(long seed, Consumer<CrashingDirectory> disk) {
        try {
            var model = new LogModel(seed, disk);
            model.run(STEPS);
            return model.crashes();
        } catch (IOException | RuntimeException e) {
            throw new AssertionError("seed " + seed + ": " + e, e);
        }
    }

    @Test
    void acknowledgedRecordsSurviveCrashesAtAnyCall() {
        long crashes = seeds().map(seed -> run(seed, disk -> {})).sum();
        assertThat(crashes).isGreaterThan(seeds().count());
    }

    /**
     * The proof that the test above can fail: a disk that only pretends to force must be caught.
     */
    @Test
    void aDiskThatForgetsItsForcesIsFoundOut() {
        assertThat(seeds().anyMatch(seed -> violates(seed, CrashingDirectory::forgetForces)))
                .isTrue();
    }

    @Test
    void aDiskThatForgetsItsNamesIsFoundOut() {
        assertThat(
                        seeds().anyMatch(seed ->
                                violates(seed, CrashingDirectory::forgetDirectoryForces)))
                .isTrue();
    }

    /**
     * Whether the model catches the log breaking its word; that it merely cannot be opened does not
     * count.
     */
    private static boolean violates(long seed, Consumer<CrashingDirectory> disk) {
        try {
            new LogModel(seed, disk).run(STEPS);
            return false;
        } catch (LogModel.Violation e) {
            return true;
        } catch (IOException e) {
            return false;
        }
    }
}
