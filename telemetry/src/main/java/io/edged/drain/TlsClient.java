package io.edged.drain;

import io.netty.handler.ssl.SslHandler;

import java.util.List;
import java.util.Optional;

import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLParameters;

/**
 * The client side of TLS, on the JDK's engine. The certificate must chain to a trusted authority
 * and be made out to the host of the endpoint; there is no way to switch that off.
 *
 * @param protocols in place of TLS 1.3 and 1.2, if present
 */
record TlsClient(SSLContext context, Optional<List<String>> protocols) {

    private static final String[] PROTOCOLS = {"TLSv1.3", "TLSv1.2"};

    SslHandler handler(Endpoint endpoint, int handshakeMillis) {
        SSLEngine engine = context.createSSLEngine(endpoint.host(), endpoint.port());
        engine.setUseClientMode(true);
        SSLParameters parameters = engine.getSSLParameters();
        parameters.setEndpointIdentificationAlgorithm("HTTPS");
        parameters.setProtocols(
                protocols.map(names -> names.toArray(String[]::new)).orElse(PROTOCOLS));
        engine.setSSLParameters(parameters);
        var handler = new SslHandler(engine);
        handler.setHandshakeTimeoutMillis(handshakeMillis);
        return handler;
    }
}
