package io.edged.identity;

import io.edged.daemon.ExitCode;
import io.edged.daemon.ExitException;
import io.edged.lock.RuntimeManifest;

import java.io.IOException;
import java.nio.file.Path;
import java.security.PublicKey;
import java.util.List;
import java.util.Optional;

/** Whether the operating system is one of those that somebody has signed for. */
public final class ManifestCheck {

    private ManifestCheck() {}

    /**
     * Ends the program unless the manifest is signed and lists the system.
     *
     * @param publicKeyFile of the key that must have signed the manifest
     * @throws ExitException {@code LOCK}: the manifest is not there, not signed or does not list
     *     the system; {@code CERTIFICATES}: the public key cannot be used
     */
    public static void require(Path file, Path publicKeyFile, SystemFacts system) {
        PublicKey key = Ed25519.publicKey(publicKeyFile);
        RuntimeManifest manifest = read(file);
        Optional<String> problem =
                SignatureFile.problem(file, signature -> signature.verify(manifest, List.of(key)));
        if (problem.isPresent())
            throw refused(file, "is not trusted: " + problem.get() + "; sign it: edged lock sign");
        if (!manifest.systems().contains(system.fingerprint()))
            throw refused(
                    file,
                    "does not list the system of this device, "
                            + system.fingerprint()
                            + " ("
                            + system.summary()
                            + "); go back to a listed one, or sign a manifest that lists it");
    }

    private static RuntimeManifest read(Path file) {
        byte[] content;
        try {
            content = LockFiles.bytes(file);
        } catch (IOException e) {
            throw refused(file, LockFiles.why(e));
        }
        return switch (RuntimeManifest.read(content)) {
            case RuntimeManifest.Reading.WellFormed(RuntimeManifest manifest) -> manifest;
            case RuntimeManifest.Reading.Unreadable(String where, String problem) ->
                    throw refused(file, where + ": " + problem);
        };
    }

    private static ExitException refused(Path file, String why) {
        return new ExitException(ExitCode.LOCK, "the runtime manifest " + file + " " + why);
    }
}
