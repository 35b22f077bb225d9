package io.edged.cli;

import io.edged.daemon.ExitCode;
import io.edged.daemon.Version;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.HelpCommand;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

import java.io.PrintWriter;
import java.time.Duration;

/** All commands, as the library for command lines wants them. */
@Command(
        name = "edged",
        description =
                "Takes telemetry over OTLP, keeps it durable, delivers it when there is a link.",
        mixinStandardHelpOptions = true,
        versionProvider = EdgedCommand.VersionLine.class,
        synopsisSubcommandLabel = "COMMAND")
final class EdgedCommand implements Runnable {
    static final class VersionLine implements CommandLine.IVersionProvider {
        @Override
        public String[] getVersion() {
            return new String[] {line()};
        }

        static String line() {
            return "edged "
                    + Version.current()
                    + " java "
                    + System.getProperty("java.version", "unknown")
                    + " "
                    + System.getProperty("os.arch", "unknown");
        }
    }

    @Spec private CommandSpec spec;

    EdgedCommand() {
        this.spec = CommandSpec.create();
    }

    /** Runs one command and says how it went; throws nothing. */
    static ExitCode run(Program program, String... args) {
        var commandLine =
                new CommandLine(new EdgedCommand())
                        .addSubcommand(new RunCommand(program))
                        .addSubcommand(new CheckCommand(program))
                        .addSubcommand(new StatusCommand(program))
                        .addSubcommand(new ReloadCommand(program))
                        .addSubcommand(new SupportBundleCommand(program))
                        .addSubcommand(new DocumentsCommand())
                        .addSubcommand(LockCommand.line(program))
                        .addSubcommand(new PrecheckCommand(program))
                        .addSubcommand(new SinkCommand(program))
                        .addSubcommand(new DemoCommand(program))
                        .addSubcommand(new DeadLetterCommand(program))
                        .addSubcommand(new DrainCommand(program))
                        .addSubcommand(new FlushCommand(program))
                        .addSubcommand(
                                new CommandLine(new WalCommand())
                                        .addSubcommand(new WalListCommand(program))
                                        .addSubcommand(new WalVerifyCommand(program))
                                        .addSubcommand(new WalDumpCommand(program))
                                        .addSubcommand(new WalExportCommand(program))
                                        .addSubcommand(new WalRepairCommand(program))
                                        .addSubcommand(new WalStatsCommand(program))
                                        .addSubcommand(new HelpCommand()))
                        .addSubcommand(new VersionCommand(program))
                        .addSubcommand(new HelpCommand())
                        .setOut(new PrintWriter(program.out(), true, program.out().charset()))
                        .setErr(new PrintWriter(program.err(), true, program.err().charset()))
                        .setCaseInsensitiveEnumValuesAllowed(true)
                        .registerConverter(Duration.class, Arguments::duration)
                        .registerConverter(java.net.InetSocketAddress.class, Arguments::address)
                        .setParameterExceptionHandler(EdgedCommand::usage)
                        .setExecutionExceptionHandler(
                                (thrown, _, _) -> Edged.failed(program, thrown).code());
        return Edged.code(commandLine.execute(args));
    }

    /** Without a command: what there is. */
    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "a command is missing");
    }

    private static int usage(ParameterException thrown, String[] args) {
        CommandLine command = thrown.getCommandLine();
        CommandLine parent = command.getParent();
        String help =
                parent == null
                        ? "edged help"
                        : command.getParent().getCommandSpec().qualifiedName()
                                + " help "
                                + command.getCommandName();
        command.getErr()
                .println(
                        "edged: "
                                + Edged.oneLine(String.valueOf(thrown.getMessage()))
                                + "; see: "
                                + help);
        return ExitCode.USAGE.code();
    }
}
