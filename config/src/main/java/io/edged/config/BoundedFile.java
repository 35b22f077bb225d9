package io.edged.config;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** Reads a small file whole, never more than a bound and never a pipe that would block. */
final class BoundedFile {

    /** Why a file was not read, as a rule and an advice. */
    static final class Refusal extends Exception {
        final String rule;
        final String advice;

        Refusal(String rule, String advice) {
            super(rule);
            this.rule = rule;
            this.advice = advice;
        }
    }

    private static final LinkOption[] NO_FOLLOW = {LinkOption.NOFOLLOW_LINKS};

    private BoundedFile() {}

    static byte[] read(Path file, int maxBytes, boolean followLinks) throws Refusal {
        LinkOption[] links = followLinks ? new LinkOption[0] : NO_FOLLOW;
        try {
            // Opening a pipe waits for its writer, so the type is looked at first.
            if (!followLinks && Files.isSymbolicLink(file))
                throw new Refusal("is a symbolic link", "name the file itself");
            if (Files.isDirectory(file, links)) throw new Refusal("is a directory", "name a file");
            if (Files.exists(file, links) && !Files.isRegularFile(file, links))
                throw new Refusal("is not a regular file", "name a regular file");
            try (var in = Files.newInputStream(file, links)) {
                byte[] bytes = in.readNBytes(maxBytes + 1);
                if (bytes.length > maxBytes)
                    throw new Refusal(
                            "is larger than " + Units.format(maxBytes), "name the right file");
                return bytes;
            }
        } catch (NoSuchFileException e) {
            throw refusal("does not exist", "create it or correct its name", e);
        } catch (AccessDeniedException e) {
            throw refusal(
                    "cannot be read: permission denied",
                    "give the user that runs edged read permission, also on its directories",
                    e);
        } catch (IOException e) {
            throw refusal(
                    "cannot be read: " + e.getMessage(), "check the disk and the file system", e);
        }
    }

    private static Refusal refusal(String rule, String advice, IOException cause) {
        var refusal = new Refusal(rule, advice);
        refusal.initCause(cause);
        return refusal;
    }
}
