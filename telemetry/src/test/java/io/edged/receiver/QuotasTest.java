package io.edged.receiver;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

class QuotasTest {

    private final AtomicLong nanos = new AtomicLong();

    @Test
    void withoutAQuotaEverythingPasses() {
        var quotas = new Quotas(0, 0, nanos::get);
        for (int i = 0; i < 100; i++)
            assertThat(quotas.take("a", Integer.MAX_VALUE, Long.MAX_VALUE)).isZero();
        assertThat(quotas.clients()).isZero();
    }

    @Test
    void onAverageAClientGetsWhatItMay() {
        var quotas = new Quotas(100, 0, nanos::get);
        int taken = 0;
        for (int tenth = 0; tenth < 600; tenth++) {
            for (int i = 0; i < 10; i++) if (quotas.take("a", 7, 1) == 0) taken += 7;
            seconds(0.1);
        }
        assertThat(taken).isBetween(60 * 100, 62 * 100 + 7);
    }

    @Test
    void aRequestLargerThanTheBucketPassesAndIsPaidOff() {
        var quotas = new Quotas(0, 1000, nanos::get);
        assertThat(quotas.take("a", 1, 12_000)).isZero();
        assertThat(quotas.take("a", 1, 1)).isEqualTo(11); // 10,000 of debt and one more
        seconds(10);
        assertThat(quotas.take("a", 1, 1)).isEqualTo(1);
        seconds(1);
        assertThat(quotas.take("a", 1, 1)).isZero();
    }

    @Test
    void clientsDoNotPayForEachOther() {
        var quotas = new Quotas(10, 0, nanos::get);
        assertThat(quotas.take("a", 1_000_000, 1)).isZero();
        assertThat(quotas.take("a", 1, 1)).isEqualTo(Quotas.MAX_WAIT_SECONDS);
        assertThat(quotas.take("b", 1, 1)).isZero();
    }

    @Test
    void theTableIsBounded() {
        var quotas = new Quotas(10, 10, nanos::get);
        for (int i = 0; i < 3 * Quotas.MAX_CLIENTS; i++) quotas.take("client " + i, 1, 1);
        assertThat(quotas.clients()).isEqualTo(Quotas.MAX_CLIENTS);
    }

    @Test
    void aQuotaMayChangeAndDebtsStay() {
        var quotas = new Quotas(10, 0, nanos::get);
        assertThat(quotas.take("a", 1_020, 1_000_000)).isZero();
        quotas.change(1_000, 0);
        assertThat(quotas.take("a", 1, 1)).isEqualTo(2); // 1,000 of debt and one more
        seconds(2);
        assertThat(quotas.take("a", 1, 1)).isZero();
        // Bytes had no quota until now, so nobody owes any.
        quotas.change(1_000, 100);
        assertThat(quotas.take("a", 1, 500)).isZero();
        assertThat(quotas.take("a", 1, 1)).isEqualTo(4);
        quotas.change(0, 0);
        assertThat(quotas.take("a", 1_000_000, 1_000_000)).isZero();
        assertThat(quotas.clients()).isZero();
    }

    private void seconds(double seconds) {
        nanos.addAndGet((long) (seconds * TimeUnit.SECONDS.toNanos(1)));
    }
}
