package io.edged.identity;

import static java.lang.System.Logger.Level.DEBUG;

import io.edged.wal.Append;
import io.edged.wal.Appender;
import io.edged.wal.WalException;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Map;
import java.util.function.LongSupplier;

/**
 * What the daemon tells upstream about itself, as entries of its own log: starts, stops, reloads,
 * failing checks, errors. At most {@link #BURST} in {@link #WINDOW}; what is above that, or what
 * the log does not take, is counted and no more. Never waits; any thread.
 */
public final class SelfEvents {
    private static final System.Logger LOG = System.getLogger(SelfEvents.class.getName());

    static final int BURST = 60;
    static final Duration WINDOW = Duration.ofMinutes(10);

    private final Appender log;
    private final LongSupplier nanoTime;
    private final Counter written;
    private final Counter lost;
    private final Counter limited;
    private long windowNanos;
    private int inWindow;

    public SelfEvents(Appender log, MeterRegistry registry, LongSupplier nanoTime) {
        this.log = log;
        this.nanoTime = nanoTime;
        windowNanos = nanoTime.getAsLong();
        written = counter(registry, "written");
        lost = counter(registry, "lost");
        limited = counter(registry, "limited");
    }

    private static Counter counter(MeterRegistry registry, String outcome) {
        return Counter.builder("edged.self.events")
                .description("Events about the daemon itself, by what became of them")
                .tag("outcome", outcome)
                .register(registry);
    }

    /**
     * Appends one event.
     *
     * @param name such as {@code edged.started}
     * @param warning whether somebody should look
     */
    public void emit(String name, boolean warning, String body, Map<String, String> attributes) {
        if (!admit()) {
            limited.increment();
            return;
        }
        byte[] json = new LifecycleEvent(name, warning ? "WARN" : "INFO", body, attributes).json();
        Appender.Offer offer =
                log.offer(
                        new Append(ByteBuffer.wrap(json)) {
                            @Override
                            protected void durable(long seq) {
                                written.increment();
                            }

                            @Override
                            protected void failed(WalException why) {
                                lost.increment();
                            }
                        });
        if (offer == Appender.Offer.QUEUED) return;
        lost.increment();
        LOG.log(DEBUG, "an event was not taken; event={0} offer={1}", name, offer);
    }

    private synchronized boolean admit() {
        long now = nanoTime.getAsLong();
        if (now - windowNanos >= WINDOW.toNanos()) {
            windowNanos = now;
            inWindow = 0;
        }
        return inWindow++ < BURST;
    }
}
