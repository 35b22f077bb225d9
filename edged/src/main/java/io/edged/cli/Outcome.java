package io.edged.cli;

import io.edged.daemon.ExitCode;
import io.edged.daemon.ExitException;

import java.io.PrintStream;

/**
 * What a check came to, as one JSON object with {@code ok}, {@code exit_code} and what else the
 * check says; {@code problems} has one line each. The exit code stays that of the check.
 */
final class Outcome {

    /** Does the check; throws {@link ExitException} where it fails. */
    interface Check {
        JsonOutput.Members run();
    }

    private Outcome() {}

    static int print(PrintStream out, Check check) {
        try {
            JsonOutput.Members members = check.run();
            write(out, ExitCode.CLEAN, "", members);
            return ExitCode.CLEAN.code();
        } catch (ExitException e) {
            write(out, e.code(), String.valueOf(e.getMessage()), _ -> {});
            return e.code().code();
        }
    }

    private static void write(
            PrintStream out, ExitCode code, String problems, JsonOutput.Members members) {
        JsonOutput.print(
                out,
                json -> {
                    json.writeBooleanField("ok", code == ExitCode.CLEAN);
                    json.writeNumberField("exit_code", code.code());
                    members.write(json);
                    json.writeArrayFieldStart("problems");
                    for (String line : problems.lines().toList()) json.writeString(line);
                    json.writeEndArray();
                });
    }
}
