package io.edged.watch;

import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;

import io.edged.daemon.Health;
import io.edged.daemon.Health.Check;
import io.edged.daemon.Health.Failed;
import io.edged.daemon.Health.Kind;
import io.edged.daemon.Health.Ok;
import io.edged.drain.DrainStatus;
import io.edged.wal.Wal;

import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/**
 * Registers the daemon's checks and asks them every few seconds, so that a stall is timed from its
 * beginning and a change is logged, whether or not anybody probes.
 *
 * <p>Liveness: the loops come round and the log's writer is there. Readiness: what is taken now can
 * be made durable and goes on its way.
 */
public final class Checks implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(Checks.class.getName());

    /** A loop that does not come round for so long will not do so without a restart. */
    static final Duration STUCK_LOOP = Duration.ofSeconds(20);

    /** How long the disk may work on one group before the daemon says that it is not ready. */
    static final Duration SLOW_DISK = Duration.ofSeconds(10);

    /** A device may be without a link for so long before that is worth a word. */
    static final Duration NO_PROGRESS = Duration.ofMinutes(15);

    /** Until the first connection of a destination may stand. */
    static final Duration START = Duration.ofSeconds(30);

    private static final Duration PAUSE = Duration.ofSeconds(5);

    /** What the checks read; none of it waits. */
    public record Sources(
            BooleanSupplier writing,
            Supplier<Wal.Status> log,
            Supplier<List<DrainStatus>> destinations,
            BooleanSupplier listening,
            Supplier<Duration> receiverStall,
            Path lockFile) {}

    /** Hears when a check begins to fail and when it is well again; must not wait. */
    @FunctionalInterface
    public interface Changes {
        void changed(String check, boolean failed);
    }

    private record Followed(String check, Health.Registration registration) {}

    private final Sources sources;
    private final LongSupplier nanoTime;

    /** By destination. Guarded by the monitor. */
    private final Map<String, Followed> followed = new TreeMap<>();

    private final Changes changes;
    private final Health health;
    private final Map<String, Health.Result> before = new ConcurrentHashMap<>();
    private final HoldCheck hold;
    private final ScheduledExecutorService asking =
            Executors.newSingleThreadScheduledExecutor(
                    Thread.ofPlatform().name("checks").daemon(true).factory());

    /** Looks at the disk, which may hang; the thread that asks does not. */
    private final ScheduledExecutorService looking =
            Executors.newSingleThreadScheduledExecutor(
                    Thread.ofPlatform().name("checks-disk").daemon(true).factory());

    Checks(
            Health health,
            Sources sources,
            Changes changes,
            InstantSource wall,
            LongSupplier nanoTime) {
        this.health = health;
        this.changes = changes;
        hold = new HoldCheck(sources.lockFile());
        var clock = new ClockCheck(wall, nanoTime);
        health.register(
                Check.of(
                        "log-writer",
                        Kind.LIVE,
                        () ->
                                sources.writing().getAsBoolean()
                                        ? new Ok()
                                        : new Failed("the log's writer has ended")));
        health.register(
                new Check(
                        "receiver-loop",
                        Kind.LIVE,
                        STUCK_LOOP,
                        Duration.ZERO,
                        () -> stall("a loop of the receiver", sources.receiverStall().get())));
        health.register(Check.of("log", Kind.READY, () -> log(sources.log().get())));
        health.register(Check.of("disk-reserve", Kind.READY, () -> reserve(sources.log().get())));
        health.register(
                new Check(
                        "fsync",
                        Kind.READY,
                        SLOW_DISK,
                        Duration.ZERO,
                        () -> disk(sources.log().get())));
        health.register(
                Check.of(
                        "receiver",
                        Kind.READY,
                        () ->
                                sources.listening().getAsBoolean()
                                        ? new Ok()
                                        : new Failed("an address is not listened on any more")));
        health.register(Check.of("clock", Kind.READY, clock::look));
        health.register(Check.of("lock", Kind.READY, hold::look));
        this.sources = sources;
        this.nanoTime = nanoTime;
        follow();
    }

    /**
     * Has a check for each destination that there is now, and none for others. Any thread; call it
     * when destinations have changed.
     */
    public synchronized void follow() {
        List<DrainStatus> now = sources.destinations().get();
        var gone = new HashSet<>(followed.keySet());
        for (DrainStatus destination : now) gone.remove(destination.destination());
        for (String name : gone) {
            Followed check = followed.remove(name);
            if (check == null) continue;
            check.registration().close();
            before.remove(Kind.READY + " " + check.check());
        }
        for (DrainStatus destination : now) {
            String name = destination.destination();
            if (followed.containsKey(name)) continue;
            var progress =
                    new ProgressCheck(
                            () -> find(sources, destination),
                            () -> sources.log().get().committedSeq(),
                            nanoTime);
            String check = checkName(name);
            for (int more = 2; isTaken(check); more++) check = checkName(name) + "-" + more;
            followed.put(
                    name,
                    new Followed(
                            check,
                            health.register(
                                    new Check(
                                            check,
                                            Kind.READY,
                                            NO_PROGRESS,
                                            START,
                                            progress::look))));
        }
    }

    private boolean isTaken(String check) {
        return followed.values().stream().anyMatch(each -> each.check().equals(check));
    }

    /**
     * Registers the checks and begins to ask them. Close it to end that.
     *
     * @param sample done at each turn, too; must not wait
     */
    public static Checks start(Health health, Sources sources, Runnable sample, Changes changes) {
        var checks = new Checks(health, sources, changes, InstantSource.system(), System::nanoTime);
        var _ =
                checks.asking.scheduleWithFixedDelay(
                        () -> checks.turn(sample), 0, PAUSE.toMillis(), TimeUnit.MILLISECONDS);
        var _ =
                checks.looking.scheduleWithFixedDelay(
                        checks.hold::read, 0, PAUSE.toMillis(), TimeUnit.MILLISECONDS);
        return checks;
    }

    /** Checks of readiness that do not keep the daemon from taking telemetry now. */
    public static Set<String> notForIntake(Health health) {
        return health.report(Kind.READY, Set.of()).lines().stream()
                .map(Health.Line::name)
                .filter(name ->
                        name.startsWith("drain-") || name.equals("clock") || name.equals("lock"))
                .collect(Collectors.toUnmodifiableSet());
    }

    private void turn(Runnable sample) {
        try {
            sample.run();
            turn();
        } catch (RuntimeException e) {
            // The turn after this one may go better; without this there would be none.
            LOG.log(WARNING, "the checks could not be asked; error={0}", e);
        }
    }

    /** Asks every check once and logs what changed. */
    void turn() {
        for (Kind kind : Kind.values()) {
            for (Health.Line line : health.report(kind, Set.of()).lines()) {
                if (line.name().equals(Health.LIFE_CYCLE)) continue;
                Health.Result was = before.put(kind + " " + line.name(), line.result());
                if (line.result() instanceof Failed failed && !(was instanceof Failed)) {
                    changes.changed(line.name(), true);
                    LOG.log(
                            WARNING,
                            "a check fails; check={0} reason={1}",
                            line.name(),
                            failed.reason());
                } else if (line.result() instanceof Ok && was instanceof Failed) {
                    changes.changed(line.name(), false);
                    LOG.log(INFO, "a check is well again; check={0}", line.name());
                }
            }
        }
    }

    /** For tests: the look at the disk that has its own thread. */
    void readDisk() {
        hold.read();
    }

    private static DrainStatus find(Sources sources, DrainStatus atStart) {
        return sources.destinations().get().stream()
                .filter(each -> each.destination().equals(atStart.destination()))
                .findFirst()
                .orElse(atStart);
    }

    /** Names of destinations may hold what names of checks may not. */
    static String checkName(String destination) {
        String plain =
                destination
                        .toLowerCase(java.util.Locale.ROOT)
                        .replaceAll("[^a-z0-9]+", "-")
                        .replaceAll("^-|-$", "");
        String cut = plain.length() > 57 ? plain.substring(0, 57) : plain;
        return "drain-" + (cut.isEmpty() ? "destination" : cut.replaceAll("-$", ""));
    }

    private static Health.Result stall(String who, Duration stalled) {
        return stalled.isZero()
                ? new Ok()
                : new Failed(
                        who + " has not come round for " + stalled.toSeconds() + " s", stalled);
    }

    private static Health.Result log(Wal.Status log) {
        return log.failure()
                .<Health.Result>map(failure -> new Failed(String.valueOf(failure.getMessage())))
                .orElseGet(Ok::new);
    }

    private static Health.Result reserve(Wal.Status log) {
        if (!log.full()) return new Ok();
        return new Failed(
                "the log is full: "
                        + log.allocatedBytes()
                        + " of "
                        + log.ceilingBytes()
                        + " bytes, or the disk has no more than its reserve left; space returns"
                        + " when the drain delivers");
    }

    private static Health.Result disk(Wal.Status log) {
        if (log.busy().isZero()) return new Ok();
        return new Failed(
                "the disk has not answered for " + log.busy().toSeconds() + " s", log.busy());
    }

    @Override
    public void close() {
        asking.shutdownNow();
        looking.shutdown();
    }
}
