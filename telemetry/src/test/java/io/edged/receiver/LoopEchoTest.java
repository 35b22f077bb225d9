package io.edged.receiver;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.concurrent.RejectedExecutionException;

class LoopEchoTest {

    private final ArrayDeque<Runnable> tasks = new ArrayDeque<>();
    private long nanos;
    private final LoopEcho echo = new LoopEcho(tasks::add, () -> nanos);

    @Test
    void aLoopThatStandsIsTimedFromTheFirstQuestion() {
        assertThat(echo.stalledFor()).isZero();
        nanos = 5;
        assertThat(echo.stalledFor()).isEqualTo(Duration.ofNanos(5));
        assertThat(tasks).hasSize(1);
        tasks.remove().run();
        assertThat(echo.stalledFor()).isZero();
        nanos = 9;
        assertThat(echo.stalledFor()).isEqualTo(Duration.ofNanos(4));
    }

    @Test
    void aLoopThatHasEndedNeverComesRound() {
        var ended =
                new LoopEcho(
                        _ -> {
                            throw new RejectedExecutionException("ended");
                        },
                        () -> nanos);
        assertThat(ended.stalledFor()).isZero();
        nanos = 7;
        assertThat(ended.stalledFor()).isEqualTo(Duration.ofNanos(7));
    }
}
