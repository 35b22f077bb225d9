package io.edged.receiver;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;

import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/** What a test sees of a receiver from outside. */
final class Observed {

    private Observed() {}

    /**
     * Requests, or connections, that were refused for a reason, over all signals and transports.
     */
    static double refused(MeterRegistry registry, String reason) {
        return registry
                .find("edged.receiver.refused.requests")
                .tag("reason", reason)
                .counters()
                .stream()
                .mapToDouble(Counter::count)
                .sum();
    }

    /** Other threads finish something soon; the test's timeout is the bound. */
    static void eventually(BooleanSupplier condition) {
        while (!condition.getAsBoolean()) {
            if (Thread.interrupted()) throw new AssertionError("the test's time is over");
            LockSupport.parkNanos(1_000_000);
        }
    }
}
