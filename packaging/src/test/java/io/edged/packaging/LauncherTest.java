package io.edged.packaging;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * The launcher of the images: by itself, and as part of the image for this machine if there is one.
 */
class LauncherTest {
    @TempDir Path directory;

    private record Result(int code, String said) {}

    private static Result run(ProcessBuilder command) throws IOException, InterruptedException {
        Process process = command.redirectErrorStream(true).start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return new Result(process.waitFor(), said);
    }

    /**
     * Starts the launcher of a build on a machine that says what it is and how large its pages are.
     */
    private Result start(String build, String pages, String machine, String page)
            throws IOException, InterruptedException {
        Path launcher = Files.createDirectories(directory.resolve("bin")).resolve("edged");
        Files.writeString(
                launcher,
                Files.readString(Path.of("dist", "launcher.sh"))
                        .replace("@arch@", build)
                        .replace("@version@", "1.2.3")
                        .replace("@pages@", pages)
                        .replace("@cache@", "none.jsa")
                        .replace("@jars@", "a.jar b.jar")
                        .replace("@flags@", "-XX:+UseSerialGC"));
        program("bin/uname", "echo " + machine);
        program("bin/getconf", "echo " + page);
        program("lib/sys/edged", "echo \"started $*\"");
        var command = new ProcessBuilder("sh", launcher.toString(), "version");
        command.environment()
                .merge("PATH", directory.resolve("bin") + ":", (path, first) -> first + path);
        return run(command);
    }

    private void program(String name, String line) throws IOException {
        Path file = directory.resolve(name);
        Files.createDirectories(file.getParent());
        Files.writeString(file, "#!/bin/sh\n" + line + "\n");
        assertThat(file.toFile().setExecutable(true)).isTrue();
    }

    @ParameterizedTest
    @CsvSource({
        "amd64,aarch64,arm64",
        "amd64,riscv64,riscv64",
        "arm64,x86_64,amd64",
        "arm64,riscv64,riscv64",
        "riscv64,x86_64,amd64",
        "riscv64,aarch64,arm64"
    })
    void theWrongBuildNamesItselfTheMachineAndTheRightBuild(
            String build, String machine, String right) throws IOException, InterruptedException {
        Result result = start(build, "4096", machine, "4096");
        assertThat(result.code()).isEqualTo(70);
        assertThat(result.said())
                .isEqualTo(
                        "edged: this is the build for %s, but this machine is %s (%s); install edged-1.2.3-linux-%s or edged_1.2.3_%s.deb%n"
                                .formatted(build, right, machine, right, right));
    }

    @Test
    void aKernelWithOtherPagesIsNamedWithBothSizes() throws IOException, InterruptedException {
        Result result = start("riscv64", "4096", "riscv64", "65536");
        assertThat(result.code()).isEqualTo(70);
        assertThat(result.said()).contains("pages of 4096 bytes").contains("pages of 65536");
        assertThat(start("arm64", "4096 16384 65536", "aarch64", "16384").said())
                .startsWith("started ");
    }

    @Test
    void theRuntimeGetsItsLibrariesItsClassPathAndTheArguments()
            throws IOException, InterruptedException {
        Path home = directory.toRealPath();
        assertThat(start("amd64", "4096", "x86_64", "4096"))
                .isEqualTo(
                        new Result(
                                0,
                                "started "
                                        + String.join(
                                                        " ",
                                                        List.of(
                                                                "--argv0 edged --library-path",
                                                                "%1$s/lib/sys:%1$s/lib/runtime/lib:%1$s/lib/runtime/lib/server",
                                                                "%1$s/lib/runtime/bin/java -XX:+UseSerialGC",
                                                                "-cp %1$s/lib/app/a.jar:%1$s/lib/app/b.jar",
                                                                "io.edged.cli.Edged version\n"))
                                                .formatted(home)));
    }

    @Test
    void everyCheckOfTheImagesLauncherPasses() throws IOException, InterruptedException {
        Result result = run(new ProcessBuilder("sh", Path.of("test", "launcher.sh").toString()));
        System.out.print(result.said());
        assertThat(result.code()).as(result.said()).isZero();
        assertThat(result.said()).containsAnyOf("PASS", "SKIP").doesNotContain("FAIL");
    }
}
