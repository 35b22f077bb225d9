package io.edged.pem;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;

/** Certificates from PEM. */
public final class PemCertificates {

    private PemCertificates() {}

    /**
     * All certificates of a file, at least one, in their order.
     *
     * @throws IOException there is none, or one that cannot be read; the message names the file
     */
    public static List<X509Certificate> read(Path file, byte[] pem) throws IOException {
        var found = new ArrayList<X509Certificate>();
        try {
            for (Certificate each :
                    CertificateFactory.getInstance("X.509")
                            .generateCertificates(new ByteArrayInputStream(pem)))
                if (each instanceof X509Certificate certificate) found.add(certificate);
        } catch (CertificateException e) {
            throw new IOException(
                    file
                            + " holds no certificate that can be read; it must be PEM, BEGIN"
                            + " CERTIFICATE: "
                            + e.getMessage(),
                    e);
        }
        if (found.isEmpty())
            throw new IOException(
                    file + " holds no certificate; it must be PEM, BEGIN CERTIFICATE");
        return List.copyOf(found);
    }
}
