package io.edged.packaging;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;

/** The built application as an operator meets it. */
class CommandTest {

    @TempDir Path directory;

    @Test
    void fiveLinesOfConfigurationAreEnough() throws IOException, InterruptedException {
        int receiver = Application.freePort();
        // The fifth line is there because two tests may run on one machine; without it admin is at
        // its default address.
        int admin = Application.freePort();
        Path config =
                Files.writeString(
                        directory.resolve("edge.toml"),
                        """
                        node.id = "device-7"
                        storage.dir = "state"
                        receiver.http = "127.0.0.1:%d"
                        drain.destination = [{ name = "upstream", endpoint = "http://127.0.0.1:1" }]
                        admin.listen = "127.0.0.1:%d"
                        log.events = false
                        """
                                .formatted(receiver, admin));
        try (var daemon = Application.start("run", "--config", config.toString())) {
            URI page = URI.create("http://127.0.0.1:" + admin);
            daemon.awaitReady(page);
            assertThat(Application.get(page.resolve("/livez")).statusCode()).isEqualTo(200);
            assertThat(Application.get(page.resolve("/metrics")).body())
                    .contains("edged_wal_records_total 0");
            assertThat(daemon.stop()).isZero();
        }
    }

    @Test
    void aTypoNamesItsLineItsKeyAndTheNearestKnownOne() throws IOException, InterruptedException {
        Path config =
                Files.writeString(
                        directory.resolve("edge.toml"),
                        """
                        node.id = "device-7"
                        storage.dir = "state"
                        receiver.htttp = "127.0.0.1:4318"
                        drain.destination = [{ name = "upstream", endpoint = "http://127.0.0.1:1" }]
                        """);
        for (String[] command : new String[][] {{"check"}, {"run", "--config"}}) {
            var arguments = new java.util.ArrayList<>(java.util.List.of(command));
            arguments.add(config.toString());
            try (var process = Application.start(arguments.toArray(String[]::new))) {
                assertThat(process.exitCode()).isEqualTo(1);
                assertThat(process.lines())
                        .anySatisfy(line ->
                                assertThat(line)
                                        .contains("edge.toml:3:")
                                        .contains("receiver.htttp")
                                        .contains("\"http\""));
            }
        }
        assertThat(directory.resolve("state")).doesNotExist();
    }

    @Test
    void aSecondDaemonOnTheSameDirectoryNamesTheFirst() throws IOException, InterruptedException {
        int admin = Application.freePort();
        URI upstream = URI.create("http://127.0.0.1:1");
        Path config = Application.configuration(directory, Application.freePort(), admin, upstream);
        try (var first = Application.start("run", "--config", config.toString())) {
            first.awaitReady(URI.create("http://127.0.0.1:" + admin));
            Application.configuration(
                    directory, Application.freePort(), Application.freePort(), upstream);
            try (var second = Application.start("run", "--config", config.toString())) {
                assertThat(second.exitCode()).isEqualTo(2);
                assertThat(second.lines())
                        .anySatisfy(line -> assertThat(line).contains("process " + first.pid()));
            }
            assertThat(first.stop()).isZero();
        }
    }
}
