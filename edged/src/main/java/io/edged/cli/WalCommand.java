package io.edged.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** What can be asked of the log on disk, whether a daemon is writing it or not. */
@Command(
        name = "wal",
        description = "Looks into the log on disk, verifies, exports and repairs it.",
        mixinStandardHelpOptions = true,
        synopsisSubcommandLabel = "COMMAND")
final class WalCommand implements Runnable {
    @Spec private CommandSpec spec;

    WalCommand() {
        this.spec = CommandSpec.create();
    }

    /** Without a verb: what there is. */
    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "a command is missing");
    }
}
