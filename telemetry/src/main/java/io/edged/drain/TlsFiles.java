package io.edged.drain;

import io.edged.pem.PemKey;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.InvalidKeySpecException;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;

/**
 * The client's TLS from files in PEM.
 *
 * @param authorities certificates to trust, in place of those that the JDK comes with
 * @param certificate our own, followed by what it chains to
 * @param key of that certificate, PKCS #8 without a password; present if the certificate is
 */
public record TlsFiles(Optional<Path> authorities, Optional<Path> certificate, Optional<Path> key) {

    /** Thrown for a file that cannot be used; the message names it and says what to do. */
    public static final class UnusableException extends Exception {
        private static final long serialVersionUID = 1;

        UnusableException(String message, Throwable cause) {
            super(message, cause);
        }

        UnusableException(String message) {
            super(message);
        }
    }

    private static final int MAX_BYTES = 4 << 20;
    private static final char[] NO_PASSWORD = {};
    private static final List<String> ALGORITHMS = List.of("EC", "RSA", "EdDSA");
    private static final Pattern KEY =
            Pattern.compile(
                    "-----BEGIN PRIVATE KEY-----([A-Za-z0-9+/=\\s]+)-----END PRIVATE KEY-----");

    public TlsFiles {
        if (certificate.isPresent() != key.isPresent())
            throw new IllegalArgumentException("certificate and key go together");
    }

    /** Whether there is nothing to read: the JDK's authorities, no certificate of our own. */
    public boolean isDefault() {
        return authorities.isEmpty() && certificate.isEmpty();
    }

    /**
     * Reads the files as they are now.
     *
     * @throws UnusableException if one of them cannot be read, is no PEM, or key and certificate
     *     are not a pair
     */
    public SSLContext load() throws UnusableException {
        try {
            var context = SSLContext.getInstance("TLS");
            context.init(keys(), trust(), null);
            return context;
        } catch (GeneralSecurityException | IOException e) {
            throw new UnusableException("TLS cannot be set up: " + e.getMessage(), e);
        }
    }

    private TrustManager[] trust() throws UnusableException, GeneralSecurityException, IOException {
        if (authorities.isEmpty()) return trustManagers(Optional.empty());
        var store = emptyStore();
        int number = 0;
        for (Certificate each : certificates(authorities.get()))
            store.setCertificateEntry("authority-" + number++, each);
        return trustManagers(Optional.of(store));
    }

    private static TrustManager[] trustManagers(Optional<KeyStore> store)
            throws GeneralSecurityException {
        var factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        factory.init(store.orElse(null));
        return factory.getTrustManagers();
    }

    private KeyManager[] keys() throws UnusableException, GeneralSecurityException, IOException {
        if (certificate.isEmpty() || key.isEmpty()) return new KeyManager[0];
        Path certificateFile = certificate.get();
        Path keyFile = key.get();
        List<? extends Certificate> chain = List.copyOf(certificates(certificateFile));
        PrivateKey secret = privateKey(keyFile);
        if (!PemKey.fits(secret, chain.getFirst().getPublicKey()))
            throw new UnusableException(
                    keyFile + " is not the key of the first certificate in " + certificateFile);
        var store = emptyStore();
        store.setKeyEntry("own", secret, NO_PASSWORD, chain.toArray(Certificate[]::new));
        var factory = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        factory.init(store, NO_PASSWORD);
        return factory.getKeyManagers();
    }

    private static KeyStore emptyStore() throws GeneralSecurityException, IOException {
        var store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        return store;
    }

    private static Collection<? extends Certificate> certificates(Path file)
            throws UnusableException, GeneralSecurityException {
        byte[] bytes = read(file);
        try {
            var found =
                    CertificateFactory.getInstance("X.509")
                            .generateCertificates(new ByteArrayInputStream(bytes));
            if (found.isEmpty() || !(found.iterator().next() instanceof X509Certificate))
                throw new UnusableException(file + " holds no certificate; it must be PEM");
            return found;
        } catch (java.security.cert.CertificateException e) {
            throw new UnusableException(
                    file + " cannot be read as certificates; it must be PEM", e);
        }
    }

    private static PrivateKey privateKey(Path file)
            throws UnusableException, GeneralSecurityException {
        Matcher match = KEY.matcher(new String(read(file), StandardCharsets.ISO_8859_1));
        if (!match.find())
            throw new UnusableException(
                    file
                            + " holds no key that can be read; it must be PKCS #8 in PEM without a"
                            + " password: openssl pkcs8 -topk8 -nocrypt -in OLD -out "
                            + file);
        byte[] encoded;
        try {
            encoded = Base64.getMimeDecoder().decode(match.group(1));
        } catch (IllegalArgumentException e) {
            throw new UnusableException(file + " is damaged: the key is not base64", e);
        }
        for (String algorithm : ALGORITHMS) {
            try {
                return KeyFactory.getInstance(algorithm)
                        .generatePrivate(new PKCS8EncodedKeySpec(encoded));
            } catch (InvalidKeySpecException notOfThisKind) {
                // the next algorithm may read it
            }
        }
        throw new UnusableException(file + " holds a key that is neither EC, RSA nor EdDSA");
    }

    private static byte[] read(Path file) throws UnusableException {
        try (InputStream in = Files.newInputStream(file)) {
            byte[] bytes = in.readNBytes(MAX_BYTES + 1);
            if (bytes.length > MAX_BYTES)
                throw new UnusableException(file + " is larger than " + MAX_BYTES + " bytes");
            return bytes;
        } catch (IOException e) {
            throw new UnusableException(file + " cannot be read: " + e, e);
        }
    }
}
