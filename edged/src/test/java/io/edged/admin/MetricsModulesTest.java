package io.edged.admin;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** The runtime image of a device holds few modules; the metrics must do with those. */
class MetricsModulesTest {

    /** Prints one scrape. */
    static final class Scrape {
        private Scrape() {}

        public static void main(String[] args) throws Exception {
            try (var metrics = new Metrics()) {
                var out = new ByteArrayOutputStream();
                metrics.scrape(out, Metrics.Exposition.OPEN_METRICS);
                System.out.println(out.toString(StandardCharsets.UTF_8));
            }
        }
    }

    @Test
    void metricsNeedNeitherDesktopNorSql() throws Exception {
        Process process =
                new ProcessBuilder(
                                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                                "-Xmx64m",
                                "--limit-modules",
                                "java.base,java.logging,java.management,jdk.management,jdk.unsupported",
                                "-cp",
                                System.getProperty("java.class.path"),
                                Scrape.class.getName())
                        .redirectErrorStream(true)
                        .start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(said).isZero();
        assertThat(said)
                .contains("jvm_gc_", "process_cpu_usage", "edged_build_info")
                .doesNotContain("Exception", "NoClassDefFound");
    }
}
