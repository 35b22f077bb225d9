package io.edged.admin;

import java.util.Locale;
import java.util.OptionalDouble;

/** What a client can read, from {@code Accept} and {@code Accept-Encoding} (RFC 9110, 12.5). */
final class Accept {
    private Accept() {}

    /** OpenMetrics for who prefers it, the older text for everybody else. */
    static Metrics.Exposition exposition(String accept) {
        double openMetrics = 0;
        double text = 0;
        for (String range : accept.toLowerCase(Locale.ROOT).split(",", 64)) {
            String type = range.split(";", 2)[0].strip();
            double quality = quality(range).orElse(0);
            switch (type) {
                case "application/openmetrics-text" -> {
                    if (knownOpenMetrics(range)) openMetrics = Math.max(openMetrics, quality);
                }
                case "text/plain", "text/*", "*/*" -> text = Math.max(text, quality);
                default -> {}
            }
        }
        return openMetrics > 0 && openMetrics >= text
                ? Metrics.Exposition.OPEN_METRICS
                : Metrics.Exposition.PROMETHEUS_TEXT;
    }

    private static boolean knownOpenMetrics(String range) {
        for (String parameter : range.split(";", 16)) {
            String[] pair = parameter.strip().split("=", 2);
            if (pair.length == 2 && pair[0].strip().equals("version"))
                return pair[1].strip().equals("1.0.0");
        }
        return true;
    }

    static boolean gzip(String acceptEncoding) {
        double any = 0;
        for (String range : acceptEncoding.toLowerCase(Locale.ROOT).split(",", 64)) {
            String coding = range.split(";", 2)[0].strip();
            if (coding.equals("gzip")) return quality(range).orElse(0) > 0;
            if (coding.equals("*")) any = quality(range).orElse(0);
        }
        return any > 0;
    }

    /** The weight of one range, 1 if it names none, empty if it is not a number from 0 to 1. */
    private static OptionalDouble quality(String range) {
        for (String parameter : range.split(";", 16)) {
            String[] pair = parameter.strip().split("=", 2);
            if (pair.length != 2 || !pair[0].strip().equals("q")) continue;
            String value = pair[1].strip();
            return value.matches("[01](\\.[0-9]{0,3})?") && Double.parseDouble(value) <= 1
                    ? OptionalDouble.of(Double.parseDouble(value))
                    : OptionalDouble.empty();
        }
        return OptionalDouble.of(1);
    }
}
