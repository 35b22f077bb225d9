package io.edged.disk;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.FileAlreadyExistsException;
import java.util.Optional;

/** Small files that are replaced as a whole. */
public final class AtomicFile {

    /** What every unfinished replacement ends with; removed when the log is opened. */
    public static final String TEMPORARY_SUFFIX = ".tmp";

    private AtomicFile() {}

    /**
     * Replaces {@code name} by {@code content}. When it returns, the new content is durable under
     * the name; if it fails, the old content is. One thread per name.
     */
    public static void replace(LogDirectory directory, String name, byte[] content)
            throws IOException {
        String temporary = name + TEMPORARY_SUFFIX;
        try (LogFile file = createAnew(directory, temporary)) {
            file.write(ByteBuffer.wrap(content), 0);
            file.force();
        }
        directory.rename(temporary, name);
        directory.force();
    }

    /** An earlier attempt that failed may have left its file. */
    private static LogFile createAnew(LogDirectory directory, String name) throws IOException {
        try {
            return directory.create(name);
        } catch (FileAlreadyExistsException e) {
            directory.delete(name);
            return directory.create(name);
        }
    }

    /**
     * The content of {@code name}, or empty if there is no such file.
     *
     * @throws IOException also if it is larger than {@code limitBytes}
     */
    public static Optional<byte[]> read(LogDirectory directory, String name, int limitBytes)
            throws IOException {
        if (!directory.names().contains(name)) return Optional.empty();
        try (LogFile file = directory.openReadOnly(name)) {
            long size = file.size();
            if (size > limitBytes)
                throw new IOException(name + " has " + size + " bytes, more than " + limitBytes);
            ByteBuffer content = ByteBuffer.allocate((int) size);
            while (content.hasRemaining() && file.read(content, content.position()) > 0) {
                // A short read continues where it ended.
            }
            byte[] bytes = new byte[content.position()];
            content.flip().get(bytes);
            return Optional.of(bytes);
        }
    }
}
