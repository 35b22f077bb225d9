package io.edged.disk;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;

/**
 * A directory that is only looked at: whatever would change it fails. For tools that read the log
 * of a running daemon.
 */
public final class ReadOnlyDirectory implements LogDirectory {

    private final Path path;
    private final LogDirectory directory;

    private ReadOnlyDirectory(Path path, LogDirectory directory) {
        this.path = path;
        this.directory = directory;
    }

    /**
     * Opens what exists.
     *
     * @throws NoSuchFileException if it is not a directory
     */
    public static ReadOnlyDirectory open(Path path) throws IOException {
        if (!Files.isDirectory(path)) throw new NoSuchFileException(path.toString());
        Path real = path.toRealPath();
        return new ReadOnlyDirectory(real, FileSystemDirectory.open(real));
    }

    @Override
    public String describe() {
        return directory.describe();
    }

    @Override
    public List<String> names() throws IOException {
        return directory.names();
    }

    @Override
    public LogFile openReadOnly(String name) throws IOException {
        return directory.openReadOnly(name);
    }

    @Override
    public LogDirectory directory(String name) throws IOException {
        if (!Files.isDirectory(path.resolve(name), LinkOption.NOFOLLOW_LINKS))
            throw new NoSuchFileException(path.resolve(name).toString());
        return open(path.resolve(name));
    }

    @Override
    public long usableBytes() throws IOException {
        return directory.usableBytes();
    }

    @Override
    public LogFile create(String name) throws IOException {
        throw refused(name);
    }

    @Override
    public LogFile open(String name) throws IOException {
        throw refused(name);
    }

    @Override
    public void rename(String from, String to) throws IOException {
        throw refused(from);
    }

    @Override
    public void delete(String name) throws IOException {
        throw refused(name);
    }

    @Override
    public void force() throws IOException {
        throw refused(".");
    }

    private IOException refused(String name) {
        return new IOException(path.resolve(name) + " was opened to be read, not to be changed");
    }
}
