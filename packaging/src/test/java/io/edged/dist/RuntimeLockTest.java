package io.edged.dist;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** A build takes what is pinned, or says which command pins anew; it never does so by itself. */
class RuntimeLockTest {
    @TempDir Path root;

    private Path lock;

    @BeforeEach
    void copyWhatTheCheckReads() throws IOException {
        Path dist = Files.createDirectories(root.resolve("packaging").resolve("dist"));
        for (String name : List.of("common.sh", "apt.sh", "runtime.sh"))
            Files.copy(Path.of("dist", name), dist.resolve(name));
        Files.copy(Path.of("..", "pom.xml"), root.resolve("pom.xml"));
        lock = Files.copy(Path.of("runtime.lock"), root.resolve("packaging/runtime.lock"));
    }

    private String check(int wanted) throws IOException, InterruptedException {
        Process process =
                new ProcessBuilder(
                                "sh", root.resolve("packaging/dist/runtime.sh").toString(), "check")
                        .redirectErrorStream(true)
                        .start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(said).isEqualTo(wanted);
        return said;
    }

    @Test
    void theLockOfThisSourceIsUpToDate() throws IOException, InterruptedException {
        assertThat(check(0)).isEmpty();
    }

    @Test
    void withoutALockTheBuildNamesTheCommand() throws IOException, InterruptedException {
        Files.delete(lock);
        assertThat(check(1)).contains("missing").contains("make update-runtime-lock");
    }

    @Test
    void aLockThatPinsOtherPackagesIsStale() throws IOException, InterruptedException {
        List<String> lines = Files.readAllLines(lock);
        Files.write(lock, lines.stream().filter(line -> !line.contains(" zlib1g ")).toList());
        assertThat(check(1))
                .contains("stale")
                .contains("zlib1g")
                .contains("make update-runtime-lock");
        Files.write(
                lock, lines.stream().map(line -> line.replace("suite ", "suite other-")).toList());
        assertThat(check(1)).contains("stale");
    }
}
