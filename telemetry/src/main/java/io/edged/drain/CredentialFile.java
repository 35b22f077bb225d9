package io.edged.drain;

import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.LongSupplier;
import java.util.regex.Pattern;

/**
 * A secret for a header, in a file that may be replaced while the drain runs. It is looked at again
 * at most once in {@link #LOOK_NANOS}; content that cannot be used leaves the one before in force,
 * and one line says why. Any thread.
 */
public final class CredentialFile {

    private static final System.Logger LOG = System.getLogger(CredentialFile.class.getName());

    private static final long LOOK_NANOS = TimeUnit.SECONDS.toNanos(1);
    private static final int MAX_BYTES = 16 << 10;
    private static final Pattern SECRET = Pattern.compile("[\\x21-\\x7e]+");
    private static final Pattern USER = Pattern.compile("[\\x20-\\x39\\x3b-\\x7e]+:[\\x20-\\x7e]*");

    private final Path file;
    private final String rule;
    private final Function<String, @Nullable String> header;
    private final LongSupplier nanoTime;
    private String value;
    private long lookedNanos;
    private @Nullable String complaint;

    private CredentialFile(
            Path file,
            String rule,
            Function<String, @Nullable String> header,
            LongSupplier nanoTime)
            throws IOException {
        this.file = file;
        this.rule = rule;
        this.header = header;
        this.nanoTime = nanoTime;
        this.value = read();
        this.lookedNanos = nanoTime.getAsLong();
    }

    /**
     * A token for {@code Authorization: Bearer}.
     *
     * @throws IOException if the file cannot be read or holds no token; the message names it
     */
    public static CredentialFile bearer(Path file) throws IOException {
        return bearer(file, System::nanoTime);
    }

    static CredentialFile bearer(Path file, LongSupplier nanoTime) throws IOException {
        return new CredentialFile(
                file,
                "must hold a token: visible ASCII characters on one line",
                text -> SECRET.matcher(text).matches() ? "Bearer " + text : null,
                nanoTime);
    }

    /**
     * {@code user:password} for {@code Basic}.
     *
     * @throws IOException if the file cannot be read or holds no such thing; the message names it
     */
    public static CredentialFile basic(Path file) throws IOException {
        return new CredentialFile(
                file,
                "must hold user:password on one line",
                text ->
                        USER.matcher(text).matches()
                                ? "Basic "
                                        + Base64.getEncoder()
                                                .encodeToString(
                                                        text.getBytes(StandardCharsets.ISO_8859_1))
                                : null,
                System::nanoTime);
    }

    /** The header's value, as the file has it now. */
    synchronized String header() {
        long now = nanoTime.getAsLong();
        if (now - lookedNanos >= LOOK_NANOS) {
            lookedNanos = now;
            look();
        }
        return value;
    }

    private void look() {
        try {
            String found = read();
            complaint = null;
            if (found.equals(value)) return;
            value = found;
            LOG.log(INFO, "took new credentials; file={0}", file);
        } catch (IOException e) {
            String why = String.valueOf(e.getMessage());
            if (why.equals(complaint)) return;
            complaint = why;
            LOG.log(
                    WARNING,
                    "the credentials on disk cannot be used, those before stay in force; reason={0}",
                    why);
        }
    }

    private String read() throws IOException {
        byte[] bytes;
        try (InputStream in = Files.newInputStream(file)) {
            bytes = in.readNBytes(MAX_BYTES + 1);
        } catch (IOException e) {
            throw new IOException(file + " cannot be read: " + e, e);
        }
        if (bytes.length > MAX_BYTES)
            throw new IOException(file + " is larger than " + MAX_BYTES + " bytes");
        String text = new String(bytes, StandardCharsets.ISO_8859_1).replaceFirst("\\r?\\n\\z", "");
        String found = header.apply(text);
        if (found == null) throw new IOException(file + " " + rule);
        return found;
    }

    /** Without the secret. */
    @Override
    public String toString() {
        return "CredentialFile[" + file + "]";
    }
}
