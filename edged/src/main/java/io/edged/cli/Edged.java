package io.edged.cli;

import io.edged.daemon.ExitCode;
import io.edged.daemon.ExitException;
import io.edged.daemon.LifeCycle;
import io.edged.daemon.LogFormat;
import io.edged.daemon.Logging;
import io.edged.daemon.Version;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.HelpCommand;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicReference;

/** The main class. Each command answers with one of {@link ExitCode}'s codes. */
@Command(
        name = "edged",
        description =
                "Takes telemetry over OTLP, keeps it durable, delivers it when there is a link.",
        mixinStandardHelpOptions = true,
        versionProvider = Edged.VersionLine.class,
        synopsisSubcommandLabel = "COMMAND")
public final class Edged implements Runnable {
    private static final Duration STOP_DEADLINE = Duration.ofSeconds(30);

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

    Edged() {
        this.spec = CommandSpec.create();
    }

    /** Ends the virtual machine with the command's code. */
    public static void main(String[] args) {
        var logging = Logging.install(System.Logger.Level.INFO, LogFormat.LOGFMT);
        var installed = new AtomicReference<LifeCycle>();
        Runnable flush =
                () -> {
                    logging.close();
                    System.out.flush();
                    System.err.flush();
                };
        var program =
                new Program(
                        System.out,
                        System.err,
                        logging,
                        () -> {
                            var lifeCycle = LifeCycle.install(STOP_DEADLINE, flush);
                            installed.set(lifeCycle);
                            return lifeCycle;
                        },
                        new Main(logging));
        ExitCode code = run(program, args);
        LifeCycle lifeCycle = installed.get();
        if (lifeCycle != null) lifeCycle.exit(code);
        flush.run();
        System.exit(code.code());
    }

    /** Runs one command and says how it went; throws nothing. */
    static ExitCode run(Program program, String... args) {
        var commandLine =
                new CommandLine(new Edged())
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
                        .addSubcommand(new PauseCommand(program))
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
                        .setParameterExceptionHandler(Edged::usage)
                        .setExecutionExceptionHandler(
                                (thrown, _, _) -> failed(program, thrown).code());
        int code = commandLine.execute(args);
        for (ExitCode known : ExitCode.values()) if (known.code() == code) return known;
        return ExitCode.INTERNAL;
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
        command.getErr().println("edged: " + oneLine(thrown) + "; see: " + help);
        return ExitCode.USAGE.code();
    }

    private static ExitCode failed(Program program, Exception thrown) {
        if (thrown instanceof ExitException exit) {
            String.valueOf(exit.getMessage())
                    .lines()
                    .forEach(line -> program.err().println("edged: " + line));
            return exit.code();
        }
        program.err().println("edged: internal error: " + oneLine(thrown));
        var stack = new StringWriter();
        thrown.printStackTrace(new PrintWriter(stack));
        System.getLogger(Edged.class.getName())
                .log(System.Logger.Level.DEBUG, "a command failed; stack={0}", stack);
        return ExitCode.INTERNAL;
    }

    private static String oneLine(Exception thrown) {
        String message = thrown.getMessage();
        String text =
                thrown instanceof ParameterException && message != null
                        ? message
                        : thrown.toString();
        return text.replaceAll("\\s*\\R\\s*", " ");
    }
}
