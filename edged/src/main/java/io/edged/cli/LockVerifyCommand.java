package io.edged.cli;

import io.edged.daemon.ExitCode;
import io.edged.identity.LockCheck;
import io.edged.identity.LockState;

import org.jspecify.annotations.Nullable;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;

/** Computes everything anew and compares it with the lock. */
@Command(
        name = "verify",
        description = {
            "Fingerprints every installed file and the configuration in effect, and names what is not as"
                    + " locked.",
            "Ends with 0 when everything is, else with 6."
        },
        mixinStandardHelpOptions = true)
final class LockVerifyCommand implements Callable<Integer> {
    private final Program program;

    @Option(
            names = "--config",
            required = true,
            paramLabel = "FILE",
            description = "The configuration, for example /etc/edged/edge.toml.")
    private Path config = Path.of("edge.toml");

    @Option(
            names = "--root",
            paramLabel = "DIR",
            description = "The product's directory, if it is not the one that this program is in.")
    private @Nullable Path root;

    @Option(names = "--json", description = "One JSON object.")
    private boolean json;

    LockVerifyCommand(Program program) {
        this.program = program;
    }

    @Override
    public Integer call() {
        if (json)
            return Outcome.print(
                    program.out(),
                    () -> {
                        LockState state = verified();
                        return object -> {
                            object.writeStringField("lock", state.file().toString());
                            if (state instanceof LockState.Matching matching)
                                object.writeStringField(
                                        "fingerprint", matching.fingerprint().toString());
                        };
                    });
        if (verified() instanceof LockState.Matching matching)
            program.out()
                    .println(
                            "everything is as "
                                    + matching.file()
                                    + " has it; fingerprint "
                                    + matching.fingerprint());
        return ExitCode.CLEAN.code();
    }

    private LockState verified() {
        LockCheck check = LoadedConfiguration.read(config).lockCheck(Optional.ofNullable(root));
        LockState state = check.state(ProgressBar.on(program.err()));
        check.require(state, true);
        return state;
    }
}
