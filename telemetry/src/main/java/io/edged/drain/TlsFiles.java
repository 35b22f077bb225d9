package io.edged.drain;

import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;

import io.edged.pem.PemCertificates;
import io.edged.pem.PemFile;
import io.edged.pem.PemKey;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

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
 * @param key of that certificate, PKCS #8, PKCS #1 or SEC 1 without a password; present if the
 *     certificate is
 */
public record TlsFiles(Optional<Path> authorities, Optional<Path> certificate, Optional<Path> key) {

    private static final System.Logger LOG = System.getLogger(TlsFiles.class.getName());

    private static final long LOOK_NANOS = TimeUnit.SECONDS.toNanos(1);
    private static final char[] NO_PASSWORD = {};

    /** Thrown for a file that cannot be used; the message names it and says what to do. */
    public static final class UnusableException extends Exception {
        private static final long serialVersionUID = 1;

        UnusableException(IOException cause) {
            super(cause.getMessage(), cause);
        }
    }

    public TlsFiles {
        if (certificate.isPresent() != key.isPresent())
            throw new IllegalArgumentException("certificate and key go together");
    }

    /** Whether there is nothing to read: the JDK's authorities, no certificate of our own. */
    public boolean isDefault() {
        return authorities.isEmpty() && certificate.isEmpty();
    }

    /**
     * Reads the files, and again when they have been replaced: what is returned looks at them when
     * it is asked, at most once in a second. Files that cannot be used leave those before in force,
     * and one line says why. Any thread may ask.
     *
     * @throws UnusableException if one of them cannot be read, is no PEM, or key and certificate
     *     are not a pair
     */
    public Supplier<SSLContext> open() throws UnusableException {
        return open(System::nanoTime);
    }

    Supplier<SSLContext> open(LongSupplier nanoTime) throws UnusableException {
        try {
            return new Current(content(), nanoTime);
        } catch (IOException e) {
            throw new UnusableException(e);
        }
    }

    /** What the files held, last time they were good. */
    private final class Current implements Supplier<SSLContext>, CertificateExpiry.OwnCertificate {
        private final LongSupplier nanoTime;
        private List<byte[]> content;
        private SSLContext context;
        private long validToSeconds;
        private long lookedNanos;
        private @Nullable String complaint;

        Current(List<byte[]> content, LongSupplier nanoTime) throws IOException {
            this.nanoTime = nanoTime;
            this.content = content;
            this.context = context(content);
            this.validToSeconds = ownValidTo(content);
            this.lookedNanos = nanoTime.getAsLong();
        }

        /** Of the files as they were when a connection was made last. */
        @Override
        public synchronized long validToSeconds() {
            return validToSeconds;
        }

        @Override
        public synchronized SSLContext get() {
            long now = nanoTime.getAsLong();
            if (now - lookedNanos >= LOOK_NANOS) {
                lookedNanos = now;
                look();
            }
            return context;
        }

        private void look() {
            try {
                List<byte[]> found = content();
                boolean same = true;
                for (int i = 0; i < found.size(); i++)
                    same &= Arrays.equals(found.get(i), content.get(i));
                if (!same) {
                    context = context(found);
                    validToSeconds = ownValidTo(found);
                    content = found;
                    LOG.log(INFO, "took new TLS files; files={0}", files());
                }
                complaint = null;
            } catch (IOException e) {
                String why = String.valueOf(e.getMessage());
                if (why.equals(complaint)) return;
                complaint = why;
                LOG.log(
                        WARNING,
                        "the TLS files on disk cannot be used, those read before stay in force;"
                                + " reason={0}",
                        why);
            }
        }
    }

    private List<Path> files() {
        var files = new ArrayList<Path>();
        authorities.ifPresent(files::add);
        certificate.ifPresent(files::add);
        key.ifPresent(files::add);
        return files;
    }

    private List<byte[]> content() throws IOException {
        var content = new ArrayList<byte[]>();
        for (Path file : files()) content.add(PemFile.read(file));
        return content;
    }

    /**
     * @param content of {@link #files}, in their order
     */
    private SSLContext context(List<byte[]> content) throws IOException {
        try {
            var context = SSLContext.getInstance("TLS");
            context.init(keys(content), trust(content), null);
            return context;
        } catch (GeneralSecurityException e) {
            throw new IOException("TLS cannot be set up: " + e.getMessage(), e);
        }
    }

    private TrustManager[] trust(List<byte[]> content)
            throws IOException, GeneralSecurityException {
        if (authorities.isEmpty()) return trustManagers(null);
        var store = emptyStore();
        int number = 0;
        for (X509Certificate each : PemCertificates.read(authorities.get(), content.getFirst()))
            store.setCertificateEntry("authority-" + number++, each);
        return trustManagers(store);
    }

    private static TrustManager[] trustManagers(@Nullable KeyStore store)
            throws GeneralSecurityException {
        var factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        factory.init(store);
        return factory.getTrustManagers();
    }

    private KeyManager[] keys(List<byte[]> content) throws IOException, GeneralSecurityException {
        if (certificate.isEmpty() || key.isEmpty()) return new KeyManager[0];
        List<X509Certificate> chain = chain(content);
        PrivateKey secret = PemKey.read(key.get(), content.getLast());
        if (!PemKey.fits(secret, chain.getFirst().getPublicKey()))
            throw new IOException(
                    key.get() + " is not the key of the first certificate in " + certificate.get());
        var store = emptyStore();
        store.setKeyEntry("own", secret, NO_PASSWORD, chain.toArray(X509Certificate[]::new));
        var factory = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        factory.init(store, NO_PASSWORD);
        return factory.getKeyManagers();
    }

    private long ownValidTo(List<byte[]> content) throws IOException {
        if (certificate.isEmpty()) return 0;
        return CertificateExpiry.validToSeconds(chain(content).toArray(X509Certificate[]::new));
    }

    /** Our own certificate first. */
    private List<X509Certificate> chain(List<byte[]> content) throws IOException {
        return PemCertificates.read(certificate.orElseThrow(), content.get(content.size() - 2));
    }

    private static KeyStore emptyStore() throws GeneralSecurityException, IOException {
        var store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        return store;
    }
}
