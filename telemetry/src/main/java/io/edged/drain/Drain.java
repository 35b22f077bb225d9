package io.edged.drain;

import static java.lang.System.Logger.Level.ERROR;
import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;

import io.edged.wal.DeliveryLog;
import io.edged.wal.WalException;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.netty.channel.EventLoop;
import io.netty.channel.MultiThreadIoEventLoopGroup;

import java.io.IOException;
import java.lang.System.Logger;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;

/**
 * Delivers the log to its destinations: one thread for each, which repeats {@link
 * Destination#turn}, and one event loop for all of their connections.
 */
public final class Drain implements AutoCloseable {

    private static final Logger LOG = System.getLogger(Drain.class.getName());

    /**
     * The clocks and the chance that a drain goes by.
     *
     * @param wall for dates from upstream and for ages
     * @param nanoTime monotonic, for every wait
     * @param random spreads the waits
     */
    public record Clocks(InstantSource wall, LongSupplier nanoTime, RandomGenerator random) {
        public static Clocks system() {
            return new Clocks(InstantSource.system(), System::nanoTime, new SplittableRandom());
        }
    }

    /**
     * Beyond the wait for answers: a thread that reads from a hung disk does not hold up the exit.
     */
    private static final Duration END_TIMEOUT = Duration.ofSeconds(5);

    private final DeliveryLog log;
    private final DeadLetters deadLetters;
    private final UplinkMemory memory;
    private final MeterRegistry registry;
    private final Clocks clocks;
    private final Consumer<Exception> onFailure;
    private final MultiThreadIoEventLoopGroup group = NettyHttpSenderProvider.newGroup("drain-io");

    /** In force. Guarded by the monitor. */
    private DrainOptions options;

    /** Guarded by the monitor. */
    private boolean closed;

    /** In the order of the options; replaced as a whole, with the monitor. */
    private volatile List<DestinationThread> threads = List.of();

    private Drain(
            DrainOptions options,
            DeliveryLog log,
            DeadLetters deadLetters,
            UplinkMemory memory,
            MeterRegistry registry,
            Clocks clocks,
            Consumer<Exception> onFailure) {
        this.options = options;
        this.log = log;
        this.deadLetters = deadLetters;
        this.memory = memory;
        this.registry = registry;
        this.clocks = clocks;
        this.onFailure = onFailure;
    }

    /** The same where limits remember nothing over a restart. */
    public static Drain start(
            DrainOptions options,
            DeliveryLog log,
            DeadLetters deadLetters,
            MeterRegistry registry,
            Clocks clocks,
            Consumer<Exception> onFailure) {
        return start(options, log, deadLetters, UplinkMemory.none(), registry, clocks, onFailure);
    }

    /**
     * Starts to deliver.
     *
     * @param deadLetters where refused items go; stays open when the drain closes
     * @param memory what limits know of the time before
     * @param onFailure called once, on a destination's thread, if that thread has to end because
     *     the log cannot be read ({@link WalException}) or by a mistake of ours; its data stays
     */
    public static Drain start(
            DrainOptions options,
            DeliveryLog log,
            DeadLetters deadLetters,
            UplinkMemory memory,
            MeterRegistry registry,
            Clocks clocks,
            Consumer<Exception> onFailure) {
        var drain = new Drain(options, log, deadLetters, memory, registry, clocks, onFailure);
        var threads = new ArrayList<DestinationThread>();
        try {
            for (DestinationOptions destination : options.destinations()) {
                threads.add(drain.prepare(destination));
                drain.threads = List.copyOf(threads);
            }
            drain.startLetters(log.logId());
        } catch (RuntimeException e) {
            drain.close();
            throw e;
        }
        threads.forEach(DestinationThread::start);
        return drain;
    }

    /** A destination that is ready to start. */
    private DestinationThread prepare(DestinationOptions destination) {
        // A generator of its own: these are not for several threads.
        var random = new SplittableRandom(clocks.random().nextLong());
        var policy =
                new RetryPolicy(destination.retry().initial(), destination.retry().max(), random);
        var metrics = new DrainMetrics(registry, destination.name(), log.lanes(), clocks.wall());
        var certificates = certificates(destination);
        metrics.certificates(registry, destination.name(), certificates);
        Sender sender = sender(destination, clocks, metrics, certificates);
        var ration =
                new Destination.Ration(
                        options.lanes(),
                        options.limits().getOrDefault(destination.name(), UplinkLimits.NONE),
                        memory);
        String node = options.node();
        var events = new EventRecords(options);
        return new DestinationThread(
                destination.name(),
                log,
                onFailure,
                wake ->
                        new Destination(
                                node,
                                events,
                                destination,
                                ration,
                                new Destination.Surroundings(
                                        log,
                                        sender,
                                        policy,
                                        deadLetters,
                                        metrics,
                                        clocks.wall(),
                                        clocks.nanoTime(),
                                        wake)));
    }

    /**
     * Goes on with other options. A destination that they lack ends as at a stop, and its cursors
     * stay in the log; one that is new starts at its cursors, as at a start; one of {@code renewed}
     * ends and starts again. All others go on undisturbed.
     *
     * @param next for the same node and lanes
     * @param renewed names of destinations whose options are other ones than before
     * @throws RuntimeException the log cannot be read for what a new destination has to do: nothing
     *     has changed then but for the cursors, which the log has now
     */
    public synchronized void change(DrainOptions next, Set<String> renewed) {
        if (closed) return;
        DrainOptions before = options;
        Map<String, DestinationThread> running = running();
        var starting = new ArrayList<DestinationThread>();
        options = next;
        try {
            for (DestinationOptions destination : next.destinations())
                if (!running.containsKey(destination.name())) starting.add(prepare(destination));
        } catch (RuntimeException e) {
            options = before;
            for (DestinationThread thread : starting) {
                thread.stop(Duration.ZERO);
                forgetMeters(thread.name(), true);
            }
            throw e;
        }
        List<DestinationThread> ending =
                threads.stream()
                        .filter(thread ->
                                renewed.contains(thread.name()) || !isWanted(thread.name()))
                        .toList();
        Set<DestinationThread> late = end(ending);
        for (DestinationThread thread : ending) {
            boolean wanted = isWanted(thread.name());
            if (late.contains(thread)) {
                startWhenEnded(thread);
            } else {
                forgetMeters(thread.name(), !wanted);
                running.remove(thread.name());
                if (wanted) starting.add(prepare(options(thread.name())));
            }
        }
        starting.forEach(DestinationThread::start);
        for (DestinationThread thread : starting) running.put(thread.name(), thread);
        threads = inOrder(running);
    }

    private Map<String, DestinationThread> running() {
        var running = new LinkedHashMap<String, DestinationThread>();
        for (DestinationThread thread : threads) running.put(thread.name(), thread);
        return running;
    }

    private boolean isWanted(String name) {
        return options.destinations().stream().anyMatch(each -> each.name().equals(name));
    }

    private DestinationOptions options(String name) {
        return options.destinations().stream()
                .filter(each -> each.name().equals(name))
                .findFirst()
                .orElseThrow();
    }

    /** Those that are ending and not wanted come last. */
    private List<DestinationThread> inOrder(Map<String, DestinationThread> running) {
        var ordered = new LinkedHashMap<String, DestinationThread>();
        for (DestinationOptions destination : options.destinations()) {
            DestinationThread thread = running.get(destination.name());
            if (thread != null) ordered.put(destination.name(), thread);
        }
        running.forEach(ordered::putIfAbsent);
        return List.copyOf(ordered.values());
    }

    /**
     * A disk or a directory that hangs keeps a destination from ending, and nobody else may have
     * its cursors until it has. It stays in its place, without sending; what comes after it starts
     * when it is gone.
     */
    private void startWhenEnded(DestinationThread ending) {
        Thread.ofVirtual()
                .name("drain-next-" + ending.name())
                .start(() -> {
                    try {
                        ending.join();
                        replace(ending);
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    } catch (RuntimeException e) {
                        LOG.log(
                                ERROR,
                                "a destination cannot start again, its data stays in the log;"
                                        + " destination="
                                        + ending.name(),
                                e);
                        onFailure.accept(e);
                    }
                });
    }

    private synchronized void replace(DestinationThread ended) {
        if (closed || !threads.contains(ended)) return;
        Map<String, DestinationThread> running = running();
        boolean wanted = isWanted(ended.name());
        forgetMeters(ended.name(), !wanted);
        running.remove(ended.name());
        if (wanted) {
            DestinationThread next = prepare(options(ended.name()));
            running.put(ended.name(), next);
            next.start();
        }
        threads = inOrder(running);
    }

    /**
     * A gauge reads the destination that registered it; counters go on where they are.
     *
     * @param all whether the destination is gone, and its counters with it
     */
    private void forgetMeters(String destination, boolean all) {
        for (Meter meter : registry.getMeters()) {
            Meter.Id id = meter.getId();
            if (id.getName().startsWith(DrainMetrics.PREFIX)
                    && destination.equals(id.getTag(DrainMetrics.DESTINATION))
                    && (all || id.getType() == Meter.Type.GAUGE)) registry.remove(meter);
        }
    }

    private static CertificateExpiry certificates(DestinationOptions destination) {
        return new CertificateExpiry(
                switch (destination.route()) {
                    case DestinationOptions.Target target -> target.tls();
                    case DestinationOptions.Directory _ -> Optional.empty();
                });
    }

    private Sender sender(
            DestinationOptions destination,
            Clocks clocks,
            DrainMetrics metrics,
            CertificateExpiry certificates) {
        var answers = new Answers(clocks.wall());
        return switch (destination.route()) {
            case DestinationOptions.Target target ->
                    switch (target.protocol()) {
                        case HTTP ->
                                new OtlpHttpSender(
                                        new SenderConfig(target, certificates),
                                        answers,
                                        destination.inFlight(),
                                        (EventLoop) group.next());
                        case GRPC ->
                                new OtlpGrpcSender(
                                        new SenderConfig(target, certificates),
                                        answers,
                                        KeepAlive.USUAL,
                                        (EventLoop) group.next());
                    };
            case DestinationOptions.Directory directory ->
                    new FileSender(
                            destination.name(), directory, clocks.wall(), metrics::fileDeleted);
        };
    }

    private void startLetters(String logId) {
        var settledTo = new HashMap<String, Long>();
        for (DrainStatus status : status()) settledTo.put(status.destination(), status.settledTo());
        deadLetters.start(of ->
                of.log().equals(logId)
                        && settledTo.getOrDefault(of.destination(), Long.MAX_VALUE) < of.seq());
    }

    /** Has every destination look for something to do, as dead letters to try again. */
    public void wake() {
        threads.forEach(DestinationThread::wake);
    }

    /**
     * Holds a destination's requests back, or lets them go again; those under way end as usual.
     * Remembered over a restart.
     *
     * @param destination empty for all
     * @return how many destinations it concerns
     * @throws IOException it is in effect, but a restart would not know of it
     */
    public synchronized int pause(Optional<String> destination, boolean pause) throws IOException {
        int count = 0;
        for (DestinationThread thread : threads) {
            if (!destination.map(thread.name()::equals).orElse(true)) continue;
            thread.pause(pause);
            count++;
        }
        LOG.log(INFO, "the operator set pause; destinations={0} pause={1}", count, pause);
        for (DestinationThread thread : threads) {
            String name = thread.name();
            if (destination.map(name::equals).orElse(true))
                memory.change(name, use -> use.paused(pause));
        }
        return count;
    }

    /** Has every destination try at once what waits for its backoff. */
    public void hurry() {
        threads.forEach(DestinationThread::hurry);
    }

    /** How each destination is doing, in the order of the options. Any thread. */
    public List<DrainStatus> status() {
        return threads.stream().map(DestinationThread::status).toList();
    }

    /**
     * Takes no new batch, waits for the answers of those under way, at most as long as the options
     * say, settles them and lets go of the log.
     */
    @Override
    public synchronized void close() {
        closed = true;
        var _ = end(threads);
        NettyHttpSenderProvider.end(group);
    }

    /**
     * Ends destinations side by side.
     *
     * @return those whose thread has not ended
     */
    private Set<DestinationThread> end(List<DestinationThread> ending) {
        Duration closeTimeout = options.closeTimeout();
        var late = new HashSet<DestinationThread>();
        ending.forEach(thread -> thread.stop(closeTimeout));
        try {
            for (DestinationThread thread : ending)
                if (!thread.join(closeTimeout.plus(END_TIMEOUT))) {
                    late.add(thread);
                    LOG.log(
                            WARNING,
                            "a destination's thread does not end; destination={0}",
                            thread.name());
                }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            late.addAll(ending);
        }
        return late;
    }
}
