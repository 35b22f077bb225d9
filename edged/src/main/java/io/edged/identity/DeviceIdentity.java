package io.edged.identity;

import com.fasterxml.jackson.core.JsonGenerator;

import io.edged.daemon.ExitException;
import io.edged.wal.Appender;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;

import java.io.IOException;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Who the daemon is while it runs: its lock is compared once, when it starts, and what came of that
 * is a line, metrics, a section of the status and, when it changed, an event in the log.
 */
public final class DeviceIdentity {

    private static final System.Logger LOG = System.getLogger(DeviceIdentity.class.getName());

    /** How many differences a line of the log and the status name; all are in {@code verify}. */
    private static final int SHOWN = 20;

    private final Path state;
    private final Identity identity;

    private DeviceIdentity(Path state, Identity identity) {
        this.state = state;
        this.identity = identity;
    }

    /**
     * Compares the device with its lock.
     *
     * @param state the state directory, which this process holds
     * @param locked whether the daemon may run only under a matching lock
     * @throws ExitException {@code LOCK} or {@code CERTIFICATES}: it must not run
     */
    public static DeviceIdentity check(String node, Path state, LockCheck check, boolean locked) {
        LockState found = check.state(HashProgress.NONE);
        if (locked || found instanceof LockState.Untrusted) check.require(found, locked);
        switch (found) {
            case LockState.Matching matching ->
                    LOG.log(
                            Level.INFO,
                            "everything is as locked; fingerprint={0} file={1}",
                            matching.fingerprint(),
                            matching.file());
            case LockState.Different different ->
                    LOG.log(
                            Level.WARNING,
                            "this is not what the lock has; differences={0} first={1} file={2}"
                                    + " show={3} renew={4}",
                            Integer.toString(different.differences().size()),
                            different.differences().getFirst(),
                            different.file(),
                            "edged lock verify",
                            check.writeCommand());
            case LockState.Unusable unusable ->
                    LOG.log(
                            Level.WARNING,
                            "the lock cannot be used; file={0} problem={1} renew={2}",
                            unusable.file(),
                            unusable.problem(),
                            check.writeCommand());
            case LockState.Absent _, LockState.Untrusted _ -> {}
        }
        return new DeviceIdentity(state, new Identity(node, found, epoch(state)));
    }

    private static Optional<Epoch> epoch(Path state) {
        try {
            return new Epochs(state).known();
        } catch (IOException e) {
            LOG.log(
                    Level.WARNING,
                    "the epoch of the system is unknown; error={0}",
                    String.valueOf(e.getMessage()));
            return Optional.empty();
        }
    }

    public Identity identity() {
        return identity;
    }

    /** Registers the meters; their values do not change while the daemon runs. */
    public void register(MeterRegistry meters) {
        Gauge.builder("edged.identity.info", () -> 1)
                .description("Which device this is, under which lock and in which epoch; always 1")
                .tag("node", identity.node())
                .tag("lock", identity.lockWord())
                .tag("epoch", identity.epochWord())
                .register(meters);
        int mismatch = identity.lockState().equals("mismatch") ? 1 : 0;
        Gauge.builder("edged.lock.mismatch", () -> mismatch)
                .description("1 if there is a lock and the device is not as it has it")
                .register(meters);
        int differences = problems().size();
        Gauge.builder("edged.lock.differences", () -> differences)
                .description("Files, keys and other things that are not as the lock has them")
                .register(meters);
    }

    private List<String> problems() {
        return switch (identity.lock()) {
            case LockState.Different different -> different.differences();
            case LockState.Unusable unusable -> List.of(unusable.problem());
            case LockState.Untrusted untrusted -> List.of(untrusted.problem());
            case LockState.Matching _, LockState.Absent _ -> List.of();
        };
    }

    /** The members of the section of the status. */
    public void write(JsonGenerator json) throws IOException {
        json.writeStringField("node", identity.node());
        json.writeStringField("lock_state", identity.lockState());
        json.writeStringField("lock_file", identity.lock().file().toString());
        if (identity.lock() instanceof LockState.Matching matching)
            json.writeStringField("lock_fingerprint", matching.fingerprint().value());
        List<String> problems = problems();
        json.writeNumberField("lock_differences", problems.size());
        json.writeArrayFieldStart("lock_first_differences");
        for (String problem : problems.subList(0, Math.min(SHOWN, problems.size())))
            json.writeString(problem);
        json.writeEndArray();
        if (identity.epoch().isEmpty()) return;
        Epoch epoch = identity.epoch().get();
        json.writeNumberField("epoch", epoch.number());
        json.writeStringField("epoch_began_at", epoch.began().toString());
        json.writeStringField("os_fingerprint", epoch.system().fingerprint().value());
    }

    /**
     * Tells the log what is new since the daemon ran before, and notes the lock under which it runs
     * now. An event that cannot be appended is told again at the next start.
     *
     * @param log open; nothing from outside has been appended yet
     */
    public void announce(Appender log) {
        try {
            announceLock(log, new ActiveLock(state));
        } catch (IOException e) {
            LOG.log(
                    Level.WARNING,
                    "the event about the lock could not be written; error={0}",
                    String.valueOf(e.getMessage()));
        }
        try {
            announceEpoch(log, new Epochs(state));
        } catch (IOException e) {
            LOG.log(
                    Level.WARNING,
                    "the event about the epoch could not be written; error={0}",
                    String.valueOf(e.getMessage()));
        }
    }

    private void announceLock(Appender log, ActiveLock active) throws IOException {
        if (identity.lock() instanceof LockState.Matching matching) active.set(matching.lock());
        else active.clear();
        String word = identity.lockWord();
        String before = active.announced();
        // What does not match is told at every start: it must not be forgotten.
        if (word.equals(before) && !identity.lockState().equals("mismatch")) return;
        List<String> problems = problems();
        var attributes = new TreeMap<String, String>();
        attributes.put("edge.lock.state", identity.lockState());
        attributes.put("edge.lock.fingerprint", word);
        attributes.put("edge.lock.previous", before);
        attributes.put("edge.lock.differences", Integer.toString(problems.size()));
        event(identity.lock(), problems, attributes).append(log);
        active.announce(word);
    }

    private static LifecycleEvent event(
            LockState lock, List<String> problems, Map<String, String> attributes) {
        return switch (lock) {
            case LockState.Matching _ ->
                    new LifecycleEvent(
                            "edged.lock.matching",
                            "INFO",
                            "records from here on are taken under this lock",
                            attributes);
            case LockState.Absent _ ->
                    new LifecycleEvent(
                            "edged.lock.none",
                            "WARN",
                            "records from here on are taken without a lock; there was one before",
                            attributes);
            case LockState.Different _, LockState.Unusable _, LockState.Untrusted _ ->
                    new LifecycleEvent(
                            "edged.lock.mismatch",
                            "WARN",
                            "the device is not as its lock has it: "
                                    + String.join(
                                            "; ",
                                            problems.subList(0, Math.min(SHOWN, problems.size()))),
                            attributes);
        };
    }

    private void announceEpoch(Appender log, Epochs epochs) throws IOException {
        if (identity.epoch().isEmpty()) return;
        Epoch epoch = identity.epoch().get();
        if (epoch.number() <= epochs.announced()) return;
        new LifecycleEvent(
                        "edged.system.changed",
                        "WARN",
                        "the system below edged changed: " + String.join("; ", epoch.changes()),
                        Map.of(
                                "edge.epoch",
                                Long.toString(epoch.number()),
                                "edge.epoch.began_at",
                                epoch.began().toString(),
                                "edge.os.fingerprint",
                                epoch.system().fingerprint().value()))
                .append(log);
        epochs.announce(epoch);
    }
}
