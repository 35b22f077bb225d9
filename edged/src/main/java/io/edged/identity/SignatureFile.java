package io.edged.identity;

import io.edged.lock.Fingerprint;
import io.edged.lock.LockSignature;
import io.edged.lock.SignatureCheck;
import io.edged.lock.SignatureReading;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Function;

/** Whether a file is signed by the key that is trusted. */
final class SignatureFile {

    private SignatureFile() {}

    /**
     * Checks the signature beside {@code file}.
     *
     * @return what is wrong; empty only when the signature is valid
     */
    static Optional<String> problem(Path file, Function<LockSignature, SignatureCheck> verify) {
        Path beside = LockFiles.signature(file);
        SignatureReading reading;
        try {
            reading = LockSignature.read(LockFiles.bytes(beside));
        } catch (IOException e) {
            return Optional.of("the signature " + beside + " " + LockFiles.why(e));
        }
        return switch (reading) {
            case SignatureReading.Unreadable(String where, String problem) ->
                    Optional.of("the signature " + beside + ": " + where + ": " + problem);
            case SignatureReading.WellFormed(LockSignature signature) ->
                    switch (verify.apply(signature)) {
                        case SignatureCheck.Valid _ -> Optional.empty();
                        case SignatureCheck.OtherLock(Fingerprint signed, Fingerprint actual) ->
                                Optional.of(
                                        "the signature "
                                                + beside
                                                + " is for "
                                                + signed
                                                + ", not for "
                                                + actual);
                        case SignatureCheck.UntrustedKey(Fingerprint key) ->
                                Optional.of(
                                        "the signature "
                                                + beside
                                                + " is by the key "
                                                + key
                                                + ", which is not the one in"
                                                + " lock.public_key_file");
                        case SignatureCheck.Forged(Fingerprint key) ->
                                Optional.of(
                                        "the signature "
                                                + beside
                                                + " was not made by the key "
                                                + key
                                                + " that it names");
                    };
        };
    }
}
