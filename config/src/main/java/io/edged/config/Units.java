package io.edged.config;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Sizes and durations as people write them: a whole number and a unit. */
final class Units {

    private static final Pattern FORM = Pattern.compile("([0-9]{1,18}) ?([A-Za-z]{1,3})");

    /** Bytes; the smallest unit first. */
    private static final Map<String, Long> SIZES = new LinkedHashMap<>();

    /** Milliseconds; the smallest unit first. */
    private static final Map<String, Long> DURATIONS = new LinkedHashMap<>();

    static {
        SIZES.put("B", 1L);
        SIZES.put("KiB", 1L << 10);
        SIZES.put("MiB", 1L << 20);
        SIZES.put("GiB", 1L << 30);
        SIZES.put("TiB", 1L << 40);
        DURATIONS.put("ms", 1L);
        DURATIONS.put("s", 1_000L);
        DURATIONS.put("m", 60_000L);
        DURATIONS.put("h", 3_600_000L);
    }

    private Units() {}

    static Optional<Long> parseBytes(String text) {
        return parse(text, SIZES);
    }

    static Optional<Duration> parseDuration(String text) {
        return parse(text, DURATIONS).map(Duration::ofMillis);
    }

    /** In the largest unit that leaves a whole number. */
    static String format(long bytes) {
        return format(bytes, SIZES, " ");
    }

    static String format(Duration duration) {
        return format(duration.toMillis(), DURATIONS, "");
    }

    private static Optional<Long> parse(String text, Map<String, Long> units) {
        Matcher form = FORM.matcher(text);
        if (!form.matches()) return Optional.empty();
        long count = Long.parseLong(form.group(1));
        Long unit = units.get(form.group(2));
        return unit == null || count > Long.MAX_VALUE / unit
                ? Optional.empty()
                : Optional.of(count * unit);
    }

    private static String format(long value, Map<String, Long> units, String separator) {
        String text = "";
        for (var unit : units.entrySet()) {
            if (!text.isEmpty() && (value == 0 || value % unit.getValue() != 0)) break;
            text = value / unit.getValue() + separator + unit.getKey();
        }
        return text;
    }
}
