package io.edged.disk;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;

/** The name of a Unix socket in the file system. */
public final class SocketFile {

    private SocketFile() {}

    /** Binds a server socket of type {@code S}. */
    public interface Binding<S> {
        S to(UnixDomainSocketAddress address) throws IOException;
    }

    /**
     * Binds under another name, so that the socket appears at {@code path} with its mode. A socket
     * that nobody listens at is replaced.
     *
     * @param permissions such as {@code rw-rw----}
     * @throws IOException nothing is at {@code path} that was not there; the caller closes its
     *     server
     */
    public static <S> S bind(Path path, String permissions, Binding<S> binding) throws IOException {
        if (Files.exists(path, LinkOption.NOFOLLOW_LINKS)) removeStale(path);
        Path hidden = path.resolveSibling(path.getFileName() + ".tmp");
        Files.deleteIfExists(hidden);
        try {
            S bound = binding.to(UnixDomainSocketAddress.of(hidden));
            Files.setPosixFilePermissions(hidden, PosixFilePermissions.fromString(permissions));
            Files.move(hidden, path, StandardCopyOption.ATOMIC_MOVE);
            return bound;
        } catch (IOException | IllegalArgumentException e) {
            Files.deleteIfExists(hidden);
            throw new IOException(
                    "cannot listen at "
                            + path
                            + ": "
                            + e.getMessage()
                            + "; its directory must be there and writable, and the path must have"
                            + " at most 100 bytes",
                    e);
        }
    }

    private static void removeStale(Path path) throws IOException {
        if (Files.isRegularFile(path, LinkOption.NOFOLLOW_LINKS)
                || Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS)
                || Files.isSymbolicLink(path))
            throw new IOException(path + " is there and is not a socket; remove it");
        try (SocketChannel probe = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            probe.connect(UnixDomainSocketAddress.of(path));
        } catch (IOException e) {
            Files.deleteIfExists(path); // nobody listens: left behind by a process that was killed
            return;
        }
        throw new IOException("another process listens at " + path);
    }
}
