package io.edged.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.edged.daemon.ExitCode;
import io.edged.daemon.ExitException;
import io.edged.daemon.LifeCycle;
import io.edged.daemon.LogFormat;
import io.edged.daemon.Logging;
import io.edged.daemon.Version;
import io.edged.demo.DaemonCounts;
import io.edged.demo.RunningDaemon;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;

class EdgedTest {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();
    private final ByteArrayOutputStream log = new ByteArrayOutputStream();
    private final Logging logging =
            Logging.install(System.Logger.Level.INFO, LogFormat.LOGFMT, log);
    private final LifeCycle lifeCycle = LifeCycle.unattached(Duration.ofSeconds(60));
    private final AtomicBoolean closed = new AtomicBoolean();

    /** A daemon that stops as soon as it runs, or does not start. */
    private final class Fake implements Daemons {
        private final RuntimeException failure;
        private final ExitCode stop;

        Fake(RuntimeException failure, ExitCode stop) {
            this.failure = failure;
            this.stop = stop;
        }

        @Override
        public RunningDaemon run(Path config, boolean locked, LifeCycle lifeCycle) {
            return start(config, lifeCycle);
        }

        @Override
        public String check(Path config) {
            if (failure.getMessage() != null) throw failure;
            return config + " is sound";
        }

        @Override
        public RunningDaemon start(Path config, LifeCycle given) {
            if (failure.getMessage() != null) throw failure;
            given.stop(stop, "test");
            return new RunningDaemon() {
                @Override
                public InetSocketAddress otlp() {
                    return new InetSocketAddress(0);
                }

                @Override
                public InetSocketAddress admin() {
                    return new InetSocketAddress(0);
                }

                @Override
                public DaemonCounts counts() {
                    return new DaemonCounts(0, 0, 0, 0);
                }

                @Override
                public void close() {
                    closed.set(true);
                }
            };
        }
    }

    private ExitCode run(Fake daemons, String... args) {
        var program =
                new Program(
                        new PrintStream(out, true, StandardCharsets.UTF_8),
                        new PrintStream(err, true, StandardCharsets.UTF_8),
                        logging,
                        () -> lifeCycle,
                        daemons);
        return Edged.run(program, args);
    }

    private ExitCode run(String... args) {
        return run(new Fake(new RuntimeException(), ExitCode.CLEAN), args);
    }

    private String err() {
        return err.toString(StandardCharsets.UTF_8);
    }

    private String out() {
        return out.toString(StandardCharsets.UTF_8);
    }

    @AfterEach
    void stop() {
        logging.close();
    }

    @Test
    void theCodesAreTheContract() {
        assertThat(ExitCode.values())
                .extracting(code -> code.code() + " " + code)
                .containsExactly(
                        "0 CLEAN",
                        "1 CONFIGURATION",
                        "2 STATE_DIRECTORY",
                        "3 CORRUPTION",
                        "4 STORAGE_FAILED",
                        "5 CERTIFICATES",
                        "6 LOCK",
                        "64 USAGE",
                        "70 INTERNAL",
                        "75 NOT_YET");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "nonsense",
                "run",
                "run --config",
                "run --confg x",
                "check",
                "check a b",
                "lock",
                "lock write",
                "lock verify",
                "lock diff a",
                "lock show",
                "lock sign a",
                "lock release",
                "precheck",
                "sink --listen nowhere",
                "sink --listen 127.0.0.1:70000",
                "sink --fail-for 10",
                "demo",
                "demo --endpoint ftp://x",
                "demo --endpoint http:///v1",
                "demo --all",
                "demo --all --state x --endpoint http://127.0.0.1:1",
                "demo --endpoint http://127.0.0.1:1 --per-second 0",
                "demo --endpoint http://127.0.0.1:1 --per-second x",
            })
    void misuseIsOneLineAndCode64(String line) {
        String[] args = line.isEmpty() ? new String[0] : line.split(" ", -1);
        assertThat(run(args)).isEqualTo(ExitCode.USAGE);
        assertThat(err()).startsWith("edged: ").containsPattern("; see: edged (lock )?help");
        assertThat(err().lines()).hasSize(1);
        assertThat(out()).isEmpty();
    }

    @Test
    void versionAndHelpAreAnsweredOnStandardOutput() {
        assertThat(run("version")).isEqualTo(ExitCode.CLEAN);
        assertThat(out()).startsWith("edged " + Version.current() + " java ");
        assertThat(run("--version")).isEqualTo(ExitCode.CLEAN);
        assertThat(run("--help")).isEqualTo(ExitCode.CLEAN);
        assertThat(run("help", "run")).isEqualTo(ExitCode.CLEAN);
        assertThat(out()).contains("sink", "demo", "check", "--config=FILE");
        assertThat(err()).isEmpty();
    }

    @ParameterizedTest
    @EnumSource
    void aFailureKeepsItsCodeAndItsLines(ExitCode code) {
        var fake = new Fake(new ExitException(code, "line 1: bad\nline 2: worse"), ExitCode.CLEAN);
        assertThat(run(fake, "run", "--config", "x")).isEqualTo(code);
        assertThat(err().lines()).containsExactly("edged: line 1: bad", "edged: line 2: worse");
        assertThat(run(fake, "check", "x")).isEqualTo(code);
    }

    @Test
    void aBugIsOneLineAndCode70() {
        var fake = new Fake(new IllegalStateException("sequence 9\nafter 7"), ExitCode.CLEAN);
        assertThat(run(fake, "run", "--config", "x")).isEqualTo(ExitCode.INTERNAL);
        assertThat(err())
                .isEqualTo(
                        "edged: internal error: java.lang.IllegalStateException: sequence 9 after 7\n");
        logging.flush();
        assertThat(log.toString(StandardCharsets.UTF_8)).isEmpty();
    }

    @Test
    void theStackTraceOfABugComesAtDebug() {
        logging.adjust(System.Logger.Level.DEBUG, LogFormat.LOGFMT);
        var fake = new Fake(new IllegalStateException("bug"), ExitCode.CLEAN);
        assertThat(run(fake, "check", "x")).isEqualTo(ExitCode.INTERNAL);
        logging.flush();
        assertThat(log.toString(StandardCharsets.UTF_8)).contains("at io.edged.cli.");
    }

    @Test
    void runEndsWithTheCodeOfTheStopAndClosesTheDaemon() {
        var fake = new Fake(new RuntimeException(), ExitCode.STORAGE_FAILED);
        assertThat(run(fake, "run", "--config", "x")).isEqualTo(ExitCode.STORAGE_FAILED);
        assertThat(closed).isTrue();
    }

    @Test
    void checkSaysWhatItFound() {
        assertThat(run("check", "edge.toml")).isEqualTo(ExitCode.CLEAN);
        assertThat(out()).isEqualTo("edge.toml is sound\n");
    }

    @Test
    void whatIsAskedIsAnsweredAsJson() {
        assertThat(run("check", "--json", "edge.toml")).isEqualTo(ExitCode.CLEAN);
        assertThat(out())
                .isEqualTo(
                        "{\"ok\":true,\"exit_code\":0,\"summary\":\"edge.toml is sound\","
                                + "\"problems\":[]}\n");
        var fake =
                new Fake(
                        new ExitException(ExitCode.CONFIGURATION, "line 1: bad\nline 2: worse"),
                        ExitCode.CLEAN);
        assertThat(run(fake, "check", "--json", "x")).isEqualTo(ExitCode.CONFIGURATION);
        assertThat(out())
                .endsWith(
                        "{\"ok\":false,\"exit_code\":"
                                + ExitCode.CONFIGURATION.code()
                                + ",\"problems\":[\"line 1: bad\",\"line 2: worse\"]}\n");
        assertThat(run("version", "--json")).isEqualTo(ExitCode.CLEAN);
        assertThat(out()).contains("{\"version\":\"" + Version.current() + "\",\"built\":\"");
        assertThat(err()).isEmpty();
    }

    @Test
    void theSinkRunsUntilItIsStopped() {
        lifeCycle.stop(ExitCode.CLEAN, "test");
        assertThat(run("sink", "--listen", "127.0.0.1:0")).isEqualTo(ExitCode.CLEAN);
        assertThat(out()).contains("sink listens; address=/127.0.0.1:").contains("requests 0");
    }

    @Test
    void anAddressThatIsNotOursIsAConfigurationError() {
        assertThat(run("sink", "--listen", "192.0.2.1:4318")).isEqualTo(ExitCode.CONFIGURATION);
        assertThat(err()).contains("192.0.2.1").hasLineCount(1);
    }
}
