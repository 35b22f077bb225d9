package io.edged.precheck;

import io.edged.config.EdgeConfig;
import io.edged.daemon.ExitCode;
import io.edged.daemon.ExitException;
import io.edged.identity.Epochs;
import io.edged.identity.ManifestCheck;
import io.edged.identity.SystemFacts;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Consumer;

/** The operating system against the one before, and against the signed manifest. */
record SystemStage(EdgeConfig config, Precheck.Surroundings surroundings, Consumer<String> lines) {

    void run() throws IOException {
        SystemFacts system = SystemFacts.read(surroundings.system());
        Optional<Path> manifest = config.lock().runtimeManifestFile();
        // Before anything is written: what is refused must not become an epoch.
        if (manifest.isPresent())
            ManifestCheck.require(
                    manifest.get(), config.lock().publicKeyFile().orElseThrow(), system);
        Epochs.Observation seen;
        try {
            seen =
                    new Epochs(config.storage().dir())
                            .observe(system, surroundings.clock().instant());
        } catch (Epochs.DamagedException e) {
            throw new ExitException(ExitCode.STATE_DIRECTORY, String.valueOf(e.getMessage()), e);
        }
        seen.mended().forEach(line -> lines.accept("note  system: " + line));
        String what =
                !seen.began()
                        ? "as before, epoch " + seen.now().number()
                        : seen.now().number() == 0
                                ? "first seen, epoch 0 begins"
                                : "changed, epoch " + seen.now().number() + " begins";
        lines.accept(
                "ok    system: "
                        + what
                        + "; "
                        + system.summary()
                        + "; "
                        + system.fingerprint()
                        + (manifest.isPresent() ? "; in the signed manifest" : ""));
        if (seen.began())
            seen.now().changes().forEach(line -> lines.accept("note  system: " + line));
    }
}
