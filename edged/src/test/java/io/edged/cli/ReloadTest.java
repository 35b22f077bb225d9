package io.edged.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.edged.config.EdgeConfig;
import io.edged.config.EdgeToml;
import io.edged.daemon.ExitCode;
import io.edged.daemon.ExitException;
import io.edged.daemon.Health;
import io.edged.daemon.LogFormat;
import io.edged.daemon.Logging;
import io.edged.daemon.ServiceManager;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

class ReloadTest {
    private static final String PLAIN =
            """
            node.id = "a"
            storage.dir = "state"
            receiver.http = "127.0.0.1:4318"
            drain.destination = [{ name = "up", endpoint = "http://127.0.0.1:1" }]
            """;

    @TempDir Path directory;

    private EdgeConfig read(String text) {
        return read(write(text));
    }

    private Path write(String text) {
        try {
            return Files.writeString(directory.resolve("edge.toml"), text);
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private static EdgeConfig read(Path path) {
        return switch (EdgeToml.read(path)) {
            case EdgeToml.Valid(EdgeConfig valid) -> valid;
            case EdgeToml.Invalid(var problems) ->
                    throw new ExitException(ExitCode.CONFIGURATION, problems.toString());
        };
    }

    @Test
    void changedKeysAreNamedAsTheFileWritesThem() {
        EdgeConfig before = read(PLAIN);
        assertThat(Reload.changes("", before, read(PLAIN))).isEmpty();
        assertThat(
                        Reload.changes(
                                "",
                                before,
                                read(
                                        PLAIN.replace("4318", "4319").replace("up", "away")
                                                + "log.level = \"debug\"\nwal.segment_bytes = \"256 MiB\"\n")))
                .containsExactlyInAnyOrder(
                        "receiver.http",
                        "drain.destination.up",
                        "drain.destination.away",
                        "log.level",
                        "wal.segment_bytes");
    }

    @Test
    void theLogChangesAtOnceAndOtherKeysAreNamed() {
        var out = new ByteArrayOutputStream();
        var outcomes = new ArrayList<Reload.Outcome>();
        try (var logging = Logging.install(System.Logger.Level.INFO, LogFormat.LOGFMT, out)) {
            EdgeConfig before = read(PLAIN);
            var manager = ServiceManager.connect(Map.of(), new Health(System::nanoTime));
            var reload =
                    new Reload(
                            directory.resolve("edge.toml"),
                            before,
                            ReloadTest::read,
                            List.of(ReloadParts.logging(logging)),
                            manager,
                            outcomes::add);
            read(PLAIN.replace("4318", "4319") + "log.level = \"warn\"\n");
            var _ = reload.turn();
            System.getLogger("io.edged.cli.test")
                    .log(System.Logger.Level.INFO, "no longer written");
            read(PLAIN.replace("4318", "4319") + "log.format = \"json\"\n");
            var _ = reload.turn();
            write("node.idd = 1");
            var _ = reload.turn();
            logging.flush();
        }
        String log = out.toString(StandardCharsets.UTF_8);
        assertThat(log)
                .contains("restart=receiver.http")
                .contains("\"restart\":\"receiver.http\"")
                .contains("configuration not reloaded")
                .doesNotContain("no longer written");
        assertThat(outcomes).hasSize(3);
        assertThat(outcomes.get(0).applied()).containsExactly("log.level");
        assertThat(outcomes.get(0).refused())
                .extracting(Reload.Refused::key)
                .containsExactly("receiver.http");
        assertThat(outcomes.get(1).applied()).containsExactlyInAnyOrder("log.level", "log.format");
        assertThat(outcomes.get(2).problem()).contains("node.idd");
        assertThat(outcomes.get(2).json()).contains("\"applied\":[]", "node.idd");
    }
}
