package io.edged.cli;

import io.edged.daemon.Version;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Which build this is, and what it runs on. */
@Command(
        name = "version",
        description = "Says which build this is, and what it runs on.",
        mixinStandardHelpOptions = true)
final class VersionCommand implements Runnable {
    private final Program program;

    @Option(names = "--json", description = "One JSON object.")
    private boolean json;

    VersionCommand(Program program) {
        this.program = program;
    }

    @Override
    public void run() {
        if (!json) {
            program.out().println(EdgedCommand.VersionLine.line());
            return;
        }
        JsonOutput.print(
                program.out(),
                json -> {
                    json.writeStringField("version", Version.current());
                    json.writeStringField("built", Version.built().toString());
                    json.writeStringField("java", System.getProperty("java.version", "unknown"));
                    json.writeStringField("arch", System.getProperty("os.arch", "unknown"));
                });
    }
}
