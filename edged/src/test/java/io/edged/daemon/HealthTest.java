package io.edged.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.edged.daemon.Health.Check;
import io.edged.daemon.Health.Failed;
import io.edged.daemon.Health.Kind;
import io.edged.daemon.Health.Ok;

import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;

class HealthTest {
    private final AtomicLong now = new AtomicLong(42);
    private final Health health = new Health(now::get);

    private void pass(Duration time) {
        now.addAndGet(time.toNanos());
    }

    private boolean ok(Kind kind, String... excluded) {
        return health.report(kind, Set.of(excluded)).ok();
    }

    @Test
    void readyComesAfterTheStartAndGoesWithTheStop() {
        assertThat(ok(Kind.READY)).isFalse();
        assertThat(ok(Kind.LIVE)).isTrue();
        health.ready();
        assertThat(ok(Kind.READY)).isTrue();
        health.stopping();
        assertThat(ok(Kind.READY)).isFalse();
        assertThat(ok(Kind.LIVE)).isTrue();
        health.ready();
        assertThat(ok(Kind.READY)).isFalse();
    }

    @Test
    void oneFailedCheckFailsItsKindOnlyAndCanBeExcluded() {
        health.ready();
        health.register(Check.of("disk", Kind.READY, () -> new Failed("full")));
        assertThat(ok(Kind.READY)).isFalse();
        assertThat(ok(Kind.LIVE)).isTrue();
        assertThat(ok(Kind.READY, "disk")).isTrue();
    }

    @Test
    void aRegistrationEndsWhenClosed() {
        health.ready();
        try (var _ = health.register(Check.of("disk", Kind.READY, () -> new Failed("full")))) {
            assertThat(ok(Kind.READY)).isFalse();
        }
        assertThat(ok(Kind.READY)).isTrue();
    }

    @Test
    void unknownExclusionsAreNamed() {
        assertThat(health.report(Kind.LIVE, Set.of("no", "lifecycle")).unknownExclusions())
                .containsExactlyInAnyOrder("no", "lifecycle");
    }

    @Test
    void aStallCountsOnceItHasLastedAsLongAsTheCeiling() {
        var activity = new Activity(now::get);
        health.register(
                new Check(
                        "writer",
                        Kind.LIVE,
                        Duration.ofSeconds(5),
                        Duration.ZERO,
                        activity.probe("the writer")));
        pass(Duration.ofHours(1));
        assertThat(ok(Kind.LIVE)).isTrue(); // No work, no stall.
        activity.progress();
        pass(Duration.ofMillis(4999));
        assertThat(ok(Kind.LIVE)).isTrue();
        pass(Duration.ofMillis(1));
        assertThat(ok(Kind.LIVE)).isFalse();
        activity.progress();
        assertThat(ok(Kind.LIVE)).isTrue();
        pass(Duration.ofSeconds(9));
        activity.idle();
        assertThat(ok(Kind.LIVE)).isTrue();
    }

    @Test
    void graceCoversTheTimeAfterRegistration() {
        health.register(
                new Check(
                        "upstream",
                        Kind.LIVE,
                        Duration.ZERO,
                        Duration.ofSeconds(3),
                        () -> new Failed("no answer")));
        assertThat(ok(Kind.LIVE)).isTrue();
        pass(Duration.ofSeconds(3));
        assertThat(ok(Kind.LIVE)).isFalse();
    }

    @Test
    void aProbeThatThrowsFailsItsCheck() {
        health.register(
                Check.of(
                        "odd",
                        Kind.LIVE,
                        () -> {
                            throw new IllegalStateException("bug");
                        }));
        var line = health.report(Kind.LIVE, Set.of()).lines().getFirst();
        assertThat(line.result())
                .isInstanceOfSatisfying(
                        Failed.class, failed -> assertThat(failed.reason()).contains("bug"));
    }

    @Test
    void namesAreUniqueWithinAKindAndBounded() {
        health.register(Check.of("disk", Kind.LIVE, Ok::new));
        health.register(Check.of("disk", Kind.READY, Ok::new));
        assertThatThrownBy(() -> health.register(Check.of("disk", Kind.LIVE, Ok::new)))
                .hasMessageContaining("disk");
        assertThatThrownBy(() -> Check.of("Disk/x", Kind.LIVE, Ok::new))
                .isInstanceOf(IllegalArgumentException.class);
        for (int i = 1; i < Health.MAX_CHECKS; i++)
            health.register(Check.of("check-" + i, Kind.LIVE, Ok::new));
        assertThatThrownBy(() -> health.register(Check.of("more", Kind.LIVE, Ok::new)))
                .hasMessageContaining("64");
    }
}
