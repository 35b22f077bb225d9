package io.edged.receiver;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * What each client may send on average, in items and in bytes of bodies: two token buckets a
 * client, each filled for {@value #BURST_SECONDS} seconds at most. A request is taken while neither
 * is empty and may leave a debt, so that one that is larger than a bucket passes in the end; the
 * debt is what the next one waits for. Any thread.
 *
 * <p>At most {@value #MAX_CLIENTS} clients are remembered; of more, the one that was seen longest
 * ago is forgotten, and begins with full buckets should it come again.
 */
final class Quotas {

    static final int MAX_CLIENTS = 1024;
    static final int BURST_SECONDS = 2;

    /** Longer than this nobody is told to stay away. */
    static final int MAX_WAIT_SECONDS = 60;

    private static final double NANOS = TimeUnit.SECONDS.toNanos(1);

    /** Written under the monitor; 0 is read without it. */
    private volatile double itemsPerSecond;

    private volatile double bytesPerSecond;
    private final LongSupplier nanoTime;
    private final Map<String, Buckets> clients =
            new LinkedHashMap<>(64, 0.75f, true) {
                private static final long serialVersionUID = 1;

                @Override
                protected boolean removeEldestEntry(Map.Entry<String, Buckets> eldest) {
                    return size() > MAX_CLIENTS;
                }
            };

    private static final class Buckets {
        private double items;
        private double bytes;
        private long filledNanos;
    }

    /** 0 for no quota. */
    Quotas(long itemsPerSecond, long bytesPerSecond, LongSupplier nanoTime) {
        this.itemsPerSecond = itemsPerSecond;
        this.bytesPerSecond = bytesPerSecond;
        this.nanoTime = nanoTime;
    }

    /**
     * Sets other quotas. What a client owes it goes on owing, and pays off at the new pace; where
     * there was no quota, nobody owes anything.
     */
    synchronized void change(long newItemsPerSecond, long newBytesPerSecond) {
        for (Buckets buckets : clients.values()) {
            if (itemsPerSecond == 0) buckets.items = (double) newItemsPerSecond * BURST_SECONDS;
            if (bytesPerSecond == 0) buckets.bytes = (double) newBytesPerSecond * BURST_SECONDS;
        }
        itemsPerSecond = newItemsPerSecond;
        bytesPerSecond = newBytesPerSecond;
        if (newItemsPerSecond == 0 && newBytesPerSecond == 0) clients.clear();
    }

    /**
     * Takes a request out of the buckets of a client.
     *
     * @return 0, or the seconds after which the client may come again; nothing is taken then
     */
    int take(String client, int items, long bytes) {
        if (itemsPerSecond == 0 && bytesPerSecond == 0) return 0;
        long now = nanoTime.getAsLong();
        synchronized (this) {
            Buckets buckets = clients.get(client);
            if (buckets == null) {
                buckets = new Buckets();
                buckets.items = itemsPerSecond * BURST_SECONDS;
                buckets.bytes = bytesPerSecond * BURST_SECONDS;
                buckets.filledNanos = now;
                clients.put(client, buckets);
            }
            double seconds = (now - buckets.filledNanos) / NANOS;
            buckets.filledNanos = now;
            buckets.items = filled(buckets.items, itemsPerSecond, seconds);
            buckets.bytes = filled(buckets.bytes, bytesPerSecond, seconds);
            double wait =
                    Math.max(
                            wait(buckets.items, itemsPerSecond),
                            wait(buckets.bytes, bytesPerSecond));
            if (wait > 0) return (int) Math.clamp(Math.ceil(wait), 1, MAX_WAIT_SECONDS);
            buckets.items -= items;
            buckets.bytes -= bytes;
            return 0;
        }
    }

    /** How many clients are remembered. */
    synchronized int clients() {
        return clients.size();
    }

    private static double filled(double held, double perSecond, double seconds) {
        return Math.min(held + perSecond * seconds, perSecond * BURST_SECONDS);
    }

    /** Until the bucket holds something; a bucket without a quota always does. */
    private static double wait(double held, double perSecond) {
        return perSecond == 0 || held > 0 ? 0 : (1 - held) / perSecond;
    }
}
