package io.edged.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Real faults of a whole daemon: exactly the right check fails, liveness stays, and it recovers.
 */
class ProbesTest {

    @TempDir Path directory;

    /** The checks that fail, as {@code /readyz?verbose} has them. */
    private static List<String> failing(RunningFixture daemon) {
        return lines(daemon, "/readyz?verbose");
    }

    private static List<String> lines(RunningFixture daemon, String path) {
        try {
            return daemon.get(path)
                    .body()
                    .lines()
                    .filter(line -> line.startsWith("[-]"))
                    .map(line -> line.substring(3).split(" ", 2)[0])
                    .toList();
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void aFullLogIsNotReadyUntilTheUpstreamTakesWhatItHolds() throws Exception {
        try (var daemon = RunningFixture.start(directory, false, "")) {
            Files.writeString(
                    daemon.config(), Files.readString(daemon.config()).replace("64 MiB", "16 MiB"));
            daemon.stopDaemon();
            daemon.startDaemon();
            int status = 200;
            for (int i = 0; i < 60 && status == 200; i++) status = daemon.sendLogs(60_000);
            assertThat(status).isEqualTo(429);
            assertThat(failing(daemon)).containsExactly("disk-reserve");
            assertThat(daemon.get("/readyz").statusCode()).isEqualTo(503);
            assertThat(daemon.get("/readyz?exclude=disk-reserve").statusCode()).isEqualTo(200);
            assertThat(daemon.get("/livez").statusCode()).isEqualTo(200);
            assertThat(daemon.run("status", "--config", daemon.config().toString()))
                    .satisfies(said -> {
                        assertThat(said.code()).isEqualTo(75);
                        assertThat(said.out()).contains(": NOT READY", "FAILS   disk-reserve");
                    });

            daemon.startUpstream();
            daemon.await("room", () -> failing(daemon).isEmpty());
            assertThat(daemon.sendLogs(1)).isEqualTo(200);
        }
    }

    @Test
    void aDestinationThatRefusesUsIsNamedAndLivenessStays() throws Exception {
        try (var daemon = RunningFixture.start(directory, false, "")) {
            var answer = new AtomicInteger(401);
            HttpServer upstream = HttpServer.create(daemon.upstreamAddress(), 0);
            upstream.createContext(
                    "/",
                    exchange -> {
                        exchange.getRequestBody().readAllBytes();
                        exchange.getResponseHeaders().set("content-type", "application/x-protobuf");
                        exchange.sendResponseHeaders(answer.get(), -1);
                        exchange.close();
                    });
            upstream.start();
            try {
                assertThat(daemon.sendLogs(1)).isEqualTo(200);
                daemon.await("the fault", () -> failing(daemon).equals(List.of("drain-sink")));
                assertThat(daemon.get("/readyz/drain-sink").body()).contains("401");
                assertThat(daemon.get("/livez").statusCode()).isEqualTo(200);
                assertThat(daemon.sendLogs(1)).as("telemetry is taken all the same").isEqualTo(200);
                answer.set(200);
                daemon.await("the end of it", () -> failing(daemon).isEmpty());
                daemon.await("the delivery", () -> daemon.pending() == 0);
            } finally {
                upstream.stop(0);
            }
        }
    }

    @Test
    void aLockFileThatSomebodyMovesIsNamed() throws Exception {
        try (var daemon = RunningFixture.start(directory, true, "")) {
            Path lock = directory.resolve("state").resolve("LOCK");
            Path away = directory.resolve("away");
            Files.move(lock, away);
            daemon.await("the look", () -> failing(daemon).equals(List.of("lock")));
            assertThat(lines(daemon, "/livez?verbose")).isEmpty();
            Files.move(away, lock);
            daemon.await("the next look", () -> failing(daemon).isEmpty());
        }
    }
}
