package io.edged.drain;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * Turns a host into addresses. A literal is parsed in place and never becomes a DNS query; a name
 * is looked up on a thread of its own, because the JDK's resolver blocks and an event loop must
 * not. Nothing is kept here: each new connection asks again (the JDK itself remembers an answer for
 * half a minute).
 */
final class Addresses {

    /** A name may have many addresses; a connection tries no more than these. */
    static final int MAX_ADDRESSES = 4;

    private Addresses() {}

    /** Completes with 1 to {@link #MAX_ADDRESSES} addresses, or with the reason, on any thread. */
    static CompletableFuture<List<InetAddress>> of(String host) {
        try {
            return CompletableFuture.completedFuture(List.of(InetAddress.ofLiteral(host)));
        } catch (IllegalArgumentException notALiteral) {
            return lookUp(host);
        }
    }

    private static CompletableFuture<List<InetAddress>> lookUp(String host) {
        var found = new CompletableFuture<List<InetAddress>>();
        Thread.ofPlatform()
                .daemon()
                .name("drain-names")
                .start(() -> {
                    try {
                        var all = List.of(InetAddress.getAllByName(host));
                        found.complete(all.subList(0, Math.min(all.size(), MAX_ADDRESSES)));
                    } catch (UnknownHostException e) {
                        var named = new UnknownHostException("host " + host + " has no address");
                        named.initCause(e);
                        found.completeExceptionally(named);
                    } catch (RuntimeException e) {
                        found.completeExceptionally(e);
                    }
                });
        return found;
    }
}
