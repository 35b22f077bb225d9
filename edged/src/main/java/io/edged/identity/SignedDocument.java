package io.edged.identity;

import io.edged.daemon.ExitCode;
import io.edged.daemon.ExitException;
import io.edged.lock.Fingerprint;
import io.edged.lock.LockDocument;
import io.edged.lock.LockReader;
import io.edged.lock.LockReading;
import io.edged.lock.LockSignature;
import io.edged.lock.RuntimeManifest;

import java.io.IOException;
import java.nio.file.Path;
import java.security.KeyPair;

/** What may be signed: a lock or a runtime manifest. */
public sealed interface SignedDocument {

    record Lock(LockDocument lock) implements SignedDocument {
        @Override
        public Fingerprint fingerprint() {
            return lock.fingerprint();
        }

        @Override
        public LockSignature sign(KeyPair keys) {
            return LockSignature.sign(lock, keys);
        }
    }

    record Manifest(RuntimeManifest manifest) implements SignedDocument {
        @Override
        public Fingerprint fingerprint() {
            return Fingerprint.of(manifest.canonicalBytes());
        }

        @Override
        public LockSignature sign(KeyPair keys) {
            return LockSignature.sign(manifest, keys);
        }
    }

    /** What the signature will name. */
    Fingerprint fingerprint();

    /**
     * Signs it.
     *
     * @throws IllegalArgumentException when the keys are not an Ed25519 pair
     */
    LockSignature sign(KeyPair keys);

    /**
     * Reads a document of either kind.
     *
     * @throws ExitException {@code LOCK}: it is neither, or damaged
     */
    static SignedDocument read(Path file) {
        byte[] content;
        try {
            content = LockFiles.bytes(file);
        } catch (IOException e) {
            throw new ExitException(ExitCode.LOCK, file + " " + LockFiles.why(e), e);
        }
        if (RuntimeManifest.read(content)
                instanceof RuntimeManifest.Reading.WellFormed(RuntimeManifest manifest))
            return new Manifest(manifest);
        LockReading reading = LockReader.read(content);
        return new Lock(LockFiles.require(file, reading));
    }
}
