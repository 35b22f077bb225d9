package io.edged.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a scrape of a daemon that has only just started shows, and that the page of metrics says the
 * same. With {@code -Dmetrics.rewrite=true} the page's table is written anew.
 */
class MetricsReferenceTest {

    private static final Path PAGE = RepositoryFiles.path("docs/metrics.md");
    private static final String BEGIN = "<!-- table -->\n";
    private static final String END = "<!-- end of table -->\n";
    private static final Pattern COMMENT = Pattern.compile("# (HELP|TYPE) (\\S+) (.*)");
    private static final Pattern SAMPLE = Pattern.compile("([a-zA-Z0-9_:]+)(?:\\{(.*)})? \\S+");
    private static final Pattern LABEL = Pattern.compile("([a-z_]+)=\"");

    @TempDir static Path directory;
    private static String scrape;
    private static String openMetrics;

    private static final class Family {
        private String type = "";
        private String help = "";
        private final Set<String> labels = new TreeSet<>();
    }

    @BeforeAll
    static void scrapeOnce() throws Exception {
        try (var daemon = RunningFixture.start(directory, true, "")) {
            scrape = daemon.get("/metrics").body();
            openMetrics =
                    daemon.get("/metrics", "accept", "application/openmetrics-text; version=1.0.0")
                            .body();
        }
    }

    @AfterAll
    static void forget() {
        scrape = "";
        openMetrics = "";
    }

    @Test
    void thePageListsEveryMetricWithItsLabels() throws IOException {
        String page = Files.readString(PAGE);
        String table = table();
        String now = page.substring(page.indexOf(BEGIN) + BEGIN.length(), page.indexOf(END));
        if (Boolean.getBoolean("metrics.rewrite"))
            Files.writeString(
                    PAGE,
                    page.substring(0, page.indexOf(BEGIN) + BEGIN.length())
                            + table
                            + page.substring(page.indexOf(END)));
        else
            assertThat(now)
                    .as("docs/metrics.md is not what a scrape shows; run: make metrics-reference")
                    .isEqualTo(table);
    }

    @Test
    void promtoolFindsNothingToSay() throws Exception {
        if (!Promtool.isThere("metrics are checked")) return;
        assertThat(Promtool.says(scrape, "check", "metrics")).isEmpty();
    }

    @Test
    void aScrapeFitsASlowLink() {
        assertThat(scrape.length()).isLessThan(64 << 10);
        assertThat(openMetrics.length()).isLessThan(64 << 10);
        assertThat(openMetrics).endsWith("# EOF\n");
    }

    @Test
    void theLedgerBalancesAtTheStart() {
        assertThat(scrape)
                .contains("edged_ledger_imbalance_items{destination=\"sink\"} 0.0")
                .contains("edged_backlog_items{")
                .contains("edged_flash_wear_ratio 0.0")
                .contains("edged_health_ok{check=\"clock\",probe=\"readyz\"} 1.0");
    }

    @Test
    void histogramsOfOneKindShareTheirBuckets() {
        var layouts = new TreeMap<String, Set<String>>();
        Pattern bucket = Pattern.compile("(edged_\\w+)_bucket\\{.*le=\"([^\"]+)\".*");
        for (String line : scrape.lines().toList()) {
            Matcher match = bucket.matcher(line);
            if (match.lookingAt())
                layouts.computeIfAbsent(match.group(1), _ -> new TreeSet<>()).add(match.group(2));
        }
        assertThat(layouts).hasSizeGreaterThanOrEqualTo(4);
        assertThat(
                        layouts.entrySet().stream()
                                .filter(each -> each.getKey().endsWith("_seconds"))
                                .map(Map.Entry::getValue)
                                .distinct())
                .hasSize(1);
    }

    private static String table() {
        var families = families(scrape);
        var table =
                new StringBuilder("| name | type | labels | what it says |\n|---|---|---|---|\n");
        families.forEach((name, family) -> {
            if (!name.startsWith("edged_")) return;
            table.append("| `")
                    .append(name)
                    .append("` | ")
                    .append(family.type)
                    .append(" | ")
                    .append(String.join(", ", family.labels))
                    .append(" | ")
                    .append(family.help)
                    .append(" |\n");
        });
        return table.toString();
    }

    static Set<String> names(String scrape) {
        var names = new TreeSet<String>();
        for (String line : scrape.lines().toList()) {
            Matcher sample = SAMPLE.matcher(line);
            if (!line.startsWith("#") && sample.matches()) names.add(sample.group(1));
        }
        return names;
    }

    private static Map<String, Family> families(String scrape) {
        var families = new TreeMap<String, Family>();
        String current = "";
        for (String line : scrape.lines().toList()) {
            Matcher comment = COMMENT.matcher(line);
            if (comment.matches()) {
                current = comment.group(2);
                var family = families.computeIfAbsent(current, _ -> new Family());
                if (comment.group(1).equals("TYPE")) family.type = comment.group(3);
                else family.help = comment.group(3).strip();
                continue;
            }
            Matcher sample = SAMPLE.matcher(line);
            if (!sample.matches() || sample.group(2) == null) continue;
            Matcher label = LABEL.matcher(sample.group(2));
            var family = families.computeIfAbsent(current, _ -> new Family());
            while (label.find())
                if (!label.group(1).equals("le")) family.labels.add(label.group(1));
        }
        return families;
    }

    /** Runs Prometheus's own tool. */
    static final class Promtool {
        private Promtool() {}

        static boolean isThere(String what) {
            for (String directory : System.getenv().getOrDefault("PATH", "").split(":", -1))
                if (Files.isExecutable(Path.of(directory, "promtool"))) return true;
            System.out.println("SKIP " + what + ": promtool is not installed");
            return false;
        }

        /** What it prints; empty if it has nothing to say. */
        static String says(String input, String... arguments) throws Exception {
            var command = new java.util.ArrayList<String>();
            command.add("promtool");
            command.addAll(java.util.List.of(arguments));
            Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
            try (var in = process.getOutputStream()) {
                in.write(input.getBytes(StandardCharsets.UTF_8));
            }
            String said =
                    new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            int code = process.waitFor();
            return code == 0 ? said : said + "exit code " + code;
        }
    }
}
