package io.edged.cli;

import picocli.CommandLine.Command;

/** Which build this is, and what it runs on. */
@Command(
        name = "version",
        description = "Says which build this is, and what it runs on.",
        mixinStandardHelpOptions = true)
final class VersionCommand implements Runnable {
    private final Program program;

    VersionCommand(Program program) {
        this.program = program;
    }

    @Override
    public void run() {
        program.out().println(EdgedCommand.VersionLine.line());
    }
}
