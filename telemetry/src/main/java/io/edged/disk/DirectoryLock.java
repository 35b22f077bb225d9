package io.edged.disk;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;

/**
 * Holds a state directory for one process, through a POSIX lock on the file {@code LOCK} in it. The
 * kernel lets go when the process ends, however it ends, so a stale file means nothing.
 *
 * <p>Such a lock belongs to the process: closing any other channel on the same file would drop it,
 * so nothing else in the process may open {@code LOCK}.
 */
public final class DirectoryLock implements AutoCloseable {

    private static final String NAME = "LOCK";
    private static final int HOLDER_LIMIT_BYTES = 256;

    private final FileChannel channel;

    private DirectoryLock(FileChannel channel) {
        this.channel = channel;
    }

    /** Another process, or this one, has the directory. */
    public static final class HeldException extends IOException {
        private static final long serialVersionUID = 1;

        HeldException(Path directory, String holder) {
            super("state directory " + directory + " is in use by " + holder);
        }
    }

    /**
     * Takes the directory.
     *
     * @param holder one line that tells a person who has it, such as the process id
     * @throws HeldException if it is taken; the message names the holder
     */
    public static DirectoryLock take(Path directory, String holder) throws IOException {
        Set<OpenOption> options =
                Set.of(
                        StandardOpenOption.CREATE,
                        StandardOpenOption.READ,
                        StandardOpenOption.WRITE,
                        LinkOption.NOFOLLOW_LINKS);
        FileChannel channel =
                FileChannel.open(
                        directory.resolve(NAME),
                        options,
                        PosixFilePermissions.asFileAttribute(
                                PosixFilePermissions.fromString("rw-------")));
        try {
            if (lock(channel) == null) throw new HeldException(directory, holder(channel));
            byte[] line = (holder + "\n").getBytes(StandardCharsets.UTF_8);
            channel.truncate(0);
            channel.write(ByteBuffer.wrap(line), 0);
            return new DirectoryLock(channel);
        } catch (IOException | RuntimeException e) {
            channel.close();
            throw e;
        }
    }

    /** The file by which a process holds a directory. */
    public static Path file(Path directory) {
        return directory.resolve(NAME);
    }

    /** Whether a process has ever taken this directory. */
    public static boolean existsIn(Path directory) {
        return Files.exists(directory.resolve(NAME), LinkOption.NOFOLLOW_LINKS);
    }

    private static @Nullable FileLock lock(FileChannel channel) throws IOException {
        try {
            return channel.tryLock();
        } catch (OverlappingFileLockException e) {
            return null;
        }
    }

    private static String holder(FileChannel channel) throws IOException {
        ByteBuffer content = ByteBuffer.allocate(HOLDER_LIMIT_BYTES);
        channel.read(content, 0);
        String holder = StandardCharsets.UTF_8.decode(content.flip()).toString().strip();
        return holder.isEmpty() ? "another process" : holder;
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
