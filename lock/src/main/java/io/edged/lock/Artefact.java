package io.edged.lock;

import java.util.regex.Pattern;

/**
 * One file of a release, but for its path.
 *
 * @param fingerprint of its content
 * @param bytes its size, 0 to {@link #MAX_BYTES}
 * @param mode its permissions as four octal digits, such as {@code 0644}
 */
public record Artefact(Fingerprint fingerprint, long bytes, String mode) {

    /** The largest size that every JSON program reads exactly. */
    public static final long MAX_BYTES = (1L << 53) - 1;

    private static final Pattern MODE = Pattern.compile("[0-7]{4}");

    public Artefact {
        if (bytes < 0 || bytes > MAX_BYTES)
            throw new IllegalArgumentException(
                    "bytes must lie between 0 and " + MAX_BYTES + ", was " + bytes);
        if (!MODE.matcher(mode).matches())
            throw new IllegalArgumentException(
                    "mode must be four octal digits such as \"0644\", was \""
                            + Unicode.printable(mode)
                            + '"');
    }
}
