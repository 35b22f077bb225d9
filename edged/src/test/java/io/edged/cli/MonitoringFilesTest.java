package io.edged.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.edged.cli.MetricsReferenceTest.Promtool;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The alert rules, the dashboard and the runbooks, beside a daemon and a Prometheus. */
class MonitoringFilesTest {

    private static final Path RULES = RepositoryFiles.path("config/monitoring/edged-alerts.yml");
    private static final Path RULE_TESTS =
            RepositoryFiles.path("config/monitoring/edged-alerts.test.yml");
    private static final Path DASHBOARD =
            RepositoryFiles.path("config/monitoring/edged-dashboard.json");
    private static final Path RUNBOOKS = RepositoryFiles.path("docs/runbooks");
    private static final Pattern METRIC = Pattern.compile("\\b(?:edged|process|jvm)_[a-z0-9_]+");
    private static final Pattern THRESHOLD = Pattern.compile(" (?:==|!=|>|<) [0-9.]+$");
    private static final int SECONDS = Integer.getInteger("prometheus.seconds", 8);

    @TempDir static Path directory;
    private static String rules = "";

    @BeforeAll
    static void read() throws IOException {
        rules = Files.readString(RULES);
    }

    /** Expressions by the names of the alerts. */
    private static Map<String, String> alerts() {
        var alerts = new LinkedHashMap<String, String>();
        String name = "";
        for (String line : rules.lines().map(String::strip).toList()) {
            if (line.startsWith("- alert: ")) name = line.substring(9);
            if (line.startsWith("expr: ")) alerts.put(name, line.substring(6));
        }
        return alerts;
    }

    @Test
    void promtoolTakesTheRulesAndTheirTestsPass() throws Exception {
        if (!Promtool.isThere("rules are checked")) return;
        assertThat(Promtool.says("", "check", "rules", RULES.toString()))
                .contains("SUCCESS")
                .doesNotContain("exit code");
        assertThat(Promtool.says("", "test", "rules", RULE_TESTS.toString()))
                .contains("SUCCESS")
                .doesNotContain("exit code");
        String tests = Files.readString(RULE_TESTS);
        for (String alert : alerts().keySet()) assertThat(tests).contains(alert + " fires");
    }

    @Test
    void everyAlertHasItsRunbookAndEveryRunbookItsAlert() throws IOException {
        try (var files = Files.list(RUNBOOKS)) {
            assertThat(files.map(file -> file.getFileName().toString()).toList())
                    .containsExactlyInAnyOrderElementsOf(
                            alerts().keySet().stream().map(name -> name + ".md").toList());
        }
        for (String alert : alerts().keySet()) {
            assertThat(rules).contains("runbook: docs/runbooks/" + alert + ".md");
            assertThat(Files.readString(RUNBOOKS.resolve(alert + ".md")))
                    .startsWith("# " + alert + "\n")
                    .contains("## What it means", "## What to do", "## What is lost");
        }
    }

    /** A scrape for a while by the real thing; then every alert must have something to look at. */
    @Test
    void aRealPrometheusScrapesWithoutAWordAndEveryQueryHasData() throws Exception {
        try (var daemon = RunningFixture.start(directory, true, "")) {
            assertThat(daemon.sendLogs(5)).isEqualTo(200);
            var known = new TreeSet<>(MetricsReferenceTest.names(daemon.get("/metrics").body()));
            for (String text : List.of(rules, Files.readString(DASHBOARD)))
                assertThat(known).containsAll(metrics(text));
            if (!Files.isExecutable(Path.of("/usr/bin/prometheus"))) {
                System.out.println("SKIP scraping by Prometheus: it is not installed");
                return;
            }
            try (var prometheus = Prometheus.start(directory, daemon.admin().getPort())) {
                long end = System.nanoTime() + Duration.ofSeconds(SECONDS).toNanos();
                daemon.await("scrapes", () -> prometheus.samples("edged_build_info[1m]") >= 5);
                daemon.await("the time", () -> System.nanoTime() > end);
                for (String query : queries())
                    assertThat(prometheus.ask(query))
                            .as(query)
                            .contains("\"status\":\"success\"")
                            .doesNotContain("\"result\":[]");
                assertThat(prometheus.ask("min_over_time(up[10m])")).contains(",\"1\"]");
                assertThat(prometheus.ask("ALERTS")).contains("\"result\":[]");
                assertThat(prometheus.complaints()).isEmpty();
            }
        }
    }

    private static Set<String> metrics(String text) {
        var names = new TreeSet<String>();
        Matcher match = METRIC.matcher(text);
        while (match.find()) names.add(match.group());
        return names;
    }

    /** What each alert looks at, without its threshold, over times that a test can wait. */
    private static List<String> queries() {
        var queries = new ArrayList<String>();
        for (String expression : alerts().values())
            queries.add(
                    THRESHOLD
                            .matcher(expression)
                            .replaceFirst("")
                            .replaceAll("\\[[0-9]+[mh]]", "[1m]")
                            // A scrape's own gauge exists only with its right name.
                            .strip());
        return queries;
    }

    /** A Prometheus of this test's own. */
    private static final class Prometheus implements AutoCloseable {
        private final Process process;
        private final Path log;
        private final HttpClient client = HttpClient.newHttpClient();
        private final int port;

        private Prometheus(Process process, Path log, int port) {
            this.process = process;
            this.log = log;
            this.port = port;
        }

        static Prometheus start(Path directory, int target) throws IOException {
            int port = RunningFixture.freePort();
            Path config =
                    Files.writeString(
                            directory.resolve("prometheus.yml"),
                            """
                            global: {scrape_interval: 1s, evaluation_interval: 1s}
                            rule_files: [%s]
                            scrape_configs:
                              - job_name: edged
                                static_configs: [{targets: ["127.0.0.1:%d"]}]
                            """
                                    .formatted(RULES, target));
            Path log = directory.resolve("prometheus.log");
            var process =
                    new ProcessBuilder(
                                    "/usr/bin/prometheus",
                                    "--config.file=" + config,
                                    "--storage.tsdb.path=" + directory.resolve("tsdb"),
                                    "--web.listen-address=127.0.0.1:" + port)
                            .redirectErrorStream(true)
                            .redirectOutput(log.toFile())
                            .start();
            return new Prometheus(process, log, port);
        }

        String ask(String query) {
            try {
                return client.send(
                                HttpRequest.newBuilder(
                                                URI.create(
                                                        "http://127.0.0.1:"
                                                                + port
                                                                + "/api/v1/query?query="
                                                                + URLEncoder.encode(
                                                                        query,
                                                                        StandardCharsets.UTF_8)))
                                        .timeout(Duration.ofSeconds(20))
                                        .build(),
                                HttpResponse.BodyHandlers.ofString())
                        .body();
            } catch (IOException e) {
                return ""; // Not up yet.
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        }

        long samples(String range) {
            return ask(range).chars().filter(each -> each == '[').count() - 3L;
        }

        List<String> complaints() throws IOException {
            try (var lines = Files.lines(log)) {
                return lines.filter(line -> !line.contains("level=info"))
                        // Said by Prometheus of itself.
                        .filter(line -> line.contains("level="))
                        .toList();
            }
        }

        @Override
        public void close() {
            client.close();
            process.destroy();
            process.onExit().join();
        }
    }
}
