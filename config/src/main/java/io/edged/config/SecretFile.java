package io.edged.config;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reads a token from a file of its own. */
final class SecretFile {

    static final int MAX_BYTES = 16 << 10;

    /** What may stand behind {@code Bearer} in a header: RFC 6750 and whatever else is visible. */
    private static final Pattern TOKEN = Pattern.compile("[\\x21-\\x7e]+");

    /** A client's name in front of its token. */
    private static final Pattern NAMED = Pattern.compile("([A-Za-z0-9._-]{1,64}):(.*)");

    /**
     * Group read is fine: a systemd credential shows its access list there. Nobody else may read,
     * and only the owner may write.
     */
    private static final Set<PosixFilePermission> LOOSE =
            EnumSet.of(
                    PosixFilePermission.GROUP_WRITE,
                    PosixFilePermission.OTHERS_READ,
                    PosixFilePermission.OTHERS_WRITE);

    private SecretFile() {}

    /** The secret in the file that {@code key} names. */
    static Optional<Secret> read(Section section, Key<Optional<Path>> key) {
        Path file = section.get(key).map(section::resolve).orElse(null);
        if (file == null) return Optional.empty();
        try {
            return Optional.of(read(file));
        } catch (BoundedFile.Refusal refusal) {
            section.refuseFile(key, file, refusal);
            return Optional.empty();
        }
    }

    /** Says what is wrong with the file that {@code key} names, whatever it holds. */
    static void check(Section section, Key<Optional<Path>> key) {
        Path file = section.get(key).map(section::resolve).orElse(null);
        if (file == null) return;
        try {
            var _ = text(file);
        } catch (BoundedFile.Refusal refusal) {
            section.refuseFile(key, file, refusal);
        }
    }

    /** The tokens in the file that {@code key} names: one a line, with or without a name. */
    static List<EdgeConfig.ClientToken> readTokens(Section section, Key<Optional<Path>> key) {
        Path file = section.get(key).map(section::resolve).orElse(null);
        if (file == null) return List.of();
        try {
            var tokens = new ArrayList<EdgeConfig.ClientToken>();
            for (String line : text(file).split("\\r?\\n", -1)) {
                if (line.isBlank()) continue;
                Matcher named = NAMED.matcher(line);
                String client = named.matches() ? named.group(1) : "";
                tokens.add(
                        new EdgeConfig.ClientToken(
                                client, token(named.matches() ? named.group(2) : line)));
            }
            if (tokens.isEmpty())
                throw new BoundedFile.Refusal(
                        "must hold at least one token",
                        "write one a line, as token or client:token");
            return List.copyOf(tokens);
        } catch (BoundedFile.Refusal refusal) {
            section.refuseFile(key, file, refusal);
            return List.of();
        }
    }

    /** The content without the newline at its end. */
    static Secret read(Path file) throws BoundedFile.Refusal {
        return token(text(file).replaceFirst("\\r?\\n\\z", ""));
    }

    private static String text(Path file) throws BoundedFile.Refusal {
        byte[] bytes = BoundedFile.read(file, MAX_BYTES, false);
        if (isLoose(file))
            throw new BoundedFile.Refusal(
                    "can be read or changed by other users", "run: chmod 600 " + file);
        // Latin-1 maps each byte to one character, so that no byte escapes the check below.
        return new String(bytes, StandardCharsets.ISO_8859_1);
    }

    private static Secret token(String token) throws BoundedFile.Refusal {
        if (!TOKEN.matcher(token).matches())
            throw new BoundedFile.Refusal(
                    "must hold visible ASCII characters, the token, on a line",
                    "write the token into it, without blanks");
        return new Secret(token);
    }

    private static boolean isLoose(Path file) throws BoundedFile.Refusal {
        try {
            return Files.getPosixFilePermissions(file, LinkOption.NOFOLLOW_LINKS).stream()
                    .anyMatch(LOOSE::contains);
        } catch (UnsupportedOperationException _) {
            return false; // a file system without permissions
        } catch (IOException e) {
            var refusal =
                    new BoundedFile.Refusal(
                            "has permissions that cannot be read: " + e.getMessage(),
                            "check the disk and the file system");
            refusal.initCause(e);
            throw refusal;
        }
    }
}
