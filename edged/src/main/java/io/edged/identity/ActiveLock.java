package io.edged.identity;

import io.edged.disk.AtomicFile;
import io.edged.disk.FileSystemDirectory;
import io.edged.disk.LogDirectory;
import io.edged.lock.CanonicalJson;
import io.edged.lock.DeviceLock;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;

/**
 * {@code lock/active-lock.json} in the state directory: the lock under which the running daemon was
 * started; not there if it runs without one. Beside it, {@code announced}: what the last event in
 * the log says about the lock.
 */
final class ActiveLock {

    private static final String DIRECTORY = "lock";
    private static final String FILE = "active-lock.json";
    private static final String ANNOUNCED = "announced";
    private static final int MAX_WORD_BYTES = 128;

    private final Path state;

    /**
     * @param state the state directory, which this process holds
     */
    ActiveLock(Path state) {
        this.state = state;
    }

    /** The word of {@link Identity#lockWord} that an event told last; {@code none} at first. */
    String announced() throws IOException {
        if (!Files.isDirectory(state.resolve(DIRECTORY))) return "none";
        Optional<byte[]> content = AtomicFile.read(directory(), ANNOUNCED, MAX_WORD_BYTES);
        return content.map(bytes -> new String(bytes, StandardCharsets.US_ASCII).strip())
                .orElse("none");
    }

    /** Notes that an event with this word is durable in the log. */
    void announce(String word) throws IOException {
        AtomicFile.replace(
                directory(), ANNOUNCED, (word + "\n").getBytes(StandardCharsets.US_ASCII));
    }

    void set(DeviceLock lock) throws IOException {
        byte[] content = lock.prettyBytes();
        LogDirectory directory = directory();
        Optional<byte[]> present = AtomicFile.read(directory, FILE, CanonicalJson.MAX_BYTES);
        if (present.isEmpty() || !Arrays.equals(present.get(), content))
            AtomicFile.replace(directory, FILE, content);
    }

    void clear() throws IOException {
        if (!Files.exists(state.resolve(DIRECTORY).resolve(FILE))) return;
        LogDirectory directory = directory();
        directory.delete(FILE);
        directory.force();
    }

    private LogDirectory directory() throws IOException {
        return FileSystemDirectory.open(state).directory(DIRECTORY);
    }
}
