package io.edged.drain;

import java.net.URI;
import java.util.Optional;

/**
 * An HTTP proxy in front of a destination. With https and gRPC it is asked for a tunnel (CONNECT);
 * plain HTTP it is asked to pass on.
 *
 * @param credentials for {@code Proxy-Authorization}
 */
public record ProxyServer(String host, int port, Optional<CredentialFile> credentials) {

    /**
     * A proxy by its URI, {@code http://host:port}.
     *
     * @throws IllegalArgumentException naming what is wrong with the URI
     */
    public static ProxyServer of(URI uri, Optional<CredentialFile> credentials) {
        Endpoint endpoint = Endpoint.of(uri);
        if (endpoint.tls() || !endpoint.path().equals("/"))
            throw new IllegalArgumentException(
                    "a proxy is http://host:port, was one with host " + endpoint.host());
        return new ProxyServer(endpoint.host(), endpoint.port(), credentials);
    }

    Optional<String> authorization() {
        return credentials.map(CredentialFile::header);
    }
}
