package io.edged.cli;

import com.fasterxml.jackson.core.JsonGenerator;

import io.edged.admin.AdminServer;
import io.edged.admin.Commands;
import io.edged.admin.Flow;
import io.edged.admin.FlowCounters;
import io.edged.admin.HealthMetrics;
import io.edged.admin.History;
import io.edged.admin.LedgerMetrics;
import io.edged.admin.Metrics;
import io.edged.admin.Status;
import io.edged.config.EdgeConfig;
import io.edged.daemon.ExitCode;
import io.edged.daemon.ExitException;
import io.edged.daemon.Health;
import io.edged.daemon.LifeCycle;
import io.edged.daemon.Logging;
import io.edged.daemon.ServiceManager;
import io.edged.daemon.Version;
import io.edged.demo.DaemonCounts;
import io.edged.demo.RunningDaemon;
import io.edged.disk.DirectoryLock;
import io.edged.disk.FileSystemDirectory;
import io.edged.disk.LogDirectory;
import io.edged.drain.DeadLetters;
import io.edged.drain.Drain;
import io.edged.drain.DrainStatus;
import io.edged.drain.UplinkMemory;
import io.edged.events.EventSocket;
import io.edged.identity.DeviceIdentity;
import io.edged.identity.SelfEvents;
import io.edged.receiver.Receiver;
import io.edged.receiver.ReceiverOptions;
import io.edged.receiver.TlsException;
import io.edged.wal.Wal;
import io.edged.wal.WalEnvironment;
import io.edged.wal.WalException;
import io.edged.watch.Checks;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.lang.System.Logger.Level;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/**
 * A daemon at work. Admin is first up and last down, so that probes are answered during recovery
 * and while the daemon stops; the receiver is last up and first down, so that nothing is taken that
 * cannot be kept.
 */
final class Daemon implements RunningDaemon {

    private static final System.Logger LOG = System.getLogger(Daemon.class.getName());

    static final String LOG_DIRECTORY = "wal";

    private static final String DRAIN_DIRECTORY = "drain";

    private final Health health;
    private final Wal wal;
    private final Drain drain;
    private final InetSocketAddress otlp;
    private final InetSocketAddress admin;
    private final Parts parts;
    private final Commands commands;
    private final Logging logging;
    private final List<Reload.Part> reloadable;
    private final Optional<SelfEvents> events;
    private final long acceptedBefore;
    private final long deliveredBefore;

    private Daemon(
            LoadedConfiguration loaded,
            boolean locked,
            LifeCycle lifeCycle,
            Logging logging,
            Parts parts) {
        EdgeConfig config = loaded.config();
        this.parts = parts;
        Metrics metrics = parts.add(new Metrics());
        Health checks = new Health(System::nanoTime);
        health = checks;
        Status status = new Status();
        commands = new Commands();
        this.logging = logging;
        AdminServer opened;
        try {
            AdminServer server =
                    parts.add(
                            AdminServer.start(
                                    Options.admin(config), metrics, checks, status, commands));
            admin = server.address();
            opened = server;
        } catch (IOException e) {
            throw new ExitException(
                    ExitCode.CONFIGURATION,
                    "admin.listen: "
                            + e.getMessage()
                            + "; is another program, or another edged, using it?",
                    e);
        }
        LogDirectory state = takeState(config, parts);
        commands.directory(ControlClient.encode(ControlClient.directory(config)));
        openControl(config, opened, parts);
        DeviceIdentity identity =
                DeviceIdentity.check(
                        config.node().id(),
                        config.storage().dir(),
                        loaded.lockCheck(Optional.empty()),
                        locked);
        identity.register(metrics.registry());
        status.add("identity", identity::write);
        Wal log = openLog(config, state, metrics, parts);
        wal = log;
        identity.announce(log);
        events =
                config.log().events()
                        ? Optional.of(new SelfEvents(log, metrics.registry(), System::nanoTime))
                        : Optional.empty();
        log.onFailure(failure ->
                lifeCycle.stop(ExitCode.STORAGE_FAILED, String.valueOf(failure.getMessage())));
        List<Wal.Balance> before = log.balances();
        acceptedBefore = before.stream().mapToLong(Wal.Balance::accepted).sum();
        deliveredBefore = before.stream().mapToLong(Wal.Balance::delivered).sum();
        DeadLetters letters = letters(config, metrics, parts);
        Consumer<Exception> drainFailed =
                failure ->
                        lifeCycle.stop(
                                exitCode(failure),
                                "the drain cannot go on: " + failure.getMessage());
        Drain draining =
                parts.add(
                        Drain.start(
                                Options.drain(config, identity.identity()),
                                log,
                                letters,
                                uplinkMemory(config, state),
                                metrics.registry(),
                                Drain.Clocks.system(),
                                drainFailed));
        drain = draining;
        ReceiverOptions options = Options.receiver(config);
        Receiver receiver;
        try {
            receiver =
                    parts.add(
                            Receiver.start(
                                    options,
                                    log,
                                    metrics.registry(),
                                    () -> takes(checks),
                                    forecast(config, log, draining),
                                    new SecureRandom()));
            otlp = receiver.address();
        } catch (TlsException e) {
            throw new ExitException(ExitCode.CERTIFICATES, "receiver: " + e.getMessage(), e);
        } catch (IOException e) {
            throw new ExitException(ExitCode.CONFIGURATION, "receiver: " + e.getMessage(), e);
        }
        config.receiver().eventsSocket().ifPresent(path -> openEvents(path, log, metrics, parts));
        Checks watching = observe(checks, metrics, status, log, draining, receiver, config);
        registerLogging(metrics, logging, config);
        status.add("problems", json -> StatusSections.problems(json, logging));
        command(commands, log, draining, letters, logging);
        var destinations =
                new DestinationReload(
                        draining,
                        log,
                        identity.identity(),
                        watching::follow,
                        drainFailed,
                        this::emit);
        commands.add("forget", query -> forget(destinations, query));
        status.add("log", json -> writeLog(json, log));
        status.add("drain", json -> writeDrain(json, draining));
        reloadable =
                List.of(
                        // The first, for it may find that the log cannot be read.
                        destinations,
                        ReloadParts.logging(logging),
                        ReloadParts.tokens(receiver, config),
                        ReloadParts.limits(receiver, config));
        DestinationReload.leftBehind(log, withoutDestination(config, before));
        logging.onError(line -> emit("edged.error", true, line, Map.of()));
        emit(
                "edged.started",
                false,
                "edged takes telemetry",
                Map.of(
                        "edge.log.id",
                        log.logId(),
                        "edge.lock.state",
                        identity.identity().lockState()));
        checks.ready();
        Thread.ofPlatform().name("metrics-start").daemon(true).start(metrics::watchProcess);
        LOG.log(
                Level.INFO,
                "ready; version={0} node={1} receiver={2} admin={3} directory={4} log={5}",
                Version.current(),
                config.node().id(),
                otlp,
                admin,
                config.storage().dir(),
                log.logId());
    }

    /**
     * Opens everything and returns when telemetry is taken.
     *
     * @throws ExitException something cannot be opened; what was opened is closed again
     */
    static Daemon start(
            LoadedConfiguration config, boolean locked, LifeCycle lifeCycle, Logging logging) {
        var parts = new Parts();
        try {
            return new Daemon(config, locked, lifeCycle, logging, parts);
        } catch (RuntimeException e) {
            parts.close();
            throw e;
        }
    }

    /** When refused clients should come back. */
    private static RoomForecast forecast(EdgeConfig config, Wal log, Drain drain) {
        return new RoomForecast(
                () -> {
                    Wal.Status status = log.status();
                    return new RoomForecast.LogReading(
                            status.oldestSeq(),
                            status.committedSeq(),
                            status.allocatedBytes(),
                            config.wal().segmentBytes(),
                            status.busy());
                },
                () -> drain.status().stream().mapToLong(DrainStatus::settledTo).min().orElse(0),
                System::nanoTime);
    }

    /** Whether clients may send: what is only wrong with the way out does not concern them. */
    private static boolean takes(Health checks) {
        return checks.report(Health.Kind.READY, Checks.notForIntake(checks)).ok();
    }

    /** Checks and the meters that are read from the parts. */
    private Checks observe(
            Health checks,
            Metrics metrics,
            Status status,
            Wal log,
            Drain drain,
            Receiver receiver,
            EdgeConfig config) {
        var source = new LedgerMetrics.Source(log::balances, log::status, drain::status);
        var counters = new FlowCounters(metrics.registry());
        var history =
                new History(() -> Flow.read(InstantSource.system().instant(), counters, source));
        status.add("flow", history::writeNow);
        status.addPage("/history", history::write);
        status.add("health", json -> StatusSections.health(json, checks));
        Checks watching =
                Checks.start(
                        checks,
                        new Checks.Sources(
                                log::isWriting,
                                log::status,
                                drain::status,
                                receiver::isListening,
                                receiver::stalledFor,
                                DirectoryLock.file(config.storage().dir())),
                        history::sample,
                        (check, failed) ->
                                emit(
                                        failed ? "edged.check.failed" : "edged.check.well",
                                        failed,
                                        "check " + check + (failed ? " fails" : " is well again"),
                                        Map.of("edge.check", check)));
        parts.add(watching);
        var ledger = new LedgerMetrics(metrics.registry(), source);
        metrics.beforeScrape(ledger::refresh);
        var wellness = new HealthMetrics(metrics.registry(), checks);
        metrics.beforeScrape(wellness::refresh);
        return watching;
    }

    /** Destinations for which something waits in the log, and which the configuration lacks. */
    private static Set<String> withoutDestination(EdgeConfig config, List<Wal.Balance> ledger) {
        var names = new TreeSet<String>();
        for (Wal.Balance row : ledger) if (row.pending() > 0) names.add(row.destination());
        config.drain().destinations().forEach(each -> names.remove(each.name()));
        return names;
    }

    private static void registerLogging(Metrics metrics, Logging logging, EdgeConfig config) {
        String name = "edged.log.lines";
        String help = "Warnings and errors that were logged, those held back included";
        FunctionCounter.builder(name, logging, Logging::warnings)
                .description(help)
                .tag("level", "warning")
                .register(metrics.registry());
        FunctionCounter.builder(name, logging, Logging::errors)
                .description(help)
                .tag("level", "error")
                .register(metrics.registry());
        Gauge.builder("edged.disk.reserve", () -> config.storage().reserveBytes())
                .description("Bytes of the file system that the log leaves to others")
                .baseUnit("bytes")
                .register(metrics.registry());
    }

    /** Without the socket commands go over the admin port: that is no reason not to start. */
    private static void openControl(EdgeConfig config, AdminServer server, Parts parts) {
        Path path = config.admin().socket().orElse(null);
        if (path == null) return;
        Path directory = path.toAbsolutePath().getParent();
        if (directory == null || !Files.isDirectory(directory)) {
            LOG.log(Level.INFO, "no control socket, its directory is not there; socket={0}", path);
            return;
        }
        try {
            parts.add(server.control(path));
        } catch (IOException e) {
            LOG.log(
                    Level.WARNING,
                    "no control socket; socket={0} error={1}",
                    path,
                    String.valueOf(e.getMessage()));
        }
    }

    private static LogDirectory takeState(EdgeConfig config, Parts parts) {
        Path path = config.storage().dir();
        try {
            LogDirectory state = FileSystemDirectory.open(path);
            parts.add(DirectoryLock.take(path, "process " + ProcessHandle.current().pid()));
            return state;
        } catch (DirectoryLock.HeldException e) {
            throw new ExitException(
                    ExitCode.STATE_DIRECTORY,
                    e.getMessage() + "; stop it, or give this one another storage.dir",
                    e);
        } catch (IOException e) {
            throw unusable(path, e);
        }
    }

    private static Wal openLog(
            EdgeConfig config, LogDirectory state, Metrics metrics, Parts parts) {
        try {
            var environment =
                    new WalEnvironment(
                            InstantSource.system(),
                            System::nanoTime,
                            new SecureRandom(),
                            metrics.registry());
            return parts.add(
                    Wal.open(state.directory(LOG_DIRECTORY), Options.wal(config), environment));
        } catch (WalException e) {
            throw new ExitException(exitCode(e), String.valueOf(e.getMessage()), e);
        } catch (IOException e) {
            throw unusable(config.storage().dir(), e);
        }
    }

    private static void openEvents(Path path, Wal log, Metrics metrics, Parts parts) {
        try {
            parts.add(EventSocket.start(path, log, metrics.registry()));
        } catch (IOException e) {
            throw new ExitException(
                    ExitCode.CONFIGURATION, "receiver.events_socket: " + e.getMessage(), e);
        }
    }

    private static ExitException unusable(Path path, IOException e) {
        return new ExitException(
                ExitCode.STATE_DIRECTORY,
                "storage.dir = \""
                        + path
                        + "\" cannot be used: "
                        + e
                        + "; it must be a directory that this user may write, on a file system with room",
                e);
    }

    private static UplinkMemory uplinkMemory(EdgeConfig config, LogDirectory state) {
        try {
            return UplinkMemory.in(state.directory(DRAIN_DIRECTORY));
        } catch (IOException e) {
            throw unusable(config.storage().dir(), e);
        }
    }

    private static DeadLetters letters(EdgeConfig config, Metrics metrics, Parts parts) {
        try {
            return parts.add(
                    new DeadLetters(
                            Options.deadLetters(config),
                            LetterLog.in(config),
                            InstantSource.system(),
                            metrics.registry()));
        } catch (IOException e) {
            throw new ExitException(
                    ExitCode.STATE_DIRECTORY,
                    "storage.dir = \"" + config.storage().dir() + "\" cannot be used: " + e,
                    e);
        }
    }

    private static void command(
            Commands commands, Wal log, Drain drain, DeadLetters letters, Logging logging) {
        var lettered = new LetterCommands(letters, InstantSource.system());
        commands.add("deadletter-list", lettered::list);
        commands.add("deadletter-inspect", lettered::inspect);
        commands.add(
                "deadletter-retry",
                query -> {
                    String answer = lettered.retry(query);
                    drain.wake();
                    return answer;
                });
        commands.add("deadletter-purge", lettered::purge);
        commands.add("pause", query -> pause(drain, query, true));
        commands.add("resume", query -> pause(drain, query, false));
        commands.add("recent-log", _ -> String.join("\n", logging.recent().lines()) + "\n");
        commands.add("threads", _ -> ThreadReport.text());
        commands.add("pending", _ -> pending(log));
        commands.add(
                "flush",
                _ -> {
                    drain.hurry();
                    return pending(log);
                });
    }

    private void emit(String name, boolean warning, String body, Map<String, String> attributes) {
        events.ifPresent(each -> each.emit(name, warning, body, attributes));
    }

    /** Takes a new configuration at SIGHUP and when it is asked to. */
    void reloadFrom(Path path, EdgeConfig atStart, ServiceManager manager) {
        var reload = new Reload(path, atStart, Main::read, reloadable, manager, this::reloaded);
        reload.onHangUp();
        commands.add("reload", _ -> reload.turn().json());
    }

    private void reloaded(Reload.Outcome outcome) {
        emit(
                "edged.reloaded",
                !outcome.problem().isEmpty() || !outcome.refused().isEmpty(),
                outcome.problem().isEmpty()
                        ? "the configuration was read again"
                        : "the configuration was read again and has problems: nothing changed",
                Map.of(
                        "edge.reload.applied",
                        String.join(",", outcome.applied()),
                        "edge.reload.refused",
                        outcome.refused().stream()
                                .map(Reload.Refused::key)
                                .collect(Collectors.joining(","))));
    }

    private static String pause(Drain drain, Map<String, List<String>> query, boolean pause) {
        Optional<String> destination =
                query.getOrDefault("destination", List.of()).stream().findFirst();
        int count;
        try {
            count = drain.pause(destination, pause);
        } catch (IOException e) {
            throw new IllegalArgumentException(
                    "it is in effect, but a restart will not know of it: " + e.getMessage(), e);
        }
        if (count == 0)
            throw new IllegalArgumentException(
                    "there is no destination " + destination.orElse("at all"));
        return count + (pause ? " paused\n" : " resumed\n");
    }

    private static String forget(DestinationReload destinations, Map<String, List<String>> query) {
        String name =
                query.getOrDefault("destination", List.of()).stream()
                        .findFirst()
                        .orElseThrow(
                                () -> new IllegalArgumentException("name it with --destination"));
        return destinations.forget(name, query.containsKey("force"));
    }

    private static String pending(Wal log) {
        return log.balances().stream().mapToLong(Wal.Balance::pending).sum() + "\n";
    }

    private static ExitCode exitCode(Exception failure) {
        if (!(failure instanceof WalException log)) return ExitCode.INTERNAL;
        return switch (log.code()) {
            case CORRUPT -> ExitCode.CORRUPTION;
            case UNUSABLE, FULL -> ExitCode.STATE_DIRECTORY;
            case STORAGE_FAILED, CLOSED -> ExitCode.STORAGE_FAILED;
        };
    }

    private static void writeLog(JsonGenerator json, Wal log) throws IOException {
        Wal.Status status = log.status();
        json.writeStringField("id", log.logId());
        json.writeNumberField("committed_seq", status.committedSeq());
        json.writeNumberField("oldest_seq", status.oldestSeq());
        json.writeNumberField("segments", status.segments());
        json.writeNumberField("allocated_bytes", status.allocatedBytes());
        json.writeNumberField("ceiling_bytes", status.ceilingBytes());
        json.writeBooleanField("full", status.full());
        json.writeArrayFieldStart("ledger");
        for (Wal.Balance balance : log.balances()) {
            json.writeStartObject();
            json.writeStringField("cursor", balance.cursor());
            json.writeStringField("signal", balance.signal());
            json.writeNumberField("accepted", balance.accepted());
            json.writeNumberField("delivered", balance.delivered());
            json.writeNumberField("dead_lettered", balance.deadLettered());
            json.writeNumberField("dropped", balance.dropped());
            json.writeNumberField("pending", balance.pending());
            json.writeNumberField("pending_bytes", balance.pendingBytes());
            json.writeEndObject();
        }
        json.writeEndArray();
    }

    private static void writeDrain(JsonGenerator json, Drain drain) throws IOException {
        json.writeArrayFieldStart("destinations");
        for (DrainStatus destination : drain.status()) {
            json.writeStartObject();
            json.writeStringField("name", destination.destination());
            json.writeStringField("state", destination.state().name());
            json.writeNumberField("in_flight", destination.inFlight());
            json.writeNumberField("settled_to", destination.settledTo());
            json.writeNumberField("refused_frames", destination.refusedFrames());
            writeText(json, "last_error", destination.lastError().orElse(null));
            writeText(json, "limited_by", destination.limitedBy().orElse(null));
            json.writeArrayFieldStart("lanes");
            for (DrainStatus.LaneStatus lane : destination.lanes()) {
                json.writeStartObject();
                json.writeStringField("lane", lane.lane());
                json.writeNumberField("settled_to", lane.settledTo());
                json.writeNumberField("in_flight", lane.inFlight());
                json.writeNumberField("waiting_frames", lane.waiting());
                writeText(
                        json,
                        "oldest_written_at",
                        lane.oldestWrittenAt().map(Object::toString).orElse(null));
                json.writeEndObject();
            }
            json.writeEndArray();
            json.writeEndObject();
        }
        json.writeEndArray();
    }

    private static void writeText(JsonGenerator json, String name, @Nullable String text)
            throws IOException {
        if (text != null) json.writeStringField(name, text);
    }

    /** Tells the service manager how this daemon fares, until it is closed. */
    ServiceManager tell(Map<String, String> environment) {
        return parts.add(ServiceManager.connect(environment, health));
    }

    @Override
    public InetSocketAddress otlp() {
        return otlp;
    }

    @Override
    public InetSocketAddress admin() {
        return admin;
    }

    @Override
    public DaemonCounts counts() {
        List<Wal.Balance> now = wal.balances();
        return new DaemonCounts(
                now.stream().mapToLong(Wal.Balance::accepted).sum() - acceptedBefore,
                now.stream().mapToLong(Wal.Balance::delivered).sum() - deliveredBefore,
                now.stream().mapToLong(Wal.Balance::pending).sum(),
                wal.status().allocatedBytes());
    }

    @Override
    public void close() {
        health.stopping();
        emit("edged.stopping", false, "edged stops", Map.of());
        logging.onError(_ -> {});
        parts.close();
        LOG.log(Level.INFO, "stopped; destinations={0}", Integer.toString(drain.status().size()));
    }

    /**
     * What was opened, closed in reverse. One part that cannot be closed does not keep the others
     * open.
     */
    private static final class Parts {
        private final ArrayDeque<AutoCloseable> open = new ArrayDeque<>();

        <T extends AutoCloseable> T add(T part) {
            open.push(part);
            return part;
        }

        void close() {
            while (!open.isEmpty()) {
                AutoCloseable part = open.pop();
                try {
                    part.close();
                } catch (Exception e) {
                    LOG.log(
                            Level.ERROR,
                            "a part could not be closed; part={0} error={1}",
                            part.getClass().getSimpleName(),
                            String.valueOf(e.getMessage()));
                }
            }
        }
    }
}
