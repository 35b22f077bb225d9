package io.edged.drain;

import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Optional;

/** Reads {@code Retry-After} (RFC 9110, section 10.2.3): seconds, or a date. */
final class RetryAfterHeader {
    private RetryAfterHeader() {}

    /**
     * How long to wait from now on.
     *
     * @param now what the date is compared with
     * @return not negative, without an upper bound; empty if it is neither form
     */
    static Optional<Duration> parse(String value, Instant now) {
        String trimmed = value.strip();
        if (trimmed.matches("[0-9]{1,40}")) {
            // More digits than a duration holds is still a clear wish: very long.
            return Optional.of(
                    Duration.ofSeconds(
                            trimmed.length() > 12 ? 1_000_000_000_000L : Long.parseLong(trimmed)));
        }
        return date(trimmed)
                .map(date -> Duration.between(now, date))
                .map(delay -> delay.isNegative() ? Duration.ZERO : delay);
    }

    /** An HTTP date, as in {@code Date} and {@code Retry-After}. */
    static Optional<Instant> date(String value) {
        try {
            return Optional.of(
                    ZonedDateTime.parse(value.strip(), DateTimeFormatter.RFC_1123_DATE_TIME)
                            .toInstant());
        } catch (DateTimeException e) {
            return Optional.empty();
        }
    }
}
