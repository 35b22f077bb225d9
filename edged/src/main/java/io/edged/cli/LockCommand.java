package io.edged.cli;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.HelpCommand;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** What proves which files and which configuration a device runs. */
@Command(
        name = "lock",
        description = "Proves which files and which configuration this device runs.",
        mixinStandardHelpOptions = true,
        synopsisSubcommandLabel = "COMMAND")
final class LockCommand implements Runnable {
    @Spec private CommandSpec spec = CommandSpec.create();

    private LockCommand() {}

    static CommandLine line(Program program) {
        return new CommandLine(new LockCommand())
                .addSubcommand(new LockWriteCommand(program))
                .addSubcommand(new LockVerifyCommand(program))
                .addSubcommand(new LockDiffCommand(program))
                .addSubcommand(new LockShowCommand(program))
                .addSubcommand(new LockSignCommand(program))
                .addSubcommand(new LockReleaseCommand(program))
                .addSubcommand(new HelpCommand());
    }

    @Override
    public void run() {
        throw new ParameterException(
                spec.commandLine(), "one of write, verify, diff, show, sign, release is missing");
    }
}
