package io.edged.cli;

import io.edged.config.EdgeConfig;
import io.edged.config.EdgeToml;
import io.edged.config.Problems;
import io.edged.daemon.ExitCode;
import io.edged.daemon.ExitException;
import io.edged.identity.ConfigurationJson;
import io.edged.identity.LockCheck;
import io.edged.lock.JsonValue.JsonObject;

import java.nio.file.Path;
import java.util.Optional;

/**
 * A configuration that was read, and what of it stands in a lock.
 *
 * @param file as the operator named it
 */
record LoadedConfiguration(Path file, EdgeConfig config, JsonObject values) {

    /**
     * Reads a configuration.
     *
     * @throws ExitException {@code CONFIGURATION}: every problem, one a line
     */
    static LoadedConfiguration read(Path file) {
        EdgeToml.Reading reading = EdgeToml.readWithValues(file);
        return switch (reading.result()) {
            case EdgeToml.Valid(EdgeConfig config) ->
                    new LoadedConfiguration(
                            file, config, ConfigurationJson.of(reading.effective()));
            case EdgeToml.Invalid(Problems problems) ->
                    throw new ExitException(ExitCode.CONFIGURATION, problems.toString());
        };
    }

    /** How this device is compared with its lock. */
    LockCheck lockCheck(Optional<Path> root) {
        return new LockCheck(
                file, config.lock().file(), config.lock().publicKeyFile(), values, root);
    }
}
