package io.edged.cli;

import org.jspecify.annotations.Nullable;

import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;

/**
 * {@code run} and {@code precheck} with the arguments that a unit file gives them. Building the
 * library's model of all commands is a third of what a start costs, and a device starts these two
 * at every boot. Whatever else is on the command line, help and mistakes included, is the
 * library's.
 */
final class PlainStart {
    private PlainStart() {}

    /** The command, if it is one of the two and nothing is left to say about its arguments. */
    static Optional<Callable<Integer>> of(Program program, String... args) {
        if (args.length == 0) return Optional.empty();
        boolean run = args[0].equals("run");
        if (!run && !args[0].equals("precheck")) return Optional.empty();
        @Nullable Path config = null;
        boolean locked = false;
        boolean wait = false;
        for (int i = 1; i < args.length; i++) {
            if (args[i].equals("--locked") && !locked) {
                locked = true;
            } else if (args[i].equals("--wait") && !run && !wait) {
                wait = true;
            } else if (args[i].equals("--config") && config == null && i + 1 < args.length) {
                String file = args[++i];
                // An option, a file of arguments, or something quoted: not plain.
                if (!file.matches("[A-Za-z0-9_./][^\\\\'\"]*")) return Optional.empty();
                config = Path.of(file);
            } else {
                return Optional.empty();
            }
        }
        if (config == null) return Optional.empty();
        return Optional.of(
                run
                        ? new RunCommand(program, config, locked)
                        : new PrecheckCommand(program, config, locked, wait));
    }
}
