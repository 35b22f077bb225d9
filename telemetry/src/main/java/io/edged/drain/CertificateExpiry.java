package io.edged.drain;

import io.netty.handler.ssl.SslHandler;

import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import java.util.Optional;
import java.util.function.Supplier;

import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLPeerUnverifiedException;

/**
 * Until when the certificates of a destination are valid: the one that this device shows, and the
 * chain that the server showed last. Any thread.
 */
final class CertificateExpiry {

    /** TLS that knows its own certificate. */
    interface OwnCertificate {
        /** Seconds since the epoch; 0 if there is none. */
        long validToSeconds();
    }

    private final Optional<OwnCertificate> own;

    /** Written by the event loop. */
    private volatile long serverSeconds;

    /**
     * @param tls as a destination has it
     */
    CertificateExpiry(Optional<Supplier<SSLContext>> tls) {
        own = tls.filter(OwnCertificate.class::isInstance).map(OwnCertificate.class::cast);
    }

    /** Seconds since the epoch; 0 if the device shows none. */
    long ownSeconds() {
        return own.map(OwnCertificate::validToSeconds).orElse(0L);
    }

    /** The same of the server; 0 before the first handshake. */
    long serverSeconds() {
        return serverSeconds;
    }

    /** The handshake came to its end. */
    void seen(SslHandler handler) {
        try {
            serverSeconds = validToSeconds(handler.engine().getSession().getPeerCertificates());
        } catch (SSLPeerUnverifiedException e) {
            serverSeconds = 0; // a cipher without certificates, which nobody here agrees to
        }
    }

    /** When the first of a chain to end does. */
    static long validToSeconds(Certificate... chain) {
        long first = 0;
        for (Certificate each : chain) {
            if (!(each instanceof X509Certificate certificate)) continue;
            long seconds = certificate.getNotAfter().toInstant().getEpochSecond();
            if (first == 0 || seconds < first) first = seconds;
        }
        return first;
    }
}
