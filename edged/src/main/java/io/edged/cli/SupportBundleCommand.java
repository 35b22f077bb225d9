package io.edged.cli;

import io.edged.bundle.SupportBundle;
import io.edged.bundle.SystemReport;
import io.edged.config.EdgeConfig;
import io.edged.daemon.ExitCode;
import io.edged.daemon.ExitException;
import io.edged.lock.CanonicalJson;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;

/** One file with everything that somebody far away needs to see. */
@Command(
        name = "support-bundle",
        description = {
            "Writes one file with the configuration without its secrets, status, metrics, last log"
                    + " lines, names and sizes of the state's files, and facts of the system.",
            "Without a running daemon the parts that need one are left out; the manifest says so."
        },
        mixinStandardHelpOptions = true)
final class SupportBundleCommand implements Callable<Integer> {

    private static final Duration PATIENCE = Duration.ofSeconds(15);
    private static final DateTimeFormatter TIME =
            DateTimeFormatter.ofPattern("uuuuMMdd'T'HHmmss", Locale.ROOT).withZone(ZoneOffset.UTC);

    private final Program program;

    @Option(
            names = "--config",
            defaultValue = "/etc/edged/edge.toml",
            paramLabel = "FILE",
            description = "The daemon's configuration (default: ${DEFAULT-VALUE}).")
    private Path config = Path.of("edge.toml");

    @Option(
            names = "--output",
            paramLabel = "FILE",
            description = "Where to; must not be there yet (default: edged-TIME.tar.gz here).")
    private Optional<Path> output = Optional.empty();

    @Option(names = "--json", description = "The outcome of each part as JSON.")
    private boolean json;

    SupportBundleCommand(Program program) {
        this.program = program;
    }

    @Override
    public Integer call() {
        Instant now = Instant.now();
        String name = "edged-" + TIME.format(now);
        Path file = output.orElseGet(() -> Path.of(name + ".tar.gz"));
        try {
            print(file, bundle().write(file, name, now));
        } catch (IOException e) {
            throw new ExitException(
                    ExitCode.USAGE, "the bundle cannot be written to " + file + ": " + e, e);
        }
        return ExitCode.CLEAN.code();
    }

    /** Every part reads the configuration anew: one that is damaged costs only what needs it. */
    private SupportBundle bundle() {
        return new SupportBundle(PATIENCE)
                .with("version.txt", () -> EdgedCommand.VersionLine.line() + "\n")
                .with("config.json", this::redacted)
                .with("status.json", () -> page("/status"))
                .with("history.json", () -> page("/history"))
                .with("livez.txt", () -> page("/livez?verbose"))
                .with("readyz.txt", () -> page("/readyz?verbose"))
                .with("metrics.txt", () -> page("/metrics"))
                .with("log.txt", () -> command("recent-log"))
                .with("threads.txt", () -> command("threads"))
                .with("files.txt", () -> SystemReport.files(read().storage().dir()))
                .with("system.txt", () -> SystemReport.facts(read().storage().dir()));
    }

    private EdgeConfig read() {
        return Main.read(config);
    }

    /**
     * The values that stand in a lock: of secrets there are the files and the names of headers. An
     * address may still hold a password.
     */
    private String redacted() {
        byte[] values = CanonicalJson.prettyBytes(LoadedConfiguration.read(config).values());
        return new String(values, StandardCharsets.UTF_8)
                .replaceAll("://[^/@\"]*@", "://(hidden)@");
    }

    private String page(String path) {
        return ControlClient.get(read(), path)
                .orElseThrow(() -> new IllegalStateException("no daemon runs"))
                .body();
    }

    private String command(String name) {
        return ControlClient.ask(read(), name, Map.of())
                .orElseThrow(() -> new IllegalStateException("no daemon runs"));
    }

    private void print(Path file, List<SupportBundle.Outcome> outcomes) throws IOException {
        if (json) {
            try (var out = JsonOutput.object(program.out())) {
                out.writeStartObject();
                out.writeStringField("file", file.toString());
                out.writeObjectFieldStart("parts");
                for (SupportBundle.Outcome outcome : outcomes)
                    out.writeStringField(
                            outcome.name(), outcome.ok() ? "ok" : "failed: " + outcome.problem());
                out.writeEndObject();
                out.writeEndObject();
            }
            return;
        }
        for (SupportBundle.Outcome outcome : outcomes)
            program.out()
                    .println(
                            "  "
                                    + outcome.name()
                                    + ": "
                                    + (outcome.ok() ? "ok" : "failed: " + outcome.problem()));
        program.out().println("written to " + file);
    }
}
