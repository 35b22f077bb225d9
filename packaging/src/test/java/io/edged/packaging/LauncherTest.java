package io.edged.packaging;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** The launcher of the image for this machine, when there is one. */
class LauncherTest {

    @Test
    void everyCheckOfTheLauncherPasses() throws IOException, InterruptedException {
        Process process =
                new ProcessBuilder("sh", Path.of("test", "launcher.sh").toString())
                        .redirectErrorStream(true)
                        .start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        System.out.print(said);
        assertThat(process.waitFor()).as(said).isZero();
        assertThat(said).containsAnyOf("PASS", "SKIP").doesNotContain("FAIL");
    }
}
