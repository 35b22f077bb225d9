package io.edged.admin;

import io.edged.daemon.Health;

import java.util.List;
import java.util.Map;
import java.util.Set;

/** Health answers in the words of Kubernetes: machines read the status, people the lines. */
final class HealthText {

    /** A status and the text that goes with it. */
    record Answer(int status, String text) {}

    private HealthText() {}

    /**
     * @param endpoint {@code livez} or {@code readyz}
     * @param name one check's name, or empty for all of them
     * @param query the parameters as received
     */
    static Answer answer(
            Health health,
            Health.Kind kind,
            String endpoint,
            String name,
            Map<String, List<String>> query) {
        Set<String> excluded = Set.copyOf(query.getOrDefault("exclude", List.of()));
        Health.Report report = health.report(kind, excluded);
        return name.isEmpty()
                ? all(report, endpoint, query.containsKey("verbose"))
                : single(report, name);
    }

    private static Answer single(Health.Report report, String name) {
        for (Health.Line line : report.lines()) {
            if (!line.name().equals(name)) continue;
            return switch (line.result()) {
                case Health.Ok _ -> new Answer(200, "ok");
                case Health.Failed failed ->
                        new Answer(503, "[-]" + name + " failed: " + oneLine(failed.reason()));
            };
        }
        return new Answer(404, "no such check; see ?verbose\n");
    }

    private static Answer all(Health.Report report, String endpoint, boolean verbose) {
        boolean passed = report.ok();
        if (passed && !verbose) return new Answer(200, "ok");
        var text = new StringBuilder();
        for (Health.Line line : report.lines()) {
            switch (line.result()) {
                case Health.Ok _ when line.excluded() ->
                        text.append("[+]").append(line.name()).append(" excluded: ok\n");
                case Health.Failed failed when line.excluded() ->
                        text.append("[+]")
                                .append(line.name())
                                .append(" excluded: ")
                                .append(oneLine(failed.reason()))
                                .append('\n');
                case Health.Ok ok ->
                        text.append("[+]")
                                .append(line.name())
                                .append(" ok")
                                .append(note(ok))
                                .append('\n');
                case Health.Failed failed ->
                        text.append("[-]")
                                .append(line.name())
                                .append(" failed: ")
                                .append(oneLine(failed.reason()))
                                .append('\n');
            }
        }
        for (String unknown : report.unknownExclusions())
            text.append("warn: no check to exclude has the name \"")
                    .append(oneLine(unknown))
                    .append("\"\n");
        text.append(endpoint).append(passed ? " check passed\n" : " check failed\n");
        return new Answer(passed ? 200 : 503, text.toString());
    }

    private static String note(Health.Ok ok) {
        return ok.note().isEmpty() ? "" : ": " + oneLine(ok.note());
    }

    /** Reasons come from the disk's and the upstream's errors, names from clients. */
    private static String oneLine(String text) {
        String cut = text.length() > 300 ? text.substring(0, 300) + "…" : text;
        return cut.replaceAll("\\p{Cntrl}", " ");
    }
}
