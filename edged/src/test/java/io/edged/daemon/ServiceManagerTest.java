package io.edged.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;

/** Against a socket of another program, for Java has none of that kind. */
class ServiceManagerTest {
    private static final String RECEIVER =
            """
            import socket, sys
            name = sys.argv[1]
            s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            s.bind("\\0" + name[1:] if name[0] == "@" else name)
            print("bound", flush=True)
            while True:
                print(s.recv(4096).decode().replace("\\n", "|"), flush=True)
            """;

    @TempDir Path directory;

    /** What the service manager hears. */
    private record Manager(Process process, BufferedReader heard) implements AutoCloseable {
        static Manager at(String name) throws IOException {
            Process process =
                    new ProcessBuilder("python3", "-c", RECEIVER, name)
                            .redirectErrorStream(true)
                            .start();
            var heard = process.inputReader(StandardCharsets.UTF_8);
            assertThat(heard.readLine()).isEqualTo("bound");
            return new Manager(process, heard);
        }

        @Override
        public void close() {
            process.destroyForcibly();
        }
    }

    private static boolean skipped() {
        try {
            return new ProcessBuilder("python3", "-V").start().waitFor() != 0;
        } catch (IOException | InterruptedException e) {
            System.out.println("SKIP messages to the service manager: python3 cannot be started");
            return true;
        }
    }

    private static Health health() {
        return new Health(System::nanoTime);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void readyReloadingAndStoppingAreTold(boolean abstractName) throws IOException {
        org.junit.jupiter.api.Assumptions.assumeFalse(skipped());
        String name =
                abstractName
                        ? "@edged-test-" + ProcessHandle.current().pid()
                        : directory.resolve("notify").toString();
        try (var systemd = Manager.at(name)) {
            try (var manager = ServiceManager.connect(Map.of("NOTIFY_SOCKET", name), health())) {
                manager.ready();
                assertThat(systemd.heard().readLine()).startsWith("READY=1|");
                manager.reloading();
                assertThat(systemd.heard().readLine()).matches("RELOADING=1\\|MONOTONIC_USEC=\\d+");
            }
            assertThat(systemd.heard().readLine()).startsWith("STOPPING=1");
        }
    }

    @Test
    void theWatchdogIsFedWhileTheDaemonLivesAndNotBeyond() throws IOException {
        org.junit.jupiter.api.Assumptions.assumeFalse(skipped());
        String name = directory.resolve("notify").toString();
        var lives = new AtomicBoolean(true);
        Health health = health();
        var probed = new java.util.concurrent.Semaphore(0);
        health.register(
                Health.Check.of(
                        "loop",
                        Health.Kind.LIVE,
                        () -> {
                            boolean answer = lives.get();
                            probed.release();
                            return answer ? new Health.Ok() : new Health.Failed("stuck");
                        }));
        try (var systemd = Manager.at(name)) {
            try (var _ =
                    ServiceManager.connect(
                            Map.of("NOTIFY_SOCKET", name, "WATCHDOG_USEC", "20000"), health)) {
                for (int i = 0; i < 3; i++)
                    assertThat(systemd.heard().readLine()).isEqualTo("WATCHDOG=1");
                lives.set(false);
                probed.drainPermits();
                // One probe may have begun before; five more are asked and must not be told.
                probed.acquireUninterruptibly(6);
            }
            int after = 0;
            String line = systemd.heard().readLine();
            while (line.equals("WATCHDOG=1")) {
                after++;
                line = systemd.heard().readLine();
            }
            assertThat(line).startsWith("STOPPING=1");
            assertThat(after).isLessThanOrEqualTo(2);
        }
    }

    @Test
    void aSocketThatNobodyListensToDisturbsNothing() {
        try (var manager =
                ServiceManager.connect(
                        Map.of("NOTIFY_SOCKET", directory.resolve("none").toString()), health())) {
            manager.ready();
            manager.ready();
        }
    }

    @Test
    void aNameThatIsNoSocketIsLoggedAndForgotten() {
        for (String name : new String[] {"relative", "/" + "x".repeat(200)}) {
            try (var manager = ServiceManager.connect(Map.of("NOTIFY_SOCKET", name), health())) {
                manager.ready();
            }
        }
    }

    @Test
    void theWatchdogOfAnotherProcessIsNotOurs() {
        assertThat(ServiceManager.watchdog(Map.of("WATCHDOG_USEC", "30000000")))
                .contains(Duration.ofSeconds(30));
        assertThat(ServiceManager.watchdog(Map.of("WATCHDOG_USEC", "3", "WATCHDOG_PID", "1")))
                .isEmpty();
        assertThat(ServiceManager.watchdog(Map.of())).isEmpty();
        assertThat(ServiceManager.watchdog(Map.of("WATCHDOG_USEC", "often"))).isEmpty();
    }
}
