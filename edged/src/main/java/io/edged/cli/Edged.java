package io.edged.cli;

import io.edged.daemon.ExitCode;
import io.edged.daemon.ExitException;
import io.edged.daemon.LifeCycle;
import io.edged.daemon.LogFormat;
import io.edged.daemon.Logging;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicReference;

/** The main class. Each command answers with one of {@link ExitCode}'s codes. */
public final class Edged {
    private static final Duration STOP_DEADLINE = Duration.ofSeconds(30);

    private Edged() {}

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
        Optional<Callable<Integer>> plain = PlainStart.of(program, args);
        if (plain.isEmpty()) return EdgedCommand.run(program, args);
        try {
            return code(plain.get().call());
        } catch (Exception e) {
            return failed(program, e);
        }
    }

    static ExitCode code(int code) {
        for (ExitCode known : ExitCode.values()) if (known.code() == code) return known;
        return ExitCode.INTERNAL;
    }

    /** Says on standard error why a command failed. */
    static ExitCode failed(Program program, Exception thrown) {
        if (thrown instanceof ExitException exit) {
            String.valueOf(exit.getMessage())
                    .lines()
                    .forEach(line -> program.err().println("edged: " + line));
            return exit.code();
        }
        program.err().println("edged: internal error: " + oneLine(thrown.toString()));
        var stack = new StringWriter();
        thrown.printStackTrace(new PrintWriter(stack));
        System.getLogger(Edged.class.getName())
                .log(System.Logger.Level.DEBUG, "a command failed; stack={0}", stack);
        return ExitCode.INTERNAL;
    }

    static String oneLine(String text) {
        return text.replaceAll("\\s*\\R\\s*", " ");
    }
}
