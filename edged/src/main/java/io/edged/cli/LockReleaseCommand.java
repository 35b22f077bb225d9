package io.edged.cli;

import io.edged.daemon.ExitCode;
import io.edged.daemon.ExitException;
import io.edged.daemon.Version;
import io.edged.identity.LockCheck;
import io.edged.identity.LockFiles;
import io.edged.identity.Product;
import io.edged.lock.Architecture;
import io.edged.lock.Artefact;
import io.edged.lock.ReleaseLock;

import org.jspecify.annotations.Nullable;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;

/** Makes the release lock, when a release is built. */
@Command(
        name = "release",
        description = {
            "Makes the release lock of the files of a release, where the release is built.",
            "What is the same in all three directories is shared. The lock is written to each of them."
        },
        mixinStandardHelpOptions = true)
final class LockReleaseCommand implements Callable<Integer> {
    private final Program program;

    @Option(
            names = "--amd64",
            required = true,
            paramLabel = "DIR",
            description = "The product's directory for amd64.")
    private Path amd64 = Path.of("");

    @Option(
            names = "--arm64",
            paramLabel = "DIR",
            description = "The same for arm64 (default: that for amd64).")
    private @Nullable Path arm64;

    @Option(
            names = "--riscv64",
            paramLabel = "DIR",
            description = "The same for riscv64 (default: that for amd64).")
    private @Nullable Path riscv64;

    LockReleaseCommand(Program program) {
        this.program = program;
    }

    @Override
    public Integer call() {
        var roots = new EnumMap<Architecture, Path>(Architecture.class);
        roots.put(Architecture.AMD64, amd64);
        roots.put(Architecture.ARM64, arm64 == null ? amd64 : arm64);
        roots.put(Architecture.RISCV64, riscv64 == null ? amd64 : riscv64);
        try {
            var lock = ReleaseLock.of(Version.current(), artefacts(roots));
            for (Path root : new LinkedHashSet<>(List.copyOf(roots.values()))) {
                Path file = root.resolve(Product.RELEASE_LOCK);
                LockFiles.replace(file, lock.prettyBytes());
                program.out().println("wrote " + file + "; fingerprint " + lock.fingerprint());
            }
        } catch (IOException e) {
            throw new ExitException(ExitCode.LOCK, "the release cannot be locked: " + e, e);
        } catch (IllegalArgumentException e) {
            throw new ExitException(
                    ExitCode.LOCK, "the release cannot be locked: " + e.getMessage(), e);
        }
        return ExitCode.CLEAN.code();
    }

    private Map<Architecture, Map<String, Artefact>> artefacts(Map<Architecture, Path> roots)
            throws IOException {
        var byRoot = new HashMap<Path, Map<String, Artefact>>();
        var all = new EnumMap<Architecture, Map<String, Artefact>>(Architecture.class);
        for (var root : roots.entrySet()) {
            Path directory = root.getValue();
            if (!Files.isDirectory(directory))
                throw new IOException(directory + " is not a directory");
            Map<String, Artefact> files = byRoot.get(directory);
            if (files == null) {
                files = LockCheck.artefacts(directory, ProgressBar.on(program.err()));
                byRoot.put(directory, files);
            }
            all.put(root.getKey(), files);
        }
        return all;
    }
}
