package io.edged.drain;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.util.ArrayList;
import java.util.List;

import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/** Certificates for tests, made by the JDK's keytool. */
final class Certificates {

    private static final char[] PASSWORD = "changeit".toCharArray();

    private Certificates() {}

    /**
     * A key store with a certificate that signs itself.
     *
     * @param names as keytool's {@code SAN} takes them
     */
    static KeyStore selfSigned(Path directory, String names)
            throws IOException, InterruptedException, GeneralSecurityException {
        Path file = Files.createTempFile(directory, "server", ".p12");
        Files.delete(file);
        generate(file, "server", "-ext", "SAN=" + names);
        return load(file);
    }

    /**
     * One for localhost whose time is over, and under {@code ca} the authority that vouches for it.
     */
    static KeyStore expired(Path directory)
            throws IOException, InterruptedException, GeneralSecurityException {
        return signed(directory, "-3d");
    }

    /** The same whose time is still to come, as a device without a clock of its own sees it. */
    static KeyStore notYetValid(Path directory)
            throws IOException, InterruptedException, GeneralSecurityException {
        return signed(directory, "+3d");
    }

    private static KeyStore signed(Path directory, String start)
            throws IOException, InterruptedException, GeneralSecurityException {
        Path file = Files.createTempFile(directory, "expired", ".p12");
        Files.delete(file);
        generate(file, "ca", "-ext", "bc:c");
        generate(
                file,
                "server",
                "-ext",
                "SAN=DNS:localhost",
                "-signer",
                "ca",
                "-startdate",
                start,
                "-validity",
                "1");
        KeyStore store = load(file);
        Certificate authority = store.getCertificate("ca");
        store.deleteEntry("ca"); // the server must not show it as its own
        store.setCertificateEntry("ca", authority);
        return store;
    }

    private static void generate(Path file, String alias, String... more)
            throws IOException, InterruptedException {
        var command =
                new ArrayList<>(
                        List.of(
                                Path.of(System.getProperty("java.home"), "bin", "keytool")
                                        .toString(),
                                "-genkeypair",
                                "-keyalg",
                                "EC",
                                "-alias",
                                alias,
                                "-dname",
                                "CN=" + alias,
                                "-keystore",
                                file.toString(),
                                "-storepass",
                                new String(PASSWORD)));
        command.addAll(List.of(more));
        var keytool = new ProcessBuilder(command).redirectErrorStream(true).start();
        String said;
        try (InputStream output = keytool.getInputStream()) {
            said = new String(output.readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
        }
        if (keytool.waitFor() != 0) throw new IOException(said);
    }

    private static KeyStore load(Path file) throws IOException, GeneralSecurityException {
        var store = KeyStore.getInstance("PKCS12");
        try (InputStream input = Files.newInputStream(file)) {
            store.load(input, PASSWORD);
        }
        return store;
    }

    /** The server that owns the key. */
    static SSLContext server(KeyStore store) throws GeneralSecurityException {
        var keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        keys.init(store, PASSWORD);
        var context = SSLContext.getInstance("TLS");
        context.init(keys.getKeyManagers(), null, null);
        return context;
    }

    /** A client that trusts this certificate and no other. */
    static SSLContext client(KeyStore store) throws GeneralSecurityException, IOException {
        return trusting(store.getCertificate("server"));
    }

    static SSLContext trusting(Certificate certificate)
            throws GeneralSecurityException, IOException {
        var trusted = KeyStore.getInstance("PKCS12");
        trusted.load(null, null);
        trusted.setCertificateEntry("trusted", certificate);
        var trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(trusted);
        var context = SSLContext.getInstance("TLS");
        context.init(null, trust.getTrustManagers(), null);
        return context;
    }
}
