package io.edged.receiver;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * How many connections each other machine has open. There are as many entries as there are
 * addresses with an open connection, so what bounds connections bounds this. Any thread.
 *
 * <p>A peer whose address is the one that it has connected to is this machine. All its programs
 * share that address, and who may run programs here can do worse: it is not counted.
 */
final class Peers {

    private volatile int limit;
    private final Map<InetAddress, Integer> open = new ConcurrentHashMap<>();

    /**
     * @param limit connections of one address; 0 for no limit
     */
    Peers(int limit) {
        this.limit = limit;
    }

    /** Sets another limit; connections that are open stay. */
    void limit(int connections) {
        limit = connections;
    }

    /** Counts a connection; false, and nothing is counted, if its peer has too many already. */
    boolean enter(InetSocketAddress remote, InetSocketAddress local) {
        if (!isCounted(remote, local)) return true;
        // All are counted, whatever the limit: it may change while they are open.
        int most = limit == 0 ? Integer.MAX_VALUE : limit;
        var entered = new boolean[1];
        open.compute(
                remote.getAddress(),
                (address, now) -> {
                    int before = now == null ? 0 : now;
                    entered[0] = before < most;
                    return entered[0] ? Integer.valueOf(before + 1) : now;
                });
        return entered[0];
    }

    /** A connection that was let in has ended. */
    void leave(InetSocketAddress remote, InetSocketAddress local) {
        if (isCounted(remote, local))
            open.computeIfPresent(remote.getAddress(), (address, now) -> now == 1 ? null : now - 1);
    }

    /** Addresses that have connections open. */
    int size() {
        return open.size();
    }

    private static boolean isCounted(InetSocketAddress remote, InetSocketAddress local) {
        return !remote.getAddress().equals(local.getAddress());
    }
}
