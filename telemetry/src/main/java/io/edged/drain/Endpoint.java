package io.edged.drain;

import java.net.URI;
import java.util.Locale;

/**
 * Where requests go, taken apart once.
 *
 * @param tls whether the scheme is https
 * @param host name or IP literal, without the brackets of IPv6
 * @param port 1 to 65535
 * @param path with query, as it stands in the request line
 */
record Endpoint(boolean tls, String host, int port, String path) {

    private static final int HTTP_PORT = 80;
    private static final int HTTPS_PORT = 443;

    /**
     * Takes an endpoint apart.
     *
     * @throws IllegalArgumentException naming what is wrong with the URI
     */
    static Endpoint of(URI uri) {
        String scheme = uri.getScheme() == null ? "" : uri.getScheme().toLowerCase(Locale.ROOT);
        if (!scheme.equals("http") && !scheme.equals("https"))
            throw wrong(uri, "must begin with http:// or https://");
        String host = uri.getHost();
        if (host == null) throw wrong(uri, "must name a host");
        if (uri.getRawUserInfo() != null)
            throw wrong(uri, "must not carry credentials; put them into a header");
        if (uri.getRawFragment() != null) throw wrong(uri, "must not have a fragment");
        boolean tls = scheme.equals("https");
        int port = uri.getPort() >= 0 ? uri.getPort() : tls ? HTTPS_PORT : HTTP_PORT;
        if (port < 1 || port > 65535) throw wrong(uri, "must have a port between 1 and 65535");
        String path =
                uri.getRawPath() == null || uri.getRawPath().isEmpty() ? "/" : uri.getRawPath();
        if (uri.getRawQuery() != null) path += "?" + uri.getRawQuery();
        boolean bracketed = host.startsWith("[") && host.endsWith("]");
        return new Endpoint(
                tls, bracketed ? host.substring(1, host.length() - 1) : host, port, path);
    }

    private static IllegalArgumentException wrong(URI uri, String rule) {
        // Credentials could stand before the host: name the host only.
        return new IllegalArgumentException("endpoint with host " + uri.getHost() + " " + rule);
    }

    /** The value of {@code Host}. */
    String authority() {
        return port == (tls ? HTTPS_PORT : HTTP_PORT) ? hostInUri() : hostAndPort();
    }

    /** Both, as a proxy takes them. */
    String hostAndPort() {
        return hostInUri() + ":" + port;
    }

    private String hostInUri() {
        return host.indexOf(':') >= 0 ? "[" + host + "]" : host;
    }
}
