package io.edged.receiver;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.time.Duration;
import java.util.Random;
import java.util.stream.IntStream;

class RetryHintsTest {

    private Duration room = Duration.ofSeconds(10);
    private Duration busy = Duration.ZERO;

    private final RetryHints hints =
            new RetryHints(
                    new Pressure() {
                        @Override
                        public Duration untilRoom() {
                            return room;
                        }

                        @Override
                        public Duration diskBusy() {
                            return busy;
                        }
                    },
                    new Random(1));

    @Test
    void aFullLogIsWorthComingBackToWhenTheDrainHasMadeRoom() {
        assertThat(many(Refusal.FULL)).allMatch(seconds -> seconds >= 10 && seconds <= 15);
        assertThat(many(Refusal.FULL).distinct().count()).isGreaterThan(3);
        room = Duration.ofMillis(1);
        assertThat(many(Refusal.FULL)).containsOnly(1);
        room = Duration.ZERO;
        assertThat(many(Refusal.FULL)).as("0 would be: never").containsOnly(1);
        room = Duration.ofMillis(1001);
        assertThat(many(Refusal.FULL)).allMatch(seconds -> seconds >= 2);
        room = Duration.ofDays(1);
        assertThat(many(Refusal.FULL)).allMatch(seconds -> seconds >= 60 && seconds <= 90);
    }

    @Test
    void aDiskThatIsBehindIsGivenAsLongAsItHasTaken() {
        assertThat(many(Refusal.BUSY)).containsOnly(1);
        busy = Duration.ofSeconds(7);
        assertThat(many(Refusal.BUSY)).allMatch(seconds -> seconds >= 8 && seconds <= 12);
        assertThat(many(Refusal.MEMORY)).allMatch(seconds -> seconds >= 8 && seconds <= 12);
    }

    @ParameterizedTest
    @EnumSource(Refusal.class)
    void everyHintIsBoundedAndWhatNeverDoesHasNone(Refusal refusal) {
        room = Duration.ofDays(1);
        busy = Duration.ofDays(1);
        if (refusal.retryAfterSeconds() == 0) assertThat(many(refusal)).containsOnly(0);
        else
            assertThat(many(refusal))
                    .allMatch(seconds -> seconds >= 1 && seconds <= RetryHints.MAX_SECONDS);
    }

    private java.util.stream.Stream<Integer> many(Refusal refusal) {
        return IntStream.range(0, 100).map(_ -> hints.seconds(refusal)).boxed();
    }
}
