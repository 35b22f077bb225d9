package io.edged.drain;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
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
        return selfSigned(directory, names, "-validity", "30");
    }

    /**
     * The same with other words for keytool.
     */
    static KeyStore selfSigned(Path directory, String names, String... more)
            throws IOException, InterruptedException, GeneralSecurityException {
        Path file = Files.createTempFile(directory, "server", ".p12");
        Files.delete(file);
        var command = new ArrayList<>(
                        List.of(
                                Path.of(System.getProperty("java.home"), "bin", "keytool")
                                        .toString(),
                                "-genkeypair",
                                "-keyalg",
                                "EC",
                                "-alias",
                                "server",
                                "-dname",
                                "CN=upstream",
                                "-ext",
                                "SAN=" + names,
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
        var trusted = KeyStore.getInstance("PKCS12");
        trusted.load(null, null);
        trusted.setCertificateEntry("server", store.getCertificate("server"));
        var trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(trusted);
        var context = SSLContext.getInstance("TLS");
        context.init(null, trust.getTrustManagers(), null);
        return context;
    }
}
