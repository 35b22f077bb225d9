package io.edged.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.stream.IntStream;

class LineLimitTest {
    private static final long SECOND = 1_000_000_000L;
    private final LineLimit limit = new LineLimit(5, Duration.ofSeconds(10), 4);

    private long admitted(String template, int times, long nowNanos) {
        return IntStream.range(0, times).filter(_ -> limit.admit(template, nowNanos)).count();
    }

    @Test
    void aBurstPassesAndTheRestIsSummedUpOnceWhenTheWindowCloses() {
        assertThat(admitted("full", 100, 0)).isEqualTo(5);
        assertThat(limit.closed(9 * SECOND)).isEmpty();
        assertThat(limit.closed(10 * SECOND)).containsExactly(new LineLimit.Summary("full", 95));
        assertThat(limit.closed(20 * SECOND)).isEmpty();
    }

    @Test
    void theNextWindowHasItsOwnBurst() {
        admitted("full", 100, 0);
        limit.closed(10 * SECOND);
        assertThat(admitted("full", 100, 11 * SECOND)).isEqualTo(5);
    }

    @Test
    void aLineBehindTheWindowIsNotLostWhileItsSummaryIsOwed() {
        admitted("full", 6, 0);
        assertThat(limit.admit("full", 30 * SECOND)).isFalse();
        assertThat(limit.closed(30 * SECOND)).containsExactly(new LineLimit.Summary("full", 2));
    }

    @Test
    void templatesHaveSeparateAllowances() {
        assertThat(admitted("a", 9, 0)).isEqualTo(5);
        assertThat(admitted("b", 9, 0)).isEqualTo(5);
    }

    @Test
    void theTableStaysBoundedAndWhatHasNoRoomSharesAnAllowance() {
        long passed = IntStream.range(0, 1000).filter(n -> limit.admit("template " + n, 0)).count();
        assertThat(limit.templates()).isLessThanOrEqualTo(5);
        assertThat(passed).isEqualTo(4 + 5);
        assertThat(limit.all()).containsExactly(new LineLimit.Summary(LineLimit.OTHERS, 991));
    }

    @Test
    void closedWindowsMakeRoomForNewTemplates() {
        for (int n = 0; n < 4; n++) limit.admit("old " + n, 0);
        assertThat(admitted("new", 9, 11 * SECOND)).isEqualTo(5);
        assertThat(limit.templates()).isEqualTo(1);
    }

    @Test
    void timeMayPassThroughItsSmallestValue() {
        long start = Long.MAX_VALUE - SECOND;
        assertThat(admitted("full", 9, start)).isEqualTo(5);
        assertThat(limit.closed(start + 5 * SECOND)).isEmpty();
        assertThat(limit.closed(start + 10 * SECOND)).hasSize(1);
    }
}
