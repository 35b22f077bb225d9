package io.edged.drain;

import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;

import io.edged.wal.DeliveryLog;
import io.edged.wal.WalException;
import io.micrometer.core.instrument.MeterRegistry;
import io.netty.channel.EventLoop;
import io.netty.channel.MultiThreadIoEventLoopGroup;

import java.io.IOException;
import java.lang.System.Logger;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Optional;
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

    private final Duration closeTimeout;
    private final DeadLetters deadLetters;
    private final UplinkMemory memory;
    private final MultiThreadIoEventLoopGroup group = NettyHttpSenderProvider.newGroup("drain-io");
    private final List<DestinationThread> threads = new ArrayList<>();

    private Drain(Duration closeTimeout, DeadLetters deadLetters, UplinkMemory memory) {
        this.closeTimeout = closeTimeout;
        this.memory = memory;
        this.deadLetters = deadLetters;
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
        var drain = new Drain(options.closeTimeout(), deadLetters, memory);
        try {
            for (DestinationOptions destination : options.destinations())
                drain.add(options, destination, log, registry, clocks, onFailure);
            drain.startLetters(log.logId());
        } catch (RuntimeException e) {
            drain.close();
            throw e;
        }
        drain.threads.forEach(DestinationThread::start);
        return drain;
    }

    private void add(
            DrainOptions options,
            DestinationOptions destination,
            DeliveryLog log,
            MeterRegistry registry,
            Clocks clocks,
            Consumer<Exception> onFailure) {
        // A generator of its own: these are not for several threads.
        var random = new SplittableRandom(clocks.random().nextLong());
        var policy =
                new RetryPolicy(destination.retry().initial(), destination.retry().max(), random);
        var metrics = new DrainMetrics(registry, destination.name(), log.lanes(), clocks.wall());
        var certificates = certificates(destination);
        metrics.certificates(registry, destination.name(), certificates);
        Sender sender = sender(destination, clocks, metrics, certificates);
        threads.add(
                new DestinationThread(
                        destination.name(),
                        log,
                        onFailure,
                        wake ->
                                new Destination(
                                        options.node(),
                                        new EventRecords(options),
                                        destination,
                                        new Destination.Ration(
                                                options.lanes(),
                                                options.limits()
                                                        .getOrDefault(
                                                                destination.name(),
                                                                UplinkLimits.NONE),
                                                memory),
                                        new Destination.Surroundings(
                                                log,
                                                sender,
                                                policy,
                                                deadLetters,
                                                metrics,
                                                clocks.wall(),
                                                clocks.nanoTime(),
                                                wake))));
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
    public int pause(Optional<String> destination, boolean pause) throws IOException {
        int count = 0;
        for (DestinationThread thread : threads) {
            if (!destination.map(thread.status().destination()::equals).orElse(true)) continue;
            thread.pause(pause);
            count++;
        }
        LOG.log(INFO, "the operator set pause; destinations={0} pause={1}", count, pause);
        for (DestinationThread thread : threads) {
            String name = thread.status().destination();
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
    public void close() {
        threads.forEach(thread -> thread.stop(closeTimeout));
        try {
            for (DestinationThread thread : threads)
                if (!thread.join(closeTimeout.plus(END_TIMEOUT)))
                    LOG.log(
                            WARNING,
                            "a destination's thread does not end; destination={0}",
                            thread.status().destination());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        NettyHttpSenderProvider.end(group);
    }
}
