package io.edged.drain;

import static org.assertj.core.api.Assertions.assertThat;

import io.edged.drain.DeadLetters.Taken;
import io.edged.otlp.ContentEncoding;
import io.edged.otlp.Signal;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;

/** The letters in files of their own. */
class DeadLettersTest {

    private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
    private final Letters directory =
            new Letters(new DeadLetterOptions(8 << 20, Duration.ofDays(1)));

    @AfterEach
    void clean() {
        directory.delete();
    }

    private static LetterOrigin origin(long seq) {
        return new LetterOrigin(
                MemoryLog.LOG_ID, seq, 0, 0, "cloud", "all", "400", "bad \"item\"", "2026-01-01");
    }

    private static Taken write(DeadLetters letters, long seq, int bytes) throws Exception {
        var ended = new CountDownLatch(1);
        var durable = new AtomicBoolean();
        Taken taken =
                letters.write(
                        origin(seq),
                        Signal.LOGS,
                        ContentEncoding.IDENTITY,
                        1,
                        "{\"headers\":{\"x\":\"1\"}}",
                        ByteBuffer.allocate(bytes),
                        written -> {
                            durable.set(written);
                            ended.countDown();
                        });
        if (taken != Taken.YES) return taken;
        assertThat(ended.await(20, TimeUnit.SECONDS)).isTrue();
        return durable.get() ? taken : Taken.LATER;
    }

    @Test
    void lettersSurviveARestartWithAllThatIsSaidAboutThem() throws Exception {
        try (DeadLetters letters = directory.open(registry)) {
            assertThat(write(letters, 5, 100)).isEqualTo(Taken.YES);
            assertThat(write(letters, 9, 200)).isEqualTo(Taken.YES);
        }
        try (DeadLetters letters = directory.open(registry)) {
            letters.start(of -> of.seq() == 9);
            assertThat(letters.list(0, 9))
                    .extracting(DeadLetters.Letter::bytes)
                    .containsExactly(100, 200);
            assertThat(letters.list(1, 9)).hasSize(1);
            assertThat(LetterOrigin.of(letters.list(0, 1).getFirst().metadata()))
                    .contains(origin(5));
            assertThat(FrameMetadata.headers(letters.list(0, 1).getFirst().metadata()))
                    .containsEntry("x", "1");
            assertThat(write(letters, 9, 200)).as("forced before the crash").isEqualTo(Taken.KNOWN);
            assertThat(letters.totals().letters()).isEqualTo(2);
            assertThat(letters.totals().bytes()).isBetween(300L, 1_000L);
        }
    }

    @Test
    void purgingIsDoneWhenItIsMeantOnly() throws Exception {
        try (DeadLetters letters = directory.open(registry)) {
            for (int seq = 1; seq <= 5; seq++) write(letters, seq, 10);
            assertThat(letters.purge(letter -> letter.seq() <= 3, false).letters()).isEqualTo(3);
            assertThat(letters.list(0, 9)).hasSize(5);
            assertThat(letters.purge(letter -> letter.seq() <= 3, true).letters()).isEqualTo(3);
            assertThat(letters.list(0, 9))
                    .extracting(DeadLetters.Letter::seq)
                    .containsExactly(4L, 5L);
            assertThat(letters.read(2)).isEmpty();
            assertThat(
                            registry.get("edged.deadletter.dropped")
                                    .tag("reason", "purged")
                                    .counter()
                                    .count())
                    .isEqualTo(3);
        }
        try (DeadLetters letters = directory.open(registry)) {
            letters.start(_ -> false);
            assertThat(letters.list(0, 9)).hasSize(2);
        }
    }

    @Test
    void theOldestGoWhenThereIsNoRoomForMoreAndTheLossIsCounted() throws Exception {
        try (DeadLetters letters = directory.open(registry)) {
            for (int seq = 1; seq <= 40; seq++) {
                Taken taken = write(letters, seq, 300_000);
                // The files of letters that went are free a checkpoint later.
                while (taken == Taken.LATER) {
                    LockSupport.parkNanos(500_000_000);
                    taken = write(letters, seq, 300_000);
                }
                assertThat(taken).isEqualTo(Taken.YES);
            }
            assertThat(letters.totals().bytes()).isBetween(300_000L, 6L << 20);
            assertThat(letters.list(0, 99).getLast().seq()).isEqualTo(40);
            assertThat(
                            registry.get("edged.deadletter.dropped")
                                    .tag("reason", "deadletter_limit")
                                    .counter()
                                    .count())
                    .isEqualTo(40.0 - letters.totals().letters());
            assertThat(write(letters, 99, 600_000)).isEqualTo(Taken.TOO_LARGE);
        }
    }

    @Test
    void lettersThatAreTooOldGo() throws Exception {
        try (DeadLetters letters = directory.open(registry)) {
            write(letters, 1, 10);
        }
        InstantSource later = InstantSource.fixed(Instant.now().plus(Duration.ofDays(2)));
        try (DeadLetters letters = directory.open(registry, later)) {
            letters.start(_ -> true);
            assertThat(letters.totals().letters()).isZero();
        }
    }
}
