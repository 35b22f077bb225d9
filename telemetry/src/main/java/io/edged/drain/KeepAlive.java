package io.edged.drain;

import java.time.Duration;

/**
 * When a connection of HTTP/2 is asked whether the other side is still there.
 *
 * @param silence with requests under way, after which it is asked with a PING, and again until the
 *     want of an answer ends the connection
 * @param interval between two such questions: servers close connections that ask more often
 */
record KeepAlive(Duration silence, Duration interval) {
    static final KeepAlive USUAL = new KeepAlive(Duration.ofSeconds(20), Duration.ofMinutes(5));
}
