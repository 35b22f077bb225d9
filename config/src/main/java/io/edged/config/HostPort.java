package io.edged.config;

import java.net.InetAddress;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Where to listen. Nothing is looked up: a host is an address or a name as written.
 *
 * @param host an IPv4 address, an IPv6 address without brackets, or a host name
 * @param port 0 to 65535; 0 lets the system choose a free one
 */
public record HostPort(String host, int port) {

    private static final Pattern FORM =
            Pattern.compile("(?:\\[([0-9A-Fa-f.]*:[0-9A-Fa-f:.]*)]|([^:\\[\\]]+)):([0-9]{1,5})");

    /** A last label of digits only would be a mistyped address. */
    private static final Pattern NAME =
            Pattern.compile(
                    "(?=.{1,253}$)(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\\.)*"
                            + "(?![0-9]+$)[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?");

    private static final Pattern IPV4 =
            Pattern.compile("[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]{1,3}");

    public HostPort {
        if (port < 0 || port > 65_535)
            throw new IllegalArgumentException("port must be 0 to 65535, was " + port);
        if (!isHost(host))
            throw new IllegalArgumentException("no address and no host name: " + host);
    }

    /** Reads {@code host:port}, with an IPv6 address in brackets. */
    static Optional<HostPort> parse(String text) {
        Matcher form = FORM.matcher(text);
        if (!form.matches()) return Optional.empty();
        String host = form.group(1) != null ? form.group(1) : form.group(2);
        int port = Integer.parseInt(form.group(3));
        return isHost(host) && port <= 65_535
                ? Optional.of(new HostPort(host, port))
                : Optional.empty();
    }

    /**
     * Whether only this machine can connect. A name other than {@code localhost} could mean any
     * address, so it counts as remote.
     */
    public boolean isLoopback() {
        return host.equalsIgnoreCase("localhost")
                || address(host).map(InetAddress::isLoopbackAddress).orElse(false);
    }

    private static boolean isHost(String host) {
        return NAME.matcher(host).matches() || address(host).isPresent();
    }

    private static Optional<InetAddress> address(String host) {
        if (!IPV4.matcher(host).matches() && host.indexOf(':') < 0) return Optional.empty();
        try {
            return Optional.of(InetAddress.ofLiteral(host));
        } catch (IllegalArgumentException _) {
            return Optional.empty();
        }
    }

    /** The form that {@link #parse} reads. */
    @Override
    public String toString() {
        return (host.indexOf(':') < 0 ? host : "[" + host + "]") + ":" + port;
    }
}
