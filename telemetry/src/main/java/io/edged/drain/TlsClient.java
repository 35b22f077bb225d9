package io.edged.drain;

import io.netty.handler.ssl.SslHandler;

import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLParameters;

/**
 * The client side of TLS, on the JDK's engine. The certificate must chain to a trusted authority
 * and be made out to the host of the endpoint; there is no way to switch that off.
 *
 * @param context asked at each connection
 * @param versions in place of TLS 1.3 and 1.2, if present
 * @param protocol that the server has to agree to by ALPN; empty to ask for none
 * @param certificates told of each handshake that came to its end
 */
record TlsClient(
        Supplier<SSLContext> context,
        Optional<List<String>> versions,
        Optional<String> protocol,
        CertificateExpiry certificates) {

    private static final String[] VERSIONS = {"TLSv1.3", "TLSv1.2"};

    SslHandler handler(Endpoint endpoint, int handshakeMillis) {
        SSLEngine engine = context.get().createSSLEngine(endpoint.host(), endpoint.port());
        engine.setUseClientMode(true);
        SSLParameters parameters = engine.getSSLParameters();
        parameters.setEndpointIdentificationAlgorithm("HTTPS");
        parameters.setProtocols(
                versions.map(names -> names.toArray(String[]::new)).orElse(VERSIONS));
        protocol.ifPresent(name -> parameters.setApplicationProtocols(new String[] {name}));
        engine.setSSLParameters(parameters);
        var handler = new SslHandler(engine);
        handler.setHandshakeTimeoutMillis(handshakeMillis);
        return handler;
    }

    /** The protocol that was asked for and not agreed to. */
    Optional<String> missingProtocol(SslHandler handler) {
        return protocol.filter(name -> !name.equals(handler.engine().getApplicationProtocol()));
    }
}
