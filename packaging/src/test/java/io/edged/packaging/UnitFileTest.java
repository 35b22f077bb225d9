package io.edged.packaging;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/** The unit files as systemd reads them, without a running systemd. */
class UnitFileTest {
    /** What {@code systemd-analyze security} gives; docs/install.md says what keeps it from 0. */
    private static final double EXPOSURE = 1.1;

    private static final Path UNITS = Path.of("..", "systemd");

    @TempDir Path directory;

    @BeforeEach
    void copyUnitsWithAProgramThatIsThere() throws IOException, InterruptedException {
        boolean there = analyze("--version").startsWith("systemd");
        if (!there) System.out.println("SKIP unit files: systemd-analyze is not installed");
        assumeTrue(there, "systemd-analyze is not installed");
        for (String name : List.of("edged.service", "edged-precheck.service"))
            Files.writeString(
                    directory.resolve(name),
                    Files.readString(UNITS.resolve(name))
                            .replaceAll("/usr/lib/edged/bin/edged", "/bin/true")
                            .replace("Documentation=man:edged(8)\n", ""));
    }

    private static String analyze(String... arguments) throws IOException, InterruptedException {
        var command = new ArrayList<>(List.of("systemd-analyze"));
        command.addAll(List.of(arguments));
        Process process;
        try {
            process = new ProcessBuilder(command).redirectErrorStream(true).start();
        } catch (IOException e) {
            return "";
        }
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        process.waitFor();
        return said;
    }

    @Test
    void systemdHasNothingToSayAboutThem() throws IOException, InterruptedException {
        String said = analyze("verify", directory.resolve("edged.service").toString());
        assertThat(said.lines().filter(line -> line.contains("edged"))).isEmpty();
    }

    @Test
    void theDaemonIsWalledIn() throws IOException, InterruptedException {
        for (String unit : List.of("edged.service", "edged-precheck.service")) {
            String said =
                    analyze(
                            "security",
                            "--offline=yes",
                            "--no-pager",
                            directory.resolve(unit).toString());
            var score = Pattern.compile("Overall exposure level for \\S+: ([0-9.]+)").matcher(said);
            assertThat(score.find()).as(said).isTrue();
            assertThat(Double.parseDouble(score.group(1))).as(unit).isLessThanOrEqualTo(EXPOSURE);
        }
        assertThat(Files.readString(Path.of("..", "docs", "install.md")))
                .contains("gives " + EXPOSURE);
    }

    @Test
    void restartsRespectTheExitCodesThatARestartDoesNotCure() throws IOException {
        assertThat(Files.readString(UNITS.resolve("edged.service")))
                .contains("RestartPreventExitStatus=1 5 6 64\n")
                .contains("Requires=edged-precheck.service\n");
    }

    @Test
    void theCheckWaitsForAsLongAsItTakesSinceNobodyIsThereToStartTheDaemonAgain()
            throws IOException {
        assertThat(Files.readString(UNITS.resolve("edged-precheck.service")))
                .contains("edged precheck --config /etc/edged/edge.toml --wait\n")
                .contains("TimeoutStartSec=infinity\n");
    }
}
