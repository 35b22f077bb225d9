package io.edged.receiver;

import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;

import io.edged.pem.PemCertificates;
import io.edged.pem.PemFile;
import io.edged.pem.PemKey;
import io.netty.channel.ChannelHandler;
import io.netty.channel.socket.SocketChannel;
import io.netty.handler.codec.http2.Http2SecurityUtil;
import io.netty.handler.ssl.ApplicationProtocolConfig;
import io.netty.handler.ssl.ApplicationProtocolConfig.Protocol;
import io.netty.handler.ssl.ApplicationProtocolConfig.SelectedListenerFailureBehavior;
import io.netty.handler.ssl.ApplicationProtocolConfig.SelectorFailureBehavior;
import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslProvider;
import io.netty.handler.ssl.SupportedCipherSuiteFilter;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * TLS from files that may be replaced while the receiver runs. At a new connection, at most once in
 * {@link #LOOK_NANOS}, the files are read again if they have changed; if they cannot be used, the
 * ones before stay in force and one line says why. Connections that are open keep what they began
 * with.
 *
 * <p>Any thread. The files are small and on a local disk: an event loop may read them once in a
 * while.
 */
final class TlsFiles {

    private static final System.Logger LOG = System.getLogger(TlsFiles.class.getName());

    private static final long LOOK_NANOS = TimeUnit.SECONDS.toNanos(1);

    private final ReceiverOptions.Tls files;
    private String hash;
    private SslContext context;
    private X509Certificate certificate;
    private @Nullable String lastComplaint;
    private long lookedNanos = System.nanoTime();

    private TlsFiles(ReceiverOptions.Tls files, Content content) throws IOException {
        this.files = files;
        hash = content.hash();
        context = content.context();
        certificate = content.certificates().getFirst();
    }

    /**
     * Reads the files.
     *
     * @throws TlsException one of them is not there or not usable; the message says which and why
     */
    static TlsFiles open(ReceiverOptions.Tls files) throws TlsException {
        try {
            return new TlsFiles(files, Content.read(files));
        } catch (IOException e) {
            throw new TlsException(e);
        }
    }

    /** What encrypts a new connection. */
    ChannelHandler handler(SocketChannel channel, ReceiverOptions.Timeouts timeouts) {
        SslHandler handler = current().newHandler(channel.alloc());
        handler.setHandshakeTimeoutMillis(timeouts.header().toMillis());
        handler.setCloseNotifyFlushTimeoutMillis(timeouts.close().toMillis());
        return handler;
    }

    /** The server's certificate that is in force. */
    synchronized X509Certificate certificate() {
        return certificate;
    }

    private synchronized SslContext current() {
        long now = System.nanoTime();
        if (now - lookedNanos >= LOOK_NANOS) {
            lookedNanos = now;
            look();
        }
        return context;
    }

    /** Reads the files again and takes them if they are others and good. */
    synchronized void look() {
        try {
            var content = Content.read(files);
            if (content.hash().equals(hash)) {
                lastComplaint = null;
                return;
            }
            context = content.context();
            certificate = content.certificates().getFirst();
            hash = content.hash();
            lastComplaint = null;
            LOG.log(
                    INFO,
                    "took new TLS files; certificate={0} valid_until={1}",
                    files.certificates(),
                    certificate.getNotAfter().toInstant());
        } catch (IOException e) {
            String complaint = String.valueOf(e.getMessage());
            if (complaint.equals(lastComplaint)) return;
            lastComplaint = complaint;
            LOG.log(
                    WARNING,
                    "the TLS files on disk cannot be used, those read before stay in force;"
                            + " reason={0}",
                    complaint);
        }
    }

    /** What the files held at one moment, checked. */
    private record Content(
            String hash,
            List<X509Certificate> certificates,
            PrivateKey key,
            List<X509Certificate> clientAuthorities) {

        static Content read(ReceiverOptions.Tls files) throws IOException {
            byte[] certificateBytes = PemFile.read(files.certificates());
            byte[] keyBytes = PemFile.read(files.key());
            byte[] clientBytes =
                    files.clientAuthorities().isPresent()
                            ? PemFile.read(files.clientAuthorities().get())
                            : new byte[0];
            try {
                var digest = MessageDigest.getInstance("SHA-256");
                for (byte[] each : List.of(certificateBytes, keyBytes, clientBytes))
                    digest.update(MessageDigest.getInstance("SHA-256").digest(each));
                var content =
                        new Content(
                                HexFormat.of().formatHex(digest.digest()),
                                PemCertificates.read(files.certificates(), certificateBytes),
                                PemKey.read(files.key(), keyBytes),
                                files.clientAuthorities().isPresent()
                                        ? PemCertificates.read(
                                                files.clientAuthorities().get(), clientBytes)
                                        : List.of());
                if (!PemKey.fits(content.key, content.certificates.getFirst().getPublicKey()))
                    throw new IOException(
                            files.key()
                                    + " is not the key of the first certificate in "
                                    + files.certificates());
                return content;
            } catch (GeneralSecurityException e) {
                throw new IOException("TLS cannot be set up: " + e.getMessage(), e);
            }
        }

        SslContext context() throws IOException {
            var builder =
                    SslContextBuilder.forServer(key, certificates.toArray(X509Certificate[]::new))
                            .sslProvider(SslProvider.JDK)
                            .protocols("TLSv1.3", "TLSv1.2")
                            .ciphers(Http2SecurityUtil.CIPHERS, SupportedCipherSuiteFilter.INSTANCE)
                            .applicationProtocolConfig(
                                    new ApplicationProtocolConfig(
                                            Protocol.ALPN,
                                            SelectorFailureBehavior.NO_ADVERTISE,
                                            SelectedListenerFailureBehavior.ACCEPT,
                                            "h2",
                                            "http/1.1"));
            if (!clientAuthorities.isEmpty())
                builder.clientAuth(ClientAuth.REQUIRE)
                        .trustManager(clientAuthorities.toArray(X509Certificate[]::new));
            return builder.build();
        }
    }
}
