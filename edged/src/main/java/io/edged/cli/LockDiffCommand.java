package io.edged.cli;

import io.edged.daemon.ExitCode;
import io.edged.identity.LockFiles;
import io.edged.lock.LockComparison;
import io.edged.lock.LockDocument;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;

/** Explains what changed from one lock to another. */
@Command(
        name = "diff",
        description = "Says what changed from one lock to another, a line each.",
        mixinStandardHelpOptions = true)
final class LockDiffCommand implements Callable<Integer> {
    private final Program program;

    @Parameters(index = "0", paramLabel = "BEFORE", description = "A lock.")
    private Path before = Path.of("");

    @Parameters(index = "1", paramLabel = "AFTER", description = "Another lock.")
    private Path after = Path.of("");

    @Option(names = "--json", description = "One JSON object.")
    private boolean json;

    LockDiffCommand(Program program) {
        this.program = program;
    }

    @Override
    public Integer call() {
        LockDocument old = LockFiles.require(before, LockFiles.read(before));
        LockDocument now = LockFiles.require(after, LockFiles.read(after));
        List<String> lines = LockComparison.diff(old, now);
        if (json) {
            JsonOutput.print(
                    program.out(),
                    object -> {
                        object.writeStringField("before", old.fingerprint().toString());
                        object.writeStringField("after", now.fingerprint().toString());
                        object.writeArrayFieldStart("changes");
                        for (String line : lines) object.writeString(line);
                        object.writeEndArray();
                    });
            return ExitCode.CLEAN.code();
        }
        lines.forEach(program.out()::println);
        if (lines.isEmpty())
            program.out().println("the locks are the same; fingerprint " + old.fingerprint());
        return ExitCode.CLEAN.code();
    }
}
