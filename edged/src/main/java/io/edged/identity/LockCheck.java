package io.edged.identity;

import io.edged.daemon.ExitCode;
import io.edged.daemon.ExitException;
import io.edged.lock.Architecture;
import io.edged.lock.Artefact;
import io.edged.lock.DeviceLock;
import io.edged.lock.JsonValue.JsonObject;
import io.edged.lock.LockComparison;
import io.edged.lock.LockDocument;
import io.edged.lock.LockReading;
import io.edged.lock.ReleaseLock;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.PublicKey;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Compares what a device has with its lock. Reads everything anew and writes nothing.
 *
 * @param configFile as commands should name it
 * @param lockFile the device's lock
 * @param publicKeyFile when there, the lock must be signed with it
 * @param configuration in effect, as {@link ConfigurationJson} makes it
 * @param root the product's directory, if it was named
 */
public record LockCheck(
        Path configFile,
        Path lockFile,
        Optional<Path> publicKeyFile,
        JsonObject configuration,
        Optional<Path> root) {

    /** What to do when the change is meant. */
    public String writeCommand() {
        return "edged lock write --config " + configFile;
    }

    /**
     * Finds the state of the lock.
     *
     * @throws ExitException {@code CERTIFICATES}: the configured public key cannot be used
     */
    public LockState state(HashProgress progress) {
        Optional<PublicKey> key = publicKeyFile.map(Ed25519::publicKey);
        if (!Files.exists(lockFile)) {
            return key.isPresent()
                    ? new LockState.Untrusted(
                            lockFile,
                            "lock.public_key_file asks for a signed lock, and there is none")
                    : new LockState.Absent(lockFile);
        }
        LockReading reading = LockFiles.read(lockFile);
        if (!(reading instanceof LockReading.Intact(LockDocument read)))
            return new LockState.Unusable(lockFile, LockFiles.problem(reading));
        if (!(read instanceof DeviceLock lock))
            return new LockState.Unusable(
                    lockFile, "is a release lock; a device lock also has the configuration");
        if (key.isPresent()) {
            Optional<String> problem =
                    SignatureFile.problem(
                            lockFile, signature -> signature.verify(lock, List.of(key.get())));
            if (problem.isPresent()) return new LockState.Untrusted(lockFile, problem.get());
        }
        return compare(lock, progress);
    }

    private LockState compare(DeviceLock lock, HashProgress progress) {
        Optional<Architecture> architecture = Product.architecture();
        if (architecture.isEmpty())
            return new LockState.Unusable(
                    lockFile,
                    "no release is built for the architecture " + System.getProperty("os.arch"));
        var differences = new ArrayList<String>();
        try {
            Product product = Product.find(root);
            stale(lock, product).ifPresent(differences::add);
            Map<String, Artefact> found = artefacts(product.root(), progress);
            LockComparison.verify(lock, architecture.get(), found, configuration)
                    .forEach(difference -> differences.add(difference.line()));
        } catch (IOException e) {
            return new LockState.Unusable(
                    lockFile, "the installed files cannot be compared: " + e.getMessage());
        } catch (ExitException e) {
            return new LockState.Unusable(lockFile, String.valueOf(e.getMessage()));
        }
        return differences.isEmpty()
                ? new LockState.Matching(lockFile, lock, lock.fingerprint())
                : new LockState.Different(lockFile, lock.fingerprint(), differences);
    }

    /** A lock that was written before an upgrade is best told by its release. */
    private static Optional<String> stale(DeviceLock lock, Product product) {
        if (!(product.release() instanceof LockReading.Intact(LockDocument shipped)))
            return Optional.of(
                    "the installed release lock "
                            + product.root().resolve(Product.RELEASE_LOCK)
                            + ": "
                            + LockFiles.problem(product.release()));
        if (shipped.fingerprint().equals(lock.release().fingerprint())) return Optional.empty();
        return Optional.of(
                "the lock was written for another release: for "
                        + words(lock.release())
                        + ", installed is "
                        + (shipped instanceof ReleaseLock release
                                ? words(release)
                                : "no release lock"));
    }

    private static String words(ReleaseLock release) {
        return release.productVersion() + " " + release.fingerprint();
    }

    /** The files below a directory with their fingerprints, and a bar for whoever looks on. */
    public static Map<String, Artefact> artefacts(Path root, HashProgress progress)
            throws IOException {
        ProductTree tree = ProductTree.list(root);
        progress.begin(tree.files().size(), tree.bytes());
        try {
            return tree.artefacts(progress::add);
        } finally {
            progress.end();
        }
    }

    /**
     * Ends the program unless the lock matches.
     *
     * @param needed whether there has to be one
     * @throws ExitException {@code LOCK}: what is wrong and which command helps, a line each
     */
    public void require(LockState state, boolean needed) {
        switch (state) {
            case LockState.Matching _ -> {}
            case LockState.Absent(Path file) -> {
                if (needed)
                    throw new ExitException(
                            ExitCode.LOCK,
                            "there is no lock at " + file + "; to make one: " + writeCommand());
            }
            case LockState.Different(Path file, var fingerprint, List<String> differences) -> {
                var lines = new ArrayList<>(differences);
                lines.add(
                        "this is not what "
                                + file
                                + " ("
                                + fingerprint
                                + ") locks: "
                                + count(differences.size())
                                + "; put it back, or, if the change is meant: "
                                + writeCommand());
                throw new ExitException(ExitCode.LOCK, String.join("\n", lines));
            }
            case LockState.Unusable(Path file, String problem) ->
                    throw new ExitException(
                            ExitCode.LOCK,
                            "the lock "
                                    + file
                                    + ": "
                                    + problem
                                    + "; to make one: "
                                    + writeCommand());
            case LockState.Untrusted(Path file, String problem) ->
                    throw new ExitException(
                            ExitCode.LOCK,
                            "the lock "
                                    + file
                                    + " is not trusted: "
                                    + problem
                                    + "; look at what changed (edged lock verify, edged lock"
                                    + " diff), then sign it: edged lock sign");
        }
    }

    static String count(int differences) {
        return differences == 1 ? "1 difference" : differences + " differences";
    }
}
