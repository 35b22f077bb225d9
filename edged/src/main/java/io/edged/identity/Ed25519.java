package io.edged.identity;

import io.edged.daemon.ExitCode;
import io.edged.daemon.ExitException;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.spec.PKCS8EncodedKeySpec;
import java.security.spec.X509EncodedKeySpec;
import java.util.Base64;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Ed25519 keys in PEM files, as openssl writes them. */
public final class Ed25519 {

    private static final int MAX_BYTES = 16 << 10;

    private Ed25519() {}

    /**
     * Reads a public key.
     *
     * @throws ExitException {@code CERTIFICATES}: the file holds no such key
     */
    public static PublicKey publicKey(Path file) {
        return key(
                file,
                "PUBLIC KEY",
                "openssl pkey -in PRIVATE -pubout",
                der -> factory().generatePublic(new X509EncodedKeySpec(der)));
    }

    /**
     * Reads a private key.
     *
     * @throws ExitException {@code CERTIFICATES}: the file holds no such key
     */
    public static PrivateKey privateKey(Path file) {
        return key(
                file,
                "PRIVATE KEY",
                "openssl genpkey -algorithm ed25519",
                der -> factory().generatePrivate(new PKCS8EncodedKeySpec(der)));
    }

    private interface Decoder<K> {
        K decode(byte[] der) throws GeneralSecurityException;
    }

    private static <K> K key(Path file, String kind, String maker, Decoder<K> decoder) {
        String wanted = "wanted an Ed25519 key in PEM (" + kind + "), as made by: " + maker;
        try {
            byte[] content = LockFiles.bytes(file);
            if (content.length > MAX_BYTES) throw refused(file, "is no key; " + wanted, null);
            Matcher block =
                    Pattern.compile(
                                    "-----BEGIN "
                                            + kind
                                            + "-----([A-Za-z0-9+/=\\s]*)-----END "
                                            + kind
                                            + "-----")
                            .matcher(new String(content, StandardCharsets.ISO_8859_1));
            if (!block.find()) throw refused(file, "holds no " + kind + "; " + wanted, null);
            return decoder.decode(Base64.getMimeDecoder().decode(block.group(1)));
        } catch (IOException e) {
            throw refused(file, LockFiles.why(e), e);
        } catch (GeneralSecurityException | IllegalArgumentException e) {
            throw refused(file, "holds another kind of key; " + wanted, e);
        }
    }

    private static ExitException refused(
            Path file, String why, @org.jspecify.annotations.Nullable Exception cause) {
        String message = file + ": " + why;
        return cause == null
                ? new ExitException(ExitCode.CERTIFICATES, message)
                : new ExitException(ExitCode.CERTIFICATES, message, cause);
    }

    private static KeyFactory factory() throws GeneralSecurityException {
        return KeyFactory.getInstance("Ed25519");
    }
}
