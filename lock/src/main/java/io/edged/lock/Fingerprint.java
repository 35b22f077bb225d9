package io.edged.lock;

import java.util.HexFormat;
import java.util.regex.Pattern;

/**
 * The BLAKE3 hash of some bytes, as {@code blake3:} and 64 lower-case hexadecimal digits. There is
 * no other algorithm; the prefix keeps a digest of another kind from being taken for one.
 */
public record Fingerprint(String value) {

    /** What every fingerprint begins with. */
    public static final String PREFIX = "blake3:";

    private static final Pattern FORM = Pattern.compile(PREFIX + "[0-9a-f]{64}");
    private static final int SHORT_DIGITS = 16;

    public Fingerprint {
        if (!FORM.matcher(value).matches())
            throw new IllegalArgumentException(
                    "not a fingerprint: \""
                            + Unicode.printable(value)
                            + "\"; wanted \""
                            + PREFIX
                            + "\" and 64 lower-case hexadecimal digits");
    }

    /** The fingerprint of these bytes; for content that is not in memory see the hasher. */
    public static Fingerprint of(byte[] content) {
        return new FingerprintHasher().update(content, 0, content.length).finish();
    }

    static Fingerprint ofHash(byte[] hash) {
        return new Fingerprint(PREFIX + HexFormat.of().formatHex(hash));
    }

    /** The digits alone. */
    public String hex() {
        return value.substring(PREFIX.length());
    }

    /** The prefix and the first digits, for lines that people read. */
    String brief() {
        return value.substring(0, PREFIX.length() + SHORT_DIGITS);
    }

    @Override
    public String toString() {
        return value;
    }
}
