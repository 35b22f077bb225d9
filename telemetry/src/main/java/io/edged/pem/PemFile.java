package io.edged.pem;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** The bytes of a file with certificates or a key, which is small. */
public final class PemFile {

    private static final int MAX_BYTES = 4 << 20;

    private PemFile() {}

    /**
     * Reads it whole.
     *
     * @throws IOException saying which file it is and what is wrong with it
     */
    public static byte[] read(Path file) throws IOException {
        try (InputStream in = Files.newInputStream(file)) {
            byte[] bytes = in.readNBytes(MAX_BYTES + 1);
            if (bytes.length > MAX_BYTES)
                throw new IOException(file + " is larger than " + MAX_BYTES + " bytes");
            return bytes;
        } catch (NoSuchFileException e) {
            throw new IOException(file + " does not exist", e);
        } catch (AccessDeniedException e) {
            throw new IOException(
                    file + " cannot be read: permission denied to the user that runs edged", e);
        }
    }
}
