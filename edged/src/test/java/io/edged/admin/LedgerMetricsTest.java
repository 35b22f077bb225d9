package io.edged.admin;

import static org.assertj.core.api.Assertions.assertThat;

import io.edged.drain.DrainStatus;
import io.edged.wal.Wal;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

class LedgerMetricsTest {

    private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
    private long settledTo = 9;
    private List<Wal.Balance> balances = List.of(row("up/logs", 10, 4, 1, 2, 3, Map.of()));

    private static Wal.Balance row(
            String cursor,
            long accepted,
            long delivered,
            long deadLettered,
            long dropped,
            long pending,
            Map<String, Long> droppedBy) {
        return new Wal.Balance(
                cursor,
                "logs",
                accepted,
                delivered,
                deadLettered,
                dropped,
                pending,
                9 * pending,
                droppedBy);
    }

    private final LedgerMetrics metrics =
            new LedgerMetrics(
                    registry,
                    new LedgerMetrics.Source(
                            () -> balances,
                            () ->
                                    new Wal.Status(
                                            10,
                                            1,
                                            1,
                                            5,
                                            10,
                                            0,
                                            false,
                                            Duration.ZERO,
                                            Optional.empty()),
                            () ->
                                    List.of(
                                            new DrainStatus(
                                                    "up",
                                                    DrainStatus.State.DELIVERING,
                                                    Optional.empty(),
                                                    0,
                                                    0,
                                                    10,
                                                    OptionalLong.empty(),
                                                    Optional.empty(),
                                                    settledTo,
                                                    Optional.empty(),
                                                    List.of()))));

    @AfterEach
    void close() {
        registry.close();
    }

    private double imbalance() {
        metrics.refresh();
        return registry.get("edged.ledger.imbalance.items").gauge().value();
    }

    @Test
    void aLedgerThatAddsUpIsBalanced() {
        assertThat(imbalance()).isZero();
        settledTo = 10;
        balances = List.of(row("up/logs", 10, 10, 0, 0, 0, Map.of()));
        assertThat(imbalance()).isZero();
    }

    @Test
    void itemsThatAreLeftWhereEveryRecordIsSettledAreMissing() {
        settledTo = 10;
        assertThat(imbalance()).isEqualTo(3);
    }

    @Test
    void moreThatIsDoneThanWasAcceptedIsTold() {
        balances = List.of(row("up/logs", 10, 12, 0, 0, -2, Map.of()));
        assertThat(imbalance()).isEqualTo(2);
    }

    @Test
    void everyDroppedItemHasItsReasonAndLanesAreAddedUp() {
        balances =
                List.of(
                        row("up/logs", 10, 3, 0, 5, 2, Map.of("ceiling", 4L, "novel", 1L)),
                        row("up/error", 5, 5, 0, 0, 0, Map.of()));
        metrics.refresh();
        assertThat(dropped("ceiling")).isEqualTo(4);
        assertThat(dropped("other")).isEqualTo(1);
        assertThat(dropped("missing")).isZero();
        assertThat(
                        registry.get("edged.ledger.settled.items")
                                .tag("outcome", "delivered")
                                .functionCounter()
                                .count())
                .isEqualTo(8);
        assertThat(registry.get("edged.backlog.items").tag("lane", "logs").gauge().value())
                .isEqualTo(2);
    }

    private double dropped(String reason) {
        return registry.get("edged.ledger.dropped.items")
                .tag("reason", reason)
                .functionCounter()
                .count();
    }
}
