package io.edged.identity;

import io.edged.daemon.ExitCode;
import io.edged.daemon.ExitException;
import io.edged.lock.Architecture;
import io.edged.lock.LockReading;
import io.edged.lock.ReleaseLock;

import org.jspecify.annotations.Nullable;

import java.io.File;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.CodeSource;
import java.util.Optional;

/**
 * The installed product: the directory that holds all of its files, and the release lock at its
 * top.
 *
 * @param root absolute
 * @param release what was shipped as {@link #RELEASE_LOCK}
 */
public record Product(Path root, LockReading release) {

    /** The name of the release lock in the product's directory. */
    public static final String RELEASE_LOCK = "edge.lock.json";

    /** How far above the running jar the product's directory may be. */
    private static final int MAX_LEVELS = 4;

    /**
     * Finds the product.
     *
     * @param root where it is; without it, the nearest directory above the running jar that has a
     *     release lock
     * @throws ExitException {@code LOCK}: there is no release lock
     */
    public static Product find(Optional<Path> root) {
        Path found =
                root.map(Path::toAbsolutePath)
                        .or(() -> above(jar()))
                        .orElseThrow(() -> missing(jar()));
        Path lock = found.resolve(RELEASE_LOCK);
        if (!Files.exists(lock)) throw missing(found);
        return new Product(found.normalize(), LockFiles.read(lock));
    }

    /** The nearest directory above {@code start} that has a release lock. */
    static Optional<Path> above(Path start) {
        Path directory = start.getParent();
        for (int level = 0; directory != null && level < MAX_LEVELS; level++) {
            if (Files.exists(directory.resolve(RELEASE_LOCK))) return Optional.of(directory);
            directory = directory.getParent();
        }
        return Optional.empty();
    }

    /** The running jar. */
    private static Path jar() {
        CodeSource source = Product.class.getProtectionDomain().getCodeSource();
        return jar(
                source == null ? null : source.getLocation(),
                System.getProperty("java.class.path", ""));
    }

    /**
     * Where a class came from.
     *
     * @param location null for classes that come linked from a start-up cache, which do not know it
     * @param classPath of the virtual machine; a launcher with a cache lists jars of the product
     */
    static Path jar(@Nullable URL location, String classPath) {
        try {
            return Path.of(
                            location == null
                                    ? classPath.split(File.pathSeparator, -1)[0]
                                    : Path.of(location.toURI()).toString())
                    .toAbsolutePath();
        } catch (URISyntaxException e) {
            throw new IllegalStateException("the running jar has no path", e);
        }
    }

    private static ExitException missing(Path where) {
        return new ExitException(
                ExitCode.LOCK,
                "no release lock: "
                        + RELEASE_LOCK
                        + " is missing in or above "
                        + where
                        + "; packages ship one; name the product's directory with --root, or make"
                        + " one for files of your own: edged lock release");
    }

    /**
     * The release lock, intact.
     *
     * @throws ExitException {@code LOCK}: it is damaged or no release lock
     */
    public ReleaseLock requireRelease() {
        Path file = root.resolve(RELEASE_LOCK);
        if (LockFiles.require(file, release) instanceof ReleaseLock lock) return lock;
        throw new ExitException(
                ExitCode.LOCK,
                file + " is a device lock; wanted the release lock that ships with the product");
    }

    /** The architecture that this process runs on; empty where no release is built for it. */
    public static Optional<Architecture> architecture() {
        String name = System.getProperty("os.arch", "");
        return Architecture.of(
                switch (name) {
                    case "x86_64" -> "amd64";
                    case "aarch64" -> "arm64";
                    default -> name;
                });
    }
}
