package io.edged.drain;

import io.edged.wal.DeliveryLog;
import io.edged.wal.WalException;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.netty.channel.EventLoop;
import io.netty.channel.MultiThreadIoEventLoopGroup;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;

/**
 * A destination that a test turns by hand, over real connections, in a time that only passes when
 * nothing else can happen: then it jumps to when the next turn is due.
 */
final class TurnedDestination implements AutoCloseable {

    static final Instant NOW = Instant.parse("2026-11-21T10:00:00Z");

    final SimpleMeterRegistry registry = new SimpleMeterRegistry();
    final Destination destination;
    final UnchangedBodies sender;
    final DeadLetters deadLetters;
    private final Letters letters;
    private final boolean ownLetters;

    private final MultiThreadIoEventLoopGroup group = NettyHttpSenderProvider.newGroup("test-io");
    private final AtomicLong nanos = new AtomicLong(1_000_000_000L);

    /** Time that passes with each look at the clock, as it does outside of tests. */
    volatile long nanosALook;

    private final Semaphore woken = new Semaphore(0);

    TurnedDestination(DeliveryLog log, DestinationOptions options) {
        this(log, options, 42);
    }

    TurnedDestination(DeliveryLog log, DestinationOptions options, long seed) {
        this(log, options, seed, Destination.Ration.NONE, new Letters(), true);
    }

    TurnedDestination(DeliveryLog log, DestinationOptions options, List<LanePolicy> policies) {
        this(
                log,
                options,
                new Destination.Ration(policies, UplinkLimits.NONE, UplinkMemory.none()));
    }

    TurnedDestination(DeliveryLog log, DestinationOptions options, Destination.Ration ration) {
        this(log, options, 42, ration, new Letters(), true);
    }

    TurnedDestination(DeliveryLog log, DestinationOptions options, long seed, Letters letters) {
        this(log, options, List.of(), seed, letters);
    }

    TurnedDestination(
            DeliveryLog log,
            DestinationOptions options,
            List<LanePolicy> policies,
            long seed,
            Letters letters) {
        this(
                log,
                options,
                seed,
                new Destination.Ration(policies, UplinkLimits.NONE, UplinkMemory.none()),
                letters,
                false);
    }

    /** With a sender of its own, in place of a connection. */
    TurnedDestination(DeliveryLog log, DestinationOptions options, Sender own) {
        this(log, options, 42, Destination.Ration.NONE, new Letters(), true, Optional.of(own));
    }

    private TurnedDestination(
            DeliveryLog log,
            DestinationOptions options,
            long seed,
            Destination.Ration ration,
            Letters letters,
            boolean ownLetters) {
        this(log, options, seed, ration, letters, ownLetters, Optional.empty());
    }

    private TurnedDestination(
            DeliveryLog log,
            DestinationOptions options,
            long seed,
            Destination.Ration ration,
            Letters letters,
            boolean ownLetters,
            Optional<Sender> own) {
        this.letters = letters;
        this.ownLetters = ownLetters;
        this.deadLetters = letters.open(registry);
        InstantSource clock = () -> NOW.plusNanos(nanos.get() - 1_000_000_000L);
        var answers = new Answers(clock);
        sender = new UnchangedBodies(own.orElseGet(() -> connection(options, answers, clock)));
        destination =
                new Destination(
                        "node-1",
                        new EventRecords("edged", "node-1", Map.of()),
                        options,
                        ration,
                        new Destination.Surroundings(
                                log,
                                sender,
                                new RetryPolicy(
                                        options.retry().initial(),
                                        options.retry().max(),
                                        new SplittableRandom(seed)),
                                deadLetters,
                                new DrainMetrics(registry, options.name(), log.lanes(), clock),
                                clock,
                                () -> nanos.addAndGet(nanosALook),
                                woken::release));
    }

    private Sender connection(DestinationOptions options, Answers answers, InstantSource clock) {
        return switch (options.route()) {
            case DestinationOptions.Target target ->
                    target.protocol() == DestinationOptions.Protocol.GRPC
                            ? new OtlpGrpcSender(
                                    new SenderConfig(target),
                                    answers,
                                    KeepAlive.USUAL,
                                    (EventLoop) group.next())
                            : new OtlpHttpSender(
                                    new SenderConfig(target),
                                    answers,
                                    options.inFlight(),
                                    (EventLoop) group.next());
            case DestinationOptions.Directory directory ->
                    new FileSender(options.name(), directory, clock, () -> {});
        };
    }

    /** Wakes a test that waits, as the log's own threads do. */
    Runnable wake() {
        return woken::release;
    }

    /** Turns {@code turns} times; between them it waits for news, or jumps to the next due time. */
    void turnSome(int turns) throws WalException, InterruptedException {
        for (int i = 0; i < turns; i++) {
            long wait = destination.turn();
            if (woken.tryAcquire(2, TimeUnit.MILLISECONDS)) continue;
            if (wait != Long.MAX_VALUE && destination.status().inFlight() == 0)
                nanos.addAndGet(wait);
        }
    }

    /** The process dies: nothing more is sent or settled. */
    void crash() {
        sender.abort();
        NettyHttpSenderProvider.end(group);
        letters.close(deadLetters);
    }

    /** Virtual time that has passed since the beginning. */
    Duration elapsed() {
        return Duration.ofNanos(nanos.get() - 1_000_000_000L);
    }

    void pass(Duration time) {
        nanos.addAndGet(time.toNanos());
    }

    long turn() throws WalException {
        return destination.turn();
    }

    /** Turns until it holds; fails if nothing happens for ten seconds of real time. */
    void turnUntil(BooleanSupplier holds) throws WalException, InterruptedException {
        while (true) {
            long wait = destination.turn();
            if (holds.getAsBoolean()) return;
            if (elapsed().compareTo(Duration.ofDays(3)) > 0)
                throw new AssertionError("not in 3 days: " + destination.status());
            if (destination.status().inFlight() == 0 && wait != Long.MAX_VALUE) {
                nanos.addAndGet(wait);
            } else if (!woken.tryAcquire(10, TimeUnit.SECONDS)) {
                throw new AssertionError("nothing happens: " + destination.status());
            }
        }
    }

    /** The same over a link in virtual time: to the next turn that is due or the next answer. */
    void turnUntil(SlowLink link, BooleanSupplier holds) throws WalException {
        while (true) {
            long wait = Math.min(destination.turn(), link.waitNanos());
            if (holds.getAsBoolean()) return;
            if (wait == Long.MAX_VALUE || elapsed().compareTo(Duration.ofDays(3)) > 0)
                throw new AssertionError("nothing happens: " + destination.status());
            nanos.addAndGet(wait);
            link.pass(wait);
        }
    }

    double metric(String name, String... tags) {
        return registry.get(name).tags(tags).meters().stream()
                .flatMap(meter ->
                        java.util.stream.StreamSupport.stream(meter.measure().spliterator(), false))
                .mapToDouble(io.micrometer.core.instrument.Measurement::getValue)
                .sum();
    }

    @Override
    public void close() {
        sender.abort();
        destination.close();
        NettyHttpSenderProvider.end(group);
        letters.close(deadLetters);
        if (ownLetters) letters.delete();
        group.terminationFuture().awaitUninterruptibly(10, TimeUnit.SECONDS);
        if (sender.changed() > 0)
            throw new AssertionError(sender.changed() + " bodies were overwritten on their way");
        if (sender.released() != sender.sent())
            throw new AssertionError(
                    sender.released() + " bodies were released, of " + sender.sent());
    }
}
