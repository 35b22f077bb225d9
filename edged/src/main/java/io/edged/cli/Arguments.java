package io.edged.cli;

import picocli.CommandLine.TypeConversionException;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** How durations and addresses are written on the command line. */
final class Arguments {
    private static final Pattern DURATION = Pattern.compile("(\\d{1,9})(ms|s|m|h)");
    private static final Pattern ADDRESS =
            Pattern.compile("(\\[[0-9A-Fa-f:.]+]|[A-Za-z0-9.-]+):(\\d{1,5})");

    private Arguments() {}

    static Duration duration(String text) {
        Matcher match = DURATION.matcher(text);
        if (!match.matches())
            throw new TypeConversionException(
                    "'" + text + "' is not a duration like 500ms, 10s, 5m or 1h");
        long number = Long.parseLong(match.group(1));
        return switch (match.group(2)) {
            case "ms" -> Duration.ofMillis(number);
            case "s" -> Duration.ofSeconds(number);
            case "m" -> Duration.ofMinutes(number);
            default -> Duration.ofHours(number);
        };
    }

    static InetSocketAddress address(String text) {
        Matcher match = ADDRESS.matcher(text);
        int port = match.matches() ? Integer.parseInt(match.group(2)) : -1;
        if (port < 0 || port > 65_535)
            throw new TypeConversionException(
                    "'" + text + "' is not an address like 127.0.0.1:4318 or [::1]:4318");
        try {
            return new InetSocketAddress(InetAddress.getByName(match.group(1)), port);
        } catch (UnknownHostException e) {
            throw new TypeConversionException("'" + match.group(1) + "' is an unknown host");
        }
    }
}
