package io.edged.drain;

import java.time.Duration;
import java.time.Instant;

/**
 * How much, when, and how old: what bounds a destination beside its rate.
 *
 * @param bytesPerDay sent in any 24 hours, headers and repeats included; 0 for no limit
 * @param bytesPerMonth sent in a calendar month, in the zone of the windows; 0 for no limit
 * @param windows when anything is sent
 * @param maxAge records that are older are given up; zero for no limit
 * @param notBefore when this program was built: a clock that says less is wrong
 */
public record UplinkLimits(
        long bytesPerDay,
        long bytesPerMonth,
        DrainWindows windows,
        Duration maxAge,
        Instant notBefore) {

    public static final UplinkLimits NONE =
            new UplinkLimits(0, 0, DrainWindows.ALWAYS, Duration.ZERO, Instant.EPOCH);

    public UplinkLimits {
        if (bytesPerDay < 0 || bytesPerMonth < 0)
            throw new IllegalArgumentException(
                    "budgets must not be negative, were " + bytesPerDay + " and " + bytesPerMonth);
        if (maxAge.isNegative())
            throw new IllegalArgumentException("maxAge must not be negative, was " + maxAge);
    }
}
