package io.edged.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;

/** The commands of an operator beside a running daemon. */
class OperatorTest {

    @TempDir Path directory;
    private RunningFixture daemon;

    @BeforeEach
    void start() throws Exception {
        Files.writeString(directory.resolve("token"), "s3cr3t-token-of-upstream");
        Files.setPosixFilePermissions(
                directory.resolve("token"), PosixFilePermissions.fromString("rw-------"));
        daemon = RunningFixture.start(directory, true, "");
    }

    @AfterEach
    void stop() throws IOException {
        daemon.close();
    }

    private String config() {
        return daemon.config().toString();
    }

    @Test
    void statusGoesOverASocketThatOnlyItsOwnerMayUse() throws Exception {
        Path socket = directory.resolve("ctl.sock");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(socket)))
                .isEqualTo("rw-------");
        assertThat(daemon.sendLogs(4)).isEqualTo(200);
        daemon.await("the delivery", () -> daemon.pending() == 0);
        RunningFixture.Said said = daemon.run("status", "--config", config());
        assertThat(said.out())
                .startsWith("edged test, version")
                .contains(": well\n", "in      4 items", "nothing waits", "sink")
                .contains("checks  ", "log-writer");
        assertThat(said.code()).isZero();
        JsonTree json = JsonTree.read(daemon.run("status", "--json", "--config", config()).out());
        assertThat(json.at("flow", "received_items").number()).isEqualTo(4);
        assertThat(json.at("health", "ready").flag()).isTrue();
    }

    @Test
    void withoutTheSocketCommandsGoOverThePortAndWithoutADaemonTheySaySo() throws Exception {
        Files.delete(directory.resolve("ctl.sock"));
        assertThat(daemon.run("status", "--config", config()).code()).isZero();
        Path other = directory.resolve("other.toml");
        Files.writeString(
                other,
                Files.readString(daemon.config()).replace("dir = \"state\"", "dir = \"other\""));
        RunningFixture.Said said = daemon.run("status", "--config", other.toString());
        assertThat(said.err()).contains("no daemon runs with this configuration");
        assertThat(said.code()).isEqualTo(64);
    }

    @Test
    void reloadAppliesWhatItCanAndRefusesTheRestWithAReason() throws Exception {
        String before = Files.readString(daemon.config());
        Files.writeString(
                daemon.config(),
                before.replace("4 MiB", "8 MiB")
                        .replace("retry_max = \"200ms\"", "bearer_token_file = \"token\"")
                        .replace("node.id", "log.level = \"debug\"\nnode.id"));
        RunningFixture.Said said = daemon.run("reload", "--config", config());
        assertThat(said.out())
                .contains("in force: log.level", "in force: drain.destination.sink")
                .contains("not changed: wal.segment_bytes: takes effect at the next start");
        assertThat(said.code()).isEqualTo(75);
        assertThat(daemon.sendLogs(3)).isEqualTo(200);
        daemon.await("the delivery", () -> daemon.pending() == 0);
        assertThat(daemon.upstream().stats().toString()).contains("3");
        assertThat(daemon.get("/metrics").body())
                .contains("edged_drain_circuit{destination=\"sink\"} 0.0");

        Files.writeString(daemon.config(), before);
        said = daemon.run("reload", "--json", "--config", config());
        assertThat(JsonTree.read(said.out()).at("refused").elements()).isEmpty();
        assertThat(said.code()).isZero();
    }

    @Test
    void aReloadOfABadFileChangesNothing() throws Exception {
        Path good = directory.resolve("good.toml");
        Files.copy(daemon.config(), good);
        Files.writeString(daemon.config(), Files.readString(good) + "\nretry_maxx = 1\n");
        // The command itself would refuse the file: it is asked with another one of the same
        // daemon.
        RunningFixture.Said said = daemon.run("reload", "--config", good.toString());
        assertThat(said.err()).contains("not reloaded", "retry_maxx");
        assertThat(said.code()).isEqualTo(1);
        assertThat(daemon.sendLogs(1)).isEqualTo(200);
    }

    @Test
    void nothingThatComesInDuringReloadsIsLost() throws Exception {
        String before = Files.readString(daemon.config());
        int sent = 0;
        for (int i = 0; i < 8; i++) {
            Files.writeString(daemon.config(), before + "batch_items = " + (100 + i) + "\n");
            Thread sending = Thread.ofVirtual().start(() -> sendQuietly(5));
            assertThat(daemon.run("reload", "--config", config()).code()).isZero();
            sending.join();
            sent += 25;
        }
        daemon.await("the delivery", () -> daemon.pending() == 0);
        assertThat(daemon.get("/metrics").body())
                .contains("edged_ledger_imbalance_items{destination=\"sink\"} 0.0")
                .contains(
                        "edged_receiver_items_total{encoding=\"identity\",signal=\"logs\",transport=\"http\"} "
                                + sent);
        assertThat(
                        JsonTree.read(daemon.get("/status").body())
                                .at("log", "ledger")
                                .elements()
                                .stream()
                                .mapToDouble(row -> row.at("delivered").number())
                                .sum())
                .isGreaterThanOrEqualTo(sent);
    }

    private void sendQuietly(int requests) {
        try {
            for (int i = 0; i < requests; i++) assertThat(daemon.sendLogs(5)).isEqualTo(200);
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void theBundleHoldsEveryPartAndNoSecret() throws Exception {
        Files.writeString(
                daemon.config(),
                Files.readString(daemon.config())
                        + "bearer_token_file = \"token\"\nheaders = { x-key = \"hunter2\" }\n");
        Path file = directory.resolve("bundle.tar.gz");
        RunningFixture.Said said =
                daemon.run("support-bundle", "--config", config(), "--output", file.toString());
        assertThat(said.code()).as(said.err()).isZero();
        assertThat(said.out().lines().filter(line -> line.endsWith(": ok"))).hasSize(11);
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                .isEqualTo("rw-------");
        Path unpacked = Files.createDirectory(directory.resolve("unpacked"));
        Process tar =
                new ProcessBuilder("tar", "xzf", file.toString(), "-C", unpacked.toString())
                        .redirectErrorStream(true)
                        .start();
        assertThat(tar.waitFor()).isZero();
        var all = new StringBuilder();
        try (var files = Files.walk(unpacked)) {
            List<Path> parts = files.filter(Files::isRegularFile).toList();
            assertThat(parts).hasSize(12);
            for (Path part : parts) all.append(Files.readString(part));
        }
        assertThat(all.toString())
                .contains("\"outcome\" : \"ok\"", "edged_build_info", "wal-writer", "LOCK")
                .contains("msg=ready")
                .as("the last lines")
                .doesNotContain("hunter2", "s3cr3t");
    }

    @Test
    void aPartThatFailsLeavesTheOthersAlone() throws Exception {
        daemon.stopDaemon();
        Path file = directory.resolve("bundle.tar.gz");
        RunningFixture.Said said =
                daemon.run("support-bundle", "--config", config(), "--output", file.toString());
        assertThat(said.code()).isZero();
        assertThat(said.out())
                .contains("status.json: failed: ", "no daemon runs", "config.json: ok");
        daemon.startDaemon();
    }

    @Test
    void eachCommandHasItsManualPageAndItsCompletion() throws Exception {
        Path share = directory.resolve("share");
        assertThat(daemon.run("documents", share.toString()).code()).isZero();
        assertThat(Files.readString(share.resolve("completions/edged")))
                .contains("support-bundle", "complete -F");
        try (var pages = Files.list(share.resolve("man/man8"))) {
            assertThat(pages.map(each -> each.getFileName().toString()))
                    .contains("edged-status.8", "edged-wal-verify.8", "edged-support-bundle.8")
                    .doesNotContain("edged-help.8", "edged-documents.8");
        }
        assertThat(Files.readString(share.resolve("man/man8/edged-status.8")))
                .startsWith(".TH \"EDGED-STATUS\" 8")
                .contains("\\-\\-watch");
    }

    @Test
    void theDaemonTellsUpstreamOfItself() throws Exception {
        daemon.await("the event", () -> selfEvents() >= 1);
        daemon.await("the delivery", () -> daemon.pending() == 0);
        assertThat(daemon.run("reload", "--config", config()).code()).isZero();
        daemon.await("the event", () -> selfEvents() >= 2);
    }

    private double selfEvents() {
        try {
            return daemon.get("/metrics")
                    .body()
                    .lines()
                    .filter(line -> line.startsWith("edged_self_events_total{outcome=\"written\"}"))
                    .mapToDouble(line -> Double.parseDouble(line.replaceAll(".* ", "")))
                    .sum();
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }
}
