package io.edged.admin;

import java.net.InetSocketAddress;
import java.time.Duration;

/**
 * Where the admin server listens, and its limits.
 *
 * @param address where to listen; port 0 takes a free one
 * @param maxConnections at most so many at a time; one more is closed at once
 * @param exchangeTimeout from the end of one answer (or the connection's start) to the end of the
 *     next; a connection that takes longer is closed, be it idle, slow to ask or slow to read
 * @param renderTimeout how long metrics or status may take before the answer is 503
 */
public record AdminOptions(
        InetSocketAddress address,
        int maxConnections,
        Duration exchangeTimeout,
        Duration renderTimeout) {
    public AdminOptions {
        if (maxConnections < 1 || !exchangeTimeout.isPositive() || !renderTimeout.isPositive())
            throw new IllegalArgumentException(
                    "maxConnections and timeouts must be positive, were "
                            + maxConnections
                            + ", "
                            + exchangeTimeout
                            + ", "
                            + renderTimeout);
    }

    /** 64 connections, a minute for an exchange, five seconds for rendering. */
    public static AdminOptions at(InetSocketAddress address) {
        return new AdminOptions(address, 64, Duration.ofSeconds(60), Duration.ofSeconds(5));
    }
}
