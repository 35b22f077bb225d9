package io.edged.cli;

import io.edged.daemon.ExitCode;
import io.edged.daemon.ExitException;
import io.edged.identity.Ed25519;
import io.edged.identity.LockFiles;
import io.edged.identity.SignedDocument;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

import java.io.IOException;
import java.nio.file.Path;
import java.security.KeyPair;
import java.util.concurrent.Callable;

/** Signs a lock or a runtime manifest, where the private key is: hardly ever on a device. */
@Command(
        name = "sign",
        description = {
            "Signs a lock or a runtime manifest; the signature goes beside it, to the name with .sig.",
            "The private key is needed for this only, and hardly ever on a device."
        },
        mixinStandardHelpOptions = true)
final class LockSignCommand implements Callable<Integer> {
    private final Program program;

    @Option(
            names = "--private-key",
            required = true,
            paramLabel = "FILE",
            description = "An Ed25519 private key in PEM, as openssl genpkey makes it.")
    private Path privateKey = Path.of("");

    @Option(
            names = "--public-key",
            required = true,
            paramLabel = "FILE",
            description = "Its public key in PEM, which the devices have.")
    private Path publicKey = Path.of("");

    @Parameters(paramLabel = "DOCUMENT", description = "A lock or a runtime manifest.")
    private Path file = Path.of("");

    LockSignCommand(Program program) {
        this.program = program;
    }

    @Override
    public Integer call() {
        var document = SignedDocument.read(file);
        var keys = new KeyPair(Ed25519.publicKey(publicKey), Ed25519.privateKey(privateKey));
        Path signature = LockFiles.signature(file);
        try {
            LockFiles.replace(signature, document.sign(keys).prettyBytes());
        } catch (IllegalArgumentException e) {
            throw new ExitException(
                    ExitCode.CERTIFICATES,
                    privateKey + " and " + publicKey + ": " + e.getMessage(),
                    e);
        } catch (IOException e) {
            throw new ExitException(ExitCode.LOCK, signature + " cannot be written: " + e, e);
        }
        program.out().println("wrote " + signature + " for " + document.fingerprint());
        return ExitCode.CLEAN.code();
    }
}
