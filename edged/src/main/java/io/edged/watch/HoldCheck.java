package io.edged.watch;

import io.edged.daemon.Health;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;

/**
 * Whether the file that holds the state directory for this process is still the one it was. Without
 * it a second daemon could start on the same directory.
 *
 * <p>{@link #read} looks at the disk and has a thread of its own; {@link #look} only says what it
 * found.
 */
final class HoldCheck {

    private final Path file;
    private final @Nullable Object atStart;

    /** Written by the reading thread. */
    private volatile Health.Result found = new Health.Ok();

    HoldCheck(Path file) {
        this.file = file;
        atStart = key();
    }

    private @Nullable Object key() {
        try {
            return Files.readAttributes(file, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS)
                    .fileKey();
        } catch (NoSuchFileException e) {
            return null;
        } catch (IOException e) {
            // A disk that does not answer is the business of other checks.
            return atStart;
        }
    }

    void read() {
        Object now = key();
        if (now != null && now.equals(atStart)) found = new Health.Ok();
        else
            found =
                    new Health.Failed(
                            file
                                    + (now == null ? " was removed" : " was replaced")
                                    + ": another daemon could start on this directory; restart"
                                    + " this one");
    }

    Health.Result look() {
        return found;
    }
}
