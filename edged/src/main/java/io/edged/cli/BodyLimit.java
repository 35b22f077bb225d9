package io.edged.cli;

import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.Spec.Target;

/** The option that bounds the memory for one body. */
final class BodyLimit {

    /** Twice this, as it came and decompressed, has to fit beside everything else. */
    private static final int MAX_BYTES = 512 << 20;

    @Option(
            names = "--max-body-bytes",
            paramLabel = "BYTES",
            description =
                    "Larger bodies, as they came or decompressed, are named and left out"
                            + " (default: ${DEFAULT-VALUE}).")
    private int bytes = FrameBodies.DEFAULT_LIMIT_BYTES;

    @Spec(Target.MIXEE)
    private CommandSpec spec = CommandSpec.create();

    /**
     * Refuses what no body could meet.
     *
     * @throws ParameterException naming the bounds
     */
    void check() {
        if (bytes < 1 || bytes > MAX_BYTES)
            throw new ParameterException(
                    spec.commandLine(),
                    "--max-body-bytes " + bytes + " is not between 1 and " + MAX_BYTES);
    }

    int bytes() {
        return bytes;
    }
}
