package io.edged.receiver;

/** The header {@code grpc-timeout}: up to 8 digits and a unit. */
final class GrpcTimeout {

    private static final int MAX_DIGITS = 8;

    /** A day: nobody waits longer, and sums of such numbers do not overflow. */
    private static final long LONGEST_NANOS = 86_400_000_000_000L;

    /** What {@link #nanos} says of a header that is not one. */
    static final long MALFORMED = -1;

    private GrpcTimeout() {}

    /** Nanoseconds, or {@link #MALFORMED}. */
    static long nanos(CharSequence header) {
        int digits = header.length() - 1;
        if (digits < 1 || digits > MAX_DIGITS) return MALFORMED;
        long value = 0;
        for (int i = 0; i < digits; i++) {
            int digit = header.charAt(i) - '0';
            if (digit < 0 || digit > 9) return MALFORMED;
            value = 10 * value + digit;
        }
        long unit =
                switch (header.charAt(digits)) {
                    case 'H' -> 3_600_000_000_000L;
                    case 'M' -> 60_000_000_000L;
                    case 'S' -> 1_000_000_000L;
                    case 'm' -> 1_000_000L;
                    case 'u' -> 1_000L;
                    case 'n' -> 1L;
                    default -> MALFORMED;
                };
        return unit == MALFORMED ? MALFORMED : Math.min(value, LONGEST_NANOS / unit) * unit;
    }
}
