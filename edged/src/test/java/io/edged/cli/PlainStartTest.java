package io.edged.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.edged.daemon.ExitCode;
import io.edged.daemon.ExitException;
import io.edged.daemon.LifeCycle;
import io.edged.daemon.LogFormat;
import io.edged.daemon.Logging;
import io.edged.demo.RunningDaemon;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** What the unit files start takes the short way; everything else the library looks at. */
class PlainStartTest {
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();
    private final Logging logging =
            Logging.install(
                    System.Logger.Level.INFO, LogFormat.LOGFMT, OutputStream.nullOutputStream());
    private final List<String> asked = new ArrayList<>();
    private final Program program =
            new Program(
                    new PrintStream(OutputStream.nullOutputStream()),
                    new PrintStream(err, true, StandardCharsets.UTF_8),
                    logging,
                    () -> LifeCycle.unattached(Duration.ofSeconds(60)),
                    new Refusing());

    /** Notes what it is asked for, and refuses. */
    private final class Refusing implements Daemons {
        @Override
        public String check(Path config) {
            throw new ExitException(ExitCode.CONFIGURATION, "no");
        }

        @Override
        public RunningDaemon start(Path config, LifeCycle lifeCycle) {
            throw new ExitException(ExitCode.CONFIGURATION, "no");
        }

        @Override
        public RunningDaemon run(Path config, boolean locked, LifeCycle lifeCycle) {
            asked.add(config + " " + locked);
            throw new ExitException(ExitCode.CORRUPTION, "first\nsecond");
        }
    }

    @AfterEach
    void stop() {
        logging.close();
    }

    @Test
    void whatTheUnitFilesStartIsPlain() throws IOException {
        for (String unit : List.of("edged.service", "edged-precheck.service")) {
            String command =
                    Files.readAllLines(Path.of("..", "systemd", unit)).stream()
                            .filter(line -> line.startsWith("ExecStart="))
                            .findFirst()
                            .orElseThrow();
            String[] words = command.split(" ");
            assertThat(
                            PlainStart.of(
                                    program,
                                    List.of(words).subList(1, words.length).toArray(String[]::new)))
                    .as(command)
                    .isPresent();
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "version",
                "run",
                "run --config",
                "run --help",
                "run --config --locked",
                "run --config=x",
                "run --config x --config y",
                "run --config x --locked --locked",
                "run --config x more",
                "run --config x --wait",
                "run --config @file",
                "run --config \"x\"",
                "precheck --config x --root /"
            })
    void anythingElseIsLeftToTheLibrary(String line) {
        assertThat(PlainStart.of(program, line.isEmpty() ? new String[0] : line.split(" ")))
                .isEmpty();
    }

    @Test
    void bothWaysEndWithTheSameCodeAndLines() {
        assertThat(Edged.run(program, "run", "--config", "x", "--locked"))
                .isEqualTo(ExitCode.CORRUPTION);
        String plainly = err.toString(StandardCharsets.UTF_8);
        err.reset();
        assertThat(Edged.run(program, "run", "--config=x", "--locked"))
                .isEqualTo(ExitCode.CORRUPTION);
        assertThat(err.toString(StandardCharsets.UTF_8))
                .isEqualTo(plainly)
                .isEqualTo("edged: first\nedged: second\n");
        assertThat(asked).containsExactly("x true", "x true");
    }
}
