package io.edged.drain;

import static org.assertj.core.api.Assertions.assertThat;

import io.edged.drain.Circuit.Permission;
import io.edged.drain.Circuit.State;
import io.edged.otlp.Signal;

import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.Optional;
import java.util.SplittableRandom;

class CircuitTest {

    private static final RetryPolicy POLICY =
            new RetryPolicy(Duration.ofSeconds(1), Duration.ofSeconds(60), new SplittableRandom(1));

    private final Circuit circuit = new Circuit(POLICY);

    private void fail() {
        circuit.failed(circuit.sending(), 0, Optional.empty());
    }

    @Test
    void itOpensAfterThreeFailuresInARowAndOneRealRequestDecides() {
        fail();
        fail();
        assertThat(circuit.state()).isEqualTo(State.CLOSED);
        fail();
        assertThat(circuit.state()).isEqualTo(State.OPEN);

        long later = circuit.waitNanos(0);
        assertThat(circuit.permission(later)).isEqualTo(Permission.ONE);
        boolean decides = circuit.sending();
        assertThat(decides).isTrue();
        assertThat(circuit.permission(later)).isEqualTo(Permission.NOTHING);
        circuit.worked(true);
        assertThat(circuit.permission(later)).isEqualTo(Permission.ANY);
    }

    @Test
    void aSuccessInBetweenStartsTheCountAgain() {
        fail();
        fail();
        circuit.worked(circuit.sending());
        fail();
        fail();
        assertThat(circuit.state()).isEqualTo(State.CLOSED);
    }

    @Test
    void afterAFaultAnEmptyProbeGoesFirstAndThenOneRealRequest() {
        circuit.fault(circuit.sending(), 0, Signal.TRACES);
        long later = circuit.waitNanos(0);
        assertThat(circuit.permission(later)).isEqualTo(Permission.EMPTY_PROBE);
        assertThat(circuit.faulty()).contains(Signal.TRACES);
        circuit.sending();
        circuit.emptyProbeTaken();
        assertThat(circuit.permission(later)).isEqualTo(Permission.ONE);
        circuit.worked(circuit.sending());
        assertThat(circuit.state()).isEqualTo(State.CLOSED);
    }

    @Test
    void aHintIsKeptEvenIfItIsTheFirstFailure() {
        circuit.failed(circuit.sending(), 0, Optional.of(Duration.ofSeconds(30)));
        assertThat(circuit.permission(Duration.ofSeconds(30).toNanos() - 1))
                .isEqualTo(Permission.NOTHING);
        assertThat(circuit.permission(Duration.ofSeconds(31).toNanos())).isEqualTo(Permission.ONE);
    }

    @Test
    void answersToWhatWasSentBeforeItOpenedNeitherCloseItNorCount() {
        boolean early = circuit.sending();
        circuit.fault(circuit.sending(), 0, Signal.LOGS);
        circuit.worked(early);
        assertThat(circuit.state()).isEqualTo(State.OPEN);
        long wait = circuit.waitNanos(0);
        circuit.failed(early, 0, Optional.empty());
        assertThat(circuit.waitNanos(0)).isEqualTo(wait);
    }

    @Test
    void backoffIsRandomBelowABoundThatDoublesUpToTheLargest() {
        var policy =
                new RetryPolicy(
                        Duration.ofSeconds(1), Duration.ofSeconds(8), new SplittableRandom(7));
        for (int failures = 1; failures < 2000; failures++) {
            Duration bound = Duration.ofSeconds(Math.min(8, 1L << Math.min(10, failures - 1)));
            assertThat(policy.backoff(failures)).isBetween(Duration.ZERO, bound);
        }
        // Full jitter: spread evenly from nothing to the bound, so that devices do not come back as
        // one.
        assertThat(
                        java.util.stream.IntStream.range(0, 1_000)
                                .mapToLong(i -> policy.backoff(10).toMillis())
                                .average()
                                .orElseThrow())
                .isBetween(3_600.0, 4_400.0);
        assertThat(
                        java.util.stream.IntStream.range(0, 200)
                                .mapToObj(i -> policy.backoff(10))
                                .max(Duration::compareTo))
                .hasValueSatisfying(
                        longest -> assertThat(longest).isGreaterThan(Duration.ofSeconds(7)));
    }
}
