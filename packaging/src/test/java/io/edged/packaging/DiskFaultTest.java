package io.edged.packaging;

import static org.assertj.core.api.Assertions.assertThat;

import io.opentelemetry.proto.collector.logs.v1.ExportLogsServiceRequest;
import io.opentelemetry.proto.common.v1.AnyValue;
import io.opentelemetry.proto.common.v1.KeyValue;
import io.opentelemetry.proto.logs.v1.LogRecord;
import io.opentelemetry.proto.logs.v1.ResourceLogs;
import io.opentelemetry.proto.logs.v1.ScopeLogs;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** The whole daemon on real disks that are full, hang or fail. What it acknowledged arrives. */
class DiskFaultTest {

    private static final int BODY_BYTES = 256 << 10;
    private static final HttpClient HTTP =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    @TempDir Path directory;

    private int receiver;
    private int upstream;
    private URI admin = URI.create("http://127.0.0.1");
    private int sent;
    private final Set<String> acknowledged = new HashSet<>();

    @BeforeEach
    void ports() throws IOException {
        receiver = Application.freePort();
        upstream = Application.freePort();
        admin = URI.create("http://127.0.0.1:" + Application.freePort());
    }

    private Application daemon(SmallDisk disk, String storage)
            throws IOException, InterruptedException {
        Path config =
                Files.writeString(
                        directory.resolve("edge.toml"),
                        """
                        node.id = "test"
                        storage = { dir = "%s/state", reserve_bytes = 0, %s }
                        receiver.http = "127.0.0.1:%d"
                        admin.listen = "127.0.0.1:%d"
                        log.events = false
                        limits = { body_bytes = "1 MiB" }
                        wal = { segment_bytes = "2 MiB", queue_bytes = "2 MiB" }

                        [[drain.destination]]
                        name = "sink"
                        endpoint = "http://127.0.0.1:%d"
                        retry_initial = "100ms"
                        retry_max = "1s"
                        """
                                .formatted(
                                        disk.path(), storage, receiver, admin.getPort(), upstream));
        Application daemon = Application.start("run", "--config", config.toString());
        daemon.awaitReady(admin);
        return daemon;
    }

    private HttpRequest next() {
        var record =
                LogRecord.newBuilder()
                        .setBody(AnyValue.newBuilder().setStringValue("x".repeat(BODY_BYTES)))
                        .addAttributes(
                                KeyValue.newBuilder()
                                        .setKey("edge.demo.run")
                                        .setValue(AnyValue.newBuilder().setStringValue("run")))
                        .addAttributes(
                                KeyValue.newBuilder()
                                        .setKey("edge.demo.id")
                                        .setValue(AnyValue.newBuilder().setIntValue(++sent)));
        byte[] body =
                ExportLogsServiceRequest.newBuilder()
                        .addResourceLogs(
                                ResourceLogs.newBuilder()
                                        .addScopeLogs(ScopeLogs.newBuilder().addLogRecords(record)))
                        .build()
                        .toByteArray();
        return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + receiver + "/v1/logs"))
                .header("Content-Type", "application/x-protobuf")
                .timeout(Duration.ofSeconds(60))
                .POST(HttpRequest.BodyPublishers.ofByteArray(body))
                .build();
    }

    /** Sends one record and notes it if it was acknowledged. */
    private HttpResponse<String> post() throws IOException, InterruptedException {
        HttpRequest request = next();
        String line = "run logs " + sent;
        HttpResponse<String> answer = HTTP.send(request, HttpResponse.BodyHandlers.ofString());
        if (answer.statusCode() == 200) acknowledged.add(line);
        return answer;
    }

    private int probe(String path) throws IOException, InterruptedException {
        return Application.get(admin.resolve(path)).statusCode();
    }

    private interface Condition {
        boolean holds() throws IOException, InterruptedException;
    }

    private static void await(String what, Condition condition)
            throws IOException, InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (!condition.holds()) {
            if (System.nanoTime() > deadline) throw new AssertionError("never came: " + what);
            Thread.sleep(50);
        }
    }

    /** Starts the sink that was missing so far; everything acknowledged has to arrive there. */
    private void everythingAcknowledgedArrives(Application daemon)
            throws IOException, InterruptedException {
        Path received = directory.resolve("received");
        try (var sink =
                Application.start(
                        "sink",
                        "--listen",
                        "127.0.0.1:" + upstream,
                        "--record",
                        received.toString())) {
            URI stats = URI.create("http://127.0.0.1:" + upstream + "/sink/stats");
            sink.awaitLine(line -> line.startsWith("sink listens"));
            var missing = new TreeSet<>(acknowledged);
            try {
                await(
                        "all that was acknowledged",
                        () -> {
                            Application.get(stats); // flushes the record
                            Files.readAllLines(received).forEach(missing::remove);
                            return missing.isEmpty();
                        });
            } catch (AssertionError e) {
                throw new AssertionError(
                        "%s%nmissing: %s%nstatus: %s%ndaemon:%n%s"
                                .formatted(
                                        e.getMessage(),
                                        missing,
                                        Application.get(admin.resolve("/status")).body(),
                                        String.join("\n", daemon.lines())),
                        e);
            }
        }
    }

    @Test
    void aFullDiskRefusesAndTakesAgainWhenThereIsRoom() throws Exception {
        try (var disk = SmallDisk.ofFile(directory, 48)) {
            Path ballast = Files.write(disk.path().resolve("ballast"), new byte[20 << 20]);
            try (var daemon = daemon(disk, "ceiling_bytes = \"1 GiB\"")) {
                HttpResponse<String> answer = post();
                while (answer.statusCode() == 200 && sent < 1_000) answer = post();
                assertThat(answer.statusCode())
                        .as(() -> String.join("\n", daemon.lines()))
                        .isEqualTo(429);
                assertThat(answer.headers().firstValue("Retry-After")).isPresent();
                assertThat(acknowledged).isNotEmpty();
                await("not ready", () -> probe("/readyz") == 503);
                assertThat(probe("/livez")).isEqualTo(200);
                assertThat(post().statusCode()).isEqualTo(429);

                Files.delete(ballast);
                await("accepted again", () -> post().statusCode() == 200);
                await("ready again", () -> probe("/readyz") == 200);
                everythingAcknowledgedArrives(daemon);
                assertThat(daemon.stop()).isZero();
            }
        }
    }

    @Test
    void onAFullDiskTheOldestRecordsMakeRoomIfTheOperatorPrefersNewOnes() throws Exception {
        try (var disk = SmallDisk.ofFile(directory, 32)) {
            try (var daemon = daemon(disk, "ceiling_bytes = \"1 GiB\", policy = \"drop_oldest\"")) {
                // Three times what the disk can hold.
                while (acknowledged.size() < 400 && sent < 4_000) {
                    if (post().statusCode() != 200) Thread.sleep(20);
                }
                assertThat(acknowledged).hasSizeGreaterThanOrEqualTo(400);
                await("ready", () -> probe("/readyz") == 200);
                assertThat(daemon.stop()).isZero();
            }
            assertThat(KillTest.secondReader(disk.path().resolve("state"))).isEmpty();
        }
    }

    @Test
    void aDiskThatHangsHangsNoProbeAndLosesNothing() throws Exception {
        try (var disk = SmallDisk.ofFile(directory, 64)) {
            try (var daemon = daemon(disk, "ceiling_bytes = \"1 GiB\"")) {
                assertThat(post().statusCode()).isEqualTo(200);
                List<CompletableFuture<Integer>> answers = new ArrayList<>();
                disk.freeze();
                try {
                    // More than the queue holds.
                    for (int i = 0; i < 24; i++) {
                        HttpRequest request = next();
                        String line = "run logs " + sent;
                        answers.add(
                                HTTP.sendAsync(request, HttpResponse.BodyHandlers.discarding())
                                        .thenApply(answer -> {
                                            if (answer.statusCode() == 200)
                                                synchronized (acknowledged) {
                                                    acknowledged.add(line);
                                                }
                                            return answer.statusCode();
                                        }));
                    }
                    await(
                            "a refusal while the disk hangs",
                            () ->
                                    answers.stream()
                                            .anyMatch(answer ->
                                                    answer.isDone() && answer.join() != 200));
                    await("not ready", () -> probe("/readyz") == 503);
                    assertThat(probe("/livez")).isEqualTo(200);
                    assertThat(probe("/metrics")).isEqualTo(200);
                    assertThat(probe("/status")).isEqualTo(200);
                    assertThat(answers)
                            .as("what waits for the disk is not answered")
                            .anyMatch(answer -> !answer.isDone());
                    assertThat(answers)
                            .filteredOn(CompletableFuture::isDone)
                            .allSatisfy(answer -> assertThat(answer.join()).isIn(429, 503));
                } finally {
                    disk.thaw();
                }
                for (CompletableFuture<Integer> answer : answers)
                    assertThat(answer.get(60, TimeUnit.SECONDS)).isIn(200, 429, 503);
                await("ready again", () -> probe("/readyz") == 200);
                await("accepted again", () -> post().statusCode() == 200);
                assertThat(acknowledged).hasSizeGreaterThan(2);
                everythingAcknowledgedArrives(daemon);
                assertThat(daemon.stop()).isZero();
            }
        }
    }

    @Test
    void aDeviceThatFailsAndHealsLosesNothingThatWasAcknowledged() throws Exception {
        try (var disk = SmallDisk.thatCanFail(directory, 128)) {
            try (var daemon = daemon(disk, "ceiling_bytes = \"1 GiB\"")) {
                for (int i = 0; i < 5; i++) assertThat(post().statusCode()).isEqualTo(200);
                disk.fail();
                try {
                    assertThat(post().statusCode()).as("nothing is acknowledged").isNotEqualTo(200);
                } catch (IOException e) {
                    // The process is gone already.
                }
                assertThat(daemon.exitCode()).isEqualTo(4);
                disk.heal();
            }
            // The file system has gone read-only for want of its journal; the device comes back.
            disk.remount();
            try (var daemon = daemon(disk, "ceiling_bytes = \"1 GiB\"")) {
                for (int i = 0; i < 5; i++) assertThat(post().statusCode()).isEqualTo(200);
                daemon.kill();
            }
            disk.remount();
            assertThat(KillTest.secondReader(disk.path().resolve("state"))).isEmpty();
            try (var daemon = daemon(disk, "ceiling_bytes = \"1 GiB\"")) {
                everythingAcknowledgedArrives(daemon);
                assertThat(daemon.stop()).isZero();
            }
            assertThat(disk.path().resolve("state/wal/quarantine"))
                    .satisfiesAnyOf(
                            quarantine -> assertThat(quarantine).doesNotExist(),
                            quarantine -> assertThat(quarantine).isEmptyDirectory());
        }
    }
}
