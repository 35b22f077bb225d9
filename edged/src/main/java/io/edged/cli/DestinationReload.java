package io.edged.cli;

import io.edged.config.EdgeConfig;
import io.edged.config.EdgeConfig.Destination;
import io.edged.drain.Drain;
import io.edged.drain.DrainOptions;
import io.edged.identity.Identity;
import io.edged.wal.Wal;

import java.io.IOException;
import java.lang.System.Logger.Level;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;

/**
 * Takes destinations in and out and gives them other options while the daemon runs. What holds for
 * a start holds here: a new one begins at the oldest record of the log; one that is taken out keeps
 * its positions, and what it has not had stays on disk and in the ledger until it is forgotten.
 */
final class DestinationReload implements Reload.Part {

    private static final System.Logger LOG = System.getLogger(DestinationReload.class.getName());

    /** Makes an event of what was done. */
    @FunctionalInterface
    interface Events {
        void emit(String name, boolean warning, String body, Map<String, String> attributes);
    }

    private final Drain drain;
    private final Wal log;
    private final Identity identity;
    private final Runnable changed;
    private final Consumer<Exception> failed;
    private final Events events;

    /**
     * @param changed told when destinations came or went
     * @param failed told when the log cannot be read for what a new destination has to do
     */
    DestinationReload(
            Drain drain,
            Wal log,
            Identity identity,
            Runnable changed,
            Consumer<Exception> failed,
            Events events) {
        this.drain = drain;
        this.log = log;
        this.identity = identity;
        this.changed = changed;
        this.failed = failed;
        this.events = events;
    }

    @Override
    public Optional<Reload.Verdict> judge(String key, EdgeConfig read) {
        return key.equals(Reload.DESTINATIONS) || key.startsWith(Reload.DESTINATIONS + ".")
                ? Optional.of(Reload.Verdict.YES)
                : Optional.empty();
    }

    @Override
    public Runnable prepare(EdgeConfig before, EdgeConfig next) {
        DrainOptions options = Options.drain(next, identity);
        return () -> change(before, next, options);
    }

    private synchronized void change(EdgeConfig before, EdgeConfig next, DrainOptions options) {
        var gone = new HashMap<String, Destination>();
        for (Destination each : before.drain().destinations()) gone.put(each.name(), each);
        var added = new LinkedHashSet<String>();
        var renewed = new LinkedHashSet<String>();
        for (Destination each : next.drain().destinations()) {
            Destination was = gone.remove(each.name());
            if (was == null) added.add(each.name());
            else if (!was.equals(each)) renewed.add(each.name());
        }
        try {
            drain.change(options, renewed);
        } catch (RuntimeException e) {
            // As at a start that cannot read the log: going on would leave it half done.
            failed.accept(e.getCause() instanceof Exception cause ? cause : e);
            throw e;
        }
        changed.run();
        for (String name : added) {
            long waiting = waiting(name);
            LOG.log(
                    Level.INFO,
                    "a destination was added; destination={0} waiting_items={1}",
                    name,
                    Long.toString(waiting));
            tell("added", false, "destination " + name + " was added", name, waiting);
        }
        gone.keySet().forEach(this::removed);
    }

    private void removed(String name) {
        leftBehind(log, Set.of(name));
        long waiting = waiting(name);
        tell("removed", waiting > 0, "destination " + name + " was taken out", name, waiting);
    }

    /**
     * Gives up what waits for a destination that is not in the configuration any more.
     *
     * @param force whether it is done; what would be is said without it
     * @return what is to be said of it
     * @throws IllegalArgumentException if that destination is in the configuration or unknown
     */
    synchronized String forget(String name, boolean force) {
        if (drain.status().stream().anyMatch(status -> status.destination().equals(name)))
            throw new IllegalArgumentException(
                    "destination "
                            + name
                            + " is in the configuration; take it out and reload before");
        if (log.balances().stream().noneMatch(row -> row.destination().equals(name)))
            throw new IllegalArgumentException("nothing is kept for a destination " + name);
        long waiting = waiting(name);
        if (!force)
            return waiting + " items wait for " + name + ", which --force gives up for good\n";
        try {
            log.forget(name);
        } catch (IOException e) {
            throw new IllegalArgumentException(
                    "it is in effect, but a restart will not know of it: " + e.getMessage(), e);
        }
        LOG.log(
                Level.WARNING,
                "what waited for a destination was given up; destination={0} items={1}",
                name,
                Long.toString(waiting));
        tell(
                "forgotten",
                true,
                "what waited for destination " + name + " was given up",
                name,
                waiting);
        return waiting + " items that waited for " + name + " were given up\n";
    }

    private void tell(String what, boolean warning, String body, String name, long waiting) {
        events.emit(
                "edged.destination." + what,
                warning,
                body,
                Map.of("edge.destination", name, "edge.waiting_items", Long.toString(waiting)));
    }

    private long waiting(String destination) {
        return waiting(log, destination);
    }

    private static long waiting(Wal log, String destination) {
        return log.balances().stream()
                .filter(row -> row.destination().equals(destination))
                .mapToLong(Wal.Balance::pending)
                .sum();
    }

    /** Says what stays on disk for destinations that are not there any more. */
    static void leftBehind(Wal log, Set<String> destinations) {
        for (String name : destinations)
            LOG.log(
                    Level.WARNING,
                    "a destination is not in the configuration any more; its positions are kept, and"
                            + " with them everything on disk that it has not had, until edged"
                            + " drain forget;"
                            + " destination={0} waiting_items={1}",
                    name,
                    Long.toString(waiting(log, name)));
    }
}
