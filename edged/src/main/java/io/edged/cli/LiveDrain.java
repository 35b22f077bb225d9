package io.edged.cli;

import io.edged.drain.DeadLetters;
import io.edged.drain.Drain;
import io.edged.drain.DrainOptions;
import io.edged.drain.DrainStatus;
import io.edged.drain.UplinkMemory;
import io.edged.wal.Wal;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;

import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * The drain as the rest of the daemon sees it, over changes of its options. A change ends the
 * present drain as a stop does (no new batch, answers are waited for, settled frames are settled)
 * and starts another one on the same log: telemetry is taken all the while, and nothing is lost.
 *
 * <p>Any thread may ask; one at a time changes.
 */
final class LiveDrain implements AutoCloseable {

    private static final String METERS = "edged.drain.";

    private final Wal log;
    private final DeadLetters letters;
    private final UplinkMemory memory;
    private final MeterRegistry registry;
    private final Consumer<Exception> onFailure;

    /** Replaced by {@link #change}. */
    private volatile Drain drain;

    LiveDrain(
            DrainOptions options,
            Wal log,
            DeadLetters letters,
            UplinkMemory memory,
            MeterRegistry registry,
            Consumer<Exception> onFailure) {
        this.log = log;
        this.letters = letters;
        this.memory = memory;
        this.registry = registry;
        this.onFailure = onFailure;
        drain = start(options);
    }

    private Drain start(DrainOptions options) {
        return Drain.start(
                options, log, letters, memory, registry, Drain.Clocks.system(), onFailure);
    }

    /** Goes on with other options for the same destinations; what is paused stays so. */
    synchronized void change(DrainOptions options) {
        drain.close();
        // A gauge reads the drain that registered it; counters go on where they are.
        for (Meter meter : registry.getMeters())
            if (meter.getId().getType() == Meter.Type.GAUGE
                    && meter.getId().getName().startsWith(METERS)) registry.remove(meter);
        drain = start(options);
    }

    List<DrainStatus> status() {
        return drain.status();
    }

    void wake() {
        drain.wake();
    }

    void hurry() {
        drain.hurry();
    }

    int pause(Optional<String> destination, boolean pause) throws IOException {
        return drain.pause(destination, pause);
    }

    @Override
    public synchronized void close() {
        drain.close();
    }
}
