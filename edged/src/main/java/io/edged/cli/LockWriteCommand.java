package io.edged.cli;

import io.edged.daemon.ExitCode;
import io.edged.daemon.ExitException;
import io.edged.identity.LockCheck;
import io.edged.identity.LockFiles;
import io.edged.identity.Product;
import io.edged.lock.Architecture;
import io.edged.lock.DeviceLock;
import io.edged.lock.LockComparison;
import io.edged.lock.LockDocument;
import io.edged.lock.LockReading;
import io.edged.lock.ReleaseLock;

import org.jspecify.annotations.Nullable;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Optional;
import java.util.concurrent.Callable;

/** Joins the installed release with the configuration in effect: the only writer of locks. */
@Command(
        name = "write",
        description = {
            "Writes the lock of this device: the installed release and the configuration in effect.",
            "The installed files are compared with the release first."
        },
        mixinStandardHelpOptions = true)
final class LockWriteCommand implements Callable<Integer> {
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

    LockWriteCommand(Program program) {
        this.program = program;
    }

    @Override
    public Integer call() {
        LoadedConfiguration loaded = LoadedConfiguration.read(config);
        Product product = Product.find(Optional.ofNullable(root));
        ReleaseLock release = product.requireRelease();
        requireInstalled(product, release);
        var lock = new DeviceLock(release, loaded.values());
        Path file = loaded.config().lock().file();
        program.out().println(write(file, lock));
        if (Files.exists(LockFiles.signature(file)))
            program.out()
                    .println(
                            "a signature is beside it; if it is for another lock, sign again: edged"
                                    + " lock sign");
        return ExitCode.CLEAN.code();
    }

    private void requireInstalled(Product product, ReleaseLock release) {
        Architecture architecture =
                Product.architecture()
                        .orElseThrow(() ->
                                new ExitException(
                                        ExitCode.LOCK,
                                        "no release is built for the architecture "
                                                + System.getProperty("os.arch")));
        try {
            var found = LockCheck.artefacts(product.root(), ProgressBar.on(program.err()));
            var lines = new ArrayList<String>();
            LockComparison.verify(release, architecture, found)
                    .forEach(difference -> lines.add(difference.line()));
            if (lines.isEmpty()) return;
            lines.add(
                    "nothing is written: the files below "
                            + product.root()
                            + " are not those of their release; install it again");
            throw new ExitException(ExitCode.LOCK, String.join("\n", lines));
        } catch (IOException e) {
            throw new ExitException(
                    ExitCode.LOCK, "the installed files cannot be locked: " + e.getMessage(), e);
        }
    }

    private static String write(Path file, DeviceLock lock) {
        if (LockFiles.read(file) instanceof LockReading.Intact(LockDocument present)
                && present instanceof ReleaseLock)
            throw new ExitException(
                    ExitCode.LOCK,
                    file
                            + " is the release lock and stays as it is; give the lock of the device"
                            + " another name with lock.file");
        byte[] content = lock.prettyBytes();
        try {
            if (Files.exists(file) && Arrays.equals(Files.readAllBytes(file), content))
                return file + " is unchanged; fingerprint " + lock.fingerprint();
            LockFiles.replace(file, content);
        } catch (IOException e) {
            throw new ExitException(
                    ExitCode.LOCK,
                    file + " cannot be written: " + e + "; run this as the owner of its directory",
                    e);
        }
        return "wrote " + file + "; fingerprint " + lock.fingerprint();
    }
}
