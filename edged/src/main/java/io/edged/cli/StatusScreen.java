package io.edged.cli;

import java.util.Locale;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** The status for people: one screen, the answer in its first line. */
final class StatusScreen {

    private static final int MAX_PROBLEMS = 3;

    private final JsonTree status;
    private final StringBuilder text = new StringBuilder();

    private StatusScreen(JsonTree status) {
        this.status = status;
    }

    static String of(JsonTree status) {
        var screen = new StatusScreen(status);
        screen.write();
        return screen.text.toString();
    }

    private void write() {
        JsonTree flow = status.at("flow");
        JsonTree log = status.at("log");
        line(
                "edged %s, version %s, up %s: %s"
                        .formatted(
                                status.at("identity", "node").text(),
                                status.at("program", "version").text(),
                                time(status.at("program", "uptime_seconds").number()),
                                verdict()));
        line("");
        line(
                "  in      %s items, %s, turned away %s requests"
                        .formatted(
                                count(flow.at("received_items")),
                                bytes(flow.at("received_bytes")),
                                count(flow.at("refused_requests"))));
        double ceiling = log.at("ceiling_bytes").number();
        line(
                "  disk    %s items wait, %s of %s (%s %%)%s, %s segments"
                        .formatted(
                                count(flow.at("waiting_items")),
                                bytes(log.at("allocated_bytes")),
                                bytes(log.at("ceiling_bytes")),
                                number(
                                        ceiling == 0
                                                ? 0
                                                : 100
                                                        * log.at("allocated_bytes").number()
                                                        / ceiling),
                                log.at("full").flag() ? " FULL" : "",
                                count(log.at("segments"))));
        line(
                "  out     %s items, %s uploaded"
                        .formatted(
                                count(flow.at("delivered_items")),
                                bytes(flow.at("uploaded_bytes"))));
        line(
                "  behind  %s"
                        .formatted(
                                flow.at("waiting_items").number() == 0
                                        ? "nothing waits"
                                        : time(flow.at("oldest_seconds").number())));
        destinations(log);
        checks();
        line("");
        line(
                "lock: %s; warnings %s, errors %s since the start"
                        .formatted(
                                status.at("identity", "lock_state").text(),
                                count(status.at("problems", "warnings")),
                                count(status.at("problems", "errors"))));
        var lines = status.at("problems", "lines").elements();
        for (JsonTree each : lines.subList(Math.max(0, lines.size() - MAX_PROBLEMS), lines.size()))
            line("  %s".formatted(plain(each.text())));
    }

    private String verdict() {
        if (!status.at("health", "live").flag()) return "NOT LIVE";
        return status.at("health", "ready").flag() ? "well" : "NOT READY";
    }

    private void destinations(JsonTree log) {
        var waiting = new TreeMap<String, Double>();
        for (JsonTree row : log.at("ledger").elements()) {
            String name = row.at("cursor").text().replaceFirst("/.*$", "");
            waiting.merge(name, row.at("pending").number(), Double::sum);
        }
        line("");
        line("  %-20s %-12s %10s %10s".formatted("DESTINATION", "STATE", "WAITING", "IN FLIGHT"));
        for (JsonTree each : status.at("drain", "destinations").elements()) {
            String name = each.at("name").text();
            line(
                    "  %-20s %-12s %10s %10s"
                            .formatted(
                                    plain(name),
                                    each.at("state").text().toLowerCase(Locale.ROOT),
                                    number(waiting.getOrDefault(name, 0.0)),
                                    count(each.at("in_flight"))));
            String limit = each.at("limited_by").text();
            if (!limit.isEmpty()) line("    %s".formatted(plain(limit)));
            String error = each.at("last_error").text();
            // An open circuit holds the destination back because of that very error.
            if (!error.isEmpty() && !limit.contains(error)) line("    %s".formatted(plain(error)));
        }
    }

    private void checks() {
        var checks = status.at("health", "checks").elements();
        line("");
        line(
                "  checks  %s"
                        .formatted(
                                checks.stream()
                                        .filter(each -> each.at("ok").flag())
                                        .map(each -> each.at("name").text())
                                        .collect(Collectors.joining(", "))));
        for (JsonTree each : checks)
            if (!each.at("ok").flag())
                line(
                        "  FAILS   %s: %s"
                                .formatted(
                                        each.at("name").text(), plain(each.at("reason").text())));
    }

    private void line(String line) {
        text.append(line.stripTrailing()).append('\n');
    }

    /** Names and errors come from outside: nothing in them may steer a terminal. */
    private static String plain(String outside) {
        return outside.replaceAll("\\p{Cntrl}", " ");
    }

    private static String count(JsonTree value) {
        return number(value.number());
    }

    private static String number(double value) {
        if (value >= 1e9) return String.format(Locale.ROOT, "%.1fG", value / 1e9);
        if (value >= 1e6) return String.format(Locale.ROOT, "%.1fM", value / 1e6);
        if (value >= 1e5) return String.format(Locale.ROOT, "%.0fk", value / 1e3);
        return String.format(Locale.ROOT, "%.0f", value);
    }

    private static String bytes(JsonTree value) {
        double left = value.number();
        int unit = 0;
        while (left >= 1024 && unit < 4) {
            left /= 1024;
            unit++;
        }
        String[] names = {"B", "KiB", "MiB", "GiB", "TiB"};
        return String.format(
                Locale.ROOT, left < 10 && unit > 0 ? "%.1f %s" : "%.0f %s", left, names[unit]);
    }

    private static String time(double seconds) {
        if (seconds < 120) return String.format(Locale.ROOT, "%.0f s", seconds);
        if (seconds < 7_200) return String.format(Locale.ROOT, "%.0f min", seconds / 60);
        if (seconds < 172_800) return String.format(Locale.ROOT, "%.1f h", seconds / 3_600);
        return String.format(Locale.ROOT, "%.1f days", seconds / 86_400);
    }
}
