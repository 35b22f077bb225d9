package io.edged.cli;

import io.edged.daemon.ExitCode;

import picocli.AutoComplete;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;

/** Writes what comes with the program and follows from its commands; the build calls it. */
@Command(
        name = "documents",
        hidden = true,
        description = "Writes the manual pages and the completion of shells.",
        mixinStandardHelpOptions = true)
final class DocumentsCommand implements Callable<Integer> {

    @Parameters(paramLabel = "DIR", description = "Gets man/man8 and completions/edged.")
    private Path directory = Path.of("share");

    @Spec private CommandSpec spec;

    DocumentsCommand() {
        this.spec = CommandSpec.create();
    }

    @Override
    public Integer call() throws IOException {
        CommandLine edged = spec.root().commandLine();
        Path completions = Files.createDirectories(directory.resolve("completions"));
        Files.writeString(
                completions.resolve("edged"),
                AutoComplete.bash("edged", edged)
                        // The generator puts the day of the build into a comment.
                        .replaceAll("(?m)^# (Generated|Version).*\\R", ""));
        Path pages = Files.createDirectories(directory.resolve("man").resolve("man8"));
        for (var page : ManPage.all(edged.getCommandSpec()).entrySet())
            Files.writeString(pages.resolve(page.getKey() + ".8"), page.getValue());
        return ExitCode.CLEAN.code();
    }
}
