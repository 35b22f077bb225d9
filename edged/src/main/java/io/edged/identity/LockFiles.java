package io.edged.identity;

import io.edged.daemon.ExitCode;
import io.edged.daemon.ExitException;
import io.edged.lock.CanonicalJson;
import io.edged.lock.Fingerprint;
import io.edged.lock.LockDocument;
import io.edged.lock.LockReader;
import io.edged.lock.LockReading;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;

/** Locks and what stands beside them, as files. */
public final class LockFiles {

    /** What the name of a signature adds to the name of what is signed. */
    public static final String SIGNATURE_SUFFIX = ".sig";

    private LockFiles() {}

    /** The file of the signature of {@code file}. */
    public static Path signature(Path file) {
        return file.resolveSibling(file.getFileName() + SIGNATURE_SUFFIX);
    }

    /** Reads a lock; a file that is not there, or cannot be read, is unreadable. */
    public static LockReading read(Path file) {
        try {
            return LockReader.read(bytes(file));
        } catch (IOException e) {
            return new LockReading.Unreadable("file", why(e));
        }
    }

    /** The content of a small file, at most what canonical JSON may have. */
    static byte[] bytes(Path file) throws IOException {
        if (!Files.isRegularFile(file) && Files.exists(file))
            throw new IOException("is not a regular file");
        try (var in = Files.newInputStream(file)) {
            byte[] bytes = in.readNBytes(CanonicalJson.MAX_BYTES + 1);
            if (bytes.length > CanonicalJson.MAX_BYTES)
                throw new IOException("is larger than " + CanonicalJson.MAX_BYTES + " bytes");
            return bytes;
        }
    }

    static String why(IOException e) {
        return switch (e) {
            case NoSuchFileException _ -> "is not there";
            case java.nio.file.AccessDeniedException _ -> "cannot be read: permission denied";
            default -> String.valueOf(e.getMessage());
        };
    }

    /**
     * The lock of a reading.
     *
     * @throws ExitException {@code LOCK}: it is not intact; the message says how
     */
    public static LockDocument require(Path file, LockReading reading) {
        if (reading instanceof LockReading.Intact(LockDocument lock)) return lock;
        throw new ExitException(ExitCode.LOCK, file + ": " + problem(reading));
    }

    /** What is wrong with a lock that is not intact. */
    static String problem(LockReading reading) {
        return switch (reading) {
            case LockReading.Intact _ -> "is intact";
            case LockReading.Unreadable(String where, String problem) -> where + ": " + problem;
            case LockReading.WrongFingerprint(
                            String member,
                            Fingerprint stated,
                            Fingerprint computed) ->
                    "was changed after it was written, or is damaged: "
                            + member
                            + " says "
                            + stated
                            + ", the content has "
                            + computed;
        };
    }

    /**
     * Replaces a file that anybody may read. When it returns the new content is durable; if it
     * fails the old one is.
     */
    public static void replace(Path file, byte[] content) throws IOException {
        Path temporary = file.resolveSibling(file.getFileName() + ".tmp");
        Files.deleteIfExists(temporary);
        try (FileChannel out =
                FileChannel.open(
                        temporary, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            // Not what the user's mask makes of it: the daemon runs as another user.
            Files.setPosixFilePermissions(temporary, PosixFilePermissions.fromString("rw-r--r--"));
            ByteBuffer bytes = ByteBuffer.wrap(content);
            while (bytes.hasRemaining()) out.write(bytes);
            out.force(true);
        }
        Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE);
        Path directory = file.toAbsolutePath().getParent();
        if (directory == null) return;
        try (FileChannel names = FileChannel.open(directory, StandardOpenOption.READ)) {
            names.force(true);
        }
    }
}
