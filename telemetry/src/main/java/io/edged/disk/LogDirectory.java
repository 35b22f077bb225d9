package io.edged.disk;

import java.io.IOException;
import java.util.List;

/**
 * A flat directory. Creating, renaming and deleting names is visible at once and durable only after
 * {@link #force}: a power cut may undo any of them that was not forced, in any combination.
 *
 * <p>Any thread may call; callers keep apart what they do to one name.
 */
public interface LogDirectory {

    /** Where it is, for messages. */
    String describe();

    /** Names of the regular files in it, sorted. */
    List<String> names() throws IOException;

    /** A new, empty file for reading and writing; fails if the name is taken. */
    LogFile create(String name) throws IOException;

    /**
     * A new file of {@code bytes} zeros that are on the disk: every block is allocated and written,
     * so that overwriting it later changes file data only. If it fails, there is no such file.
     */
    default LogFile createZeroed(String name, long bytes) throws IOException {
        LogFile file = create(name);
        try {
            file.writeZeros(0, bytes);
            file.force();
            return file;
        } catch (IOException e) {
            file.close();
            delete(name);
            throw e;
        }
    }

    /** An existing file for reading and writing. */
    LogFile open(String name) throws IOException;

    /** An existing file for reading only. */
    LogFile openReadOnly(String name) throws IOException;

    /** Gives a file another name and replaces what had it, in one step. */
    void rename(String from, String to) throws IOException;

    void delete(String name) throws IOException;

    /** Makes all names durable as they are now. */
    void force() throws IOException;

    /** The directory {@code name} inside this one, made durable if it did not exist. */
    LogDirectory directory(String name) throws IOException;

    /** Bytes that an unprivileged process can still claim on this file system. */
    long usableBytes() throws IOException;
}
