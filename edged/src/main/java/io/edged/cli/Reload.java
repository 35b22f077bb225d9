package io.edged.cli;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;

import io.edged.config.EdgeConfig;
import io.edged.config.EdgeConfig.Destination;
import io.edged.daemon.ExitException;
import io.edged.daemon.ServiceManager;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.lang.System.Logger.Level;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.lang.reflect.RecordComponent;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * What SIGHUP and {@code edged reload} do: the configuration is read again and checked as a whole.
 * A configuration with problems changes nothing. Of a sound one, the parts that can change while
 * the daemon runs do; other keys that changed are named with the reason why they wait for a
 * restart.
 *
 * <p>{@link #turn} may be called by any thread.
 */
final class Reload {
    private static final System.Logger LOG = System.getLogger(Reload.class.getName());

    private static final String RESTART = "takes effect at the next start";

    static final String DESTINATIONS = "drain.destination";

    /** Why keys wait for a restart, by a pattern of their names; the first that matches. */
    private static final Map<String, String> REASONS = new LinkedHashMap<>();

    static {
        REASONS.put(
                "receiver\\.(http|grpc|events_socket)|admin\\.(listen|socket)",
                "clients are connected to this address");
        REASONS.put("storage\\.dir", "the log is open in its directory");
        REASONS.put("storage\\..*|wal\\..*|deadletter\\..*", "the log was opened with it");
        REASONS.put("drain\\.lane", "what waits in each lane is counted when the log is opened");
        REASONS.put("node\\.id", "what is under way bears this name");
        REASONS.put("lock\\..*", "the lock is proven before anything is opened");
    }

    /** A part of the daemon whose options can change while it runs. */
    interface Part {

        /** Whether that is the part's key, and what speaks against changing it now. */
        Optional<Verdict> judge(String key, EdgeConfig read);

        /**
         * Makes ready what may fail, without changing anything.
         *
         * @param before what is in force
         * @param next the same, with what was read of the keys that may change
         * @return the change itself, which does not fail
         * @throws ExitException a file that the configuration names cannot be used
         */
        Runnable prepare(EdgeConfig before, EdgeConfig next);
    }

    /** May it change? {@code reason} is empty if so. */
    record Verdict(String reason) {
        static final Verdict YES = new Verdict("");
    }

    record Refused(String key, String reason) {}

    /**
     * What came of it.
     *
     * @param applied keys that are in force now
     * @param refused keys that are not
     * @param problem why nothing changed; empty if the configuration is sound
     */
    record Outcome(List<String> applied, List<Refused> refused, String problem) {
        String json() {
            var text = new StringWriter();
            try (JsonGenerator json = new JsonFactory().createGenerator(text)) {
                json.writeStartObject();
                json.writeArrayFieldStart("applied");
                for (String key : applied) json.writeString(key);
                json.writeEndArray();
                json.writeArrayFieldStart("refused");
                for (Refused each : refused) {
                    json.writeStartObject();
                    json.writeStringField("key", each.key());
                    json.writeStringField("reason", each.reason());
                    json.writeEndObject();
                }
                json.writeEndArray();
                if (!problem.isEmpty()) json.writeStringField("problem", problem);
                json.writeEndObject();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            return text + "\n";
        }
    }

    private final Path path;
    private final Function<Path, EdgeConfig> reader;
    private final List<Part> parts;
    private final ServiceManager manager;
    private final Consumer<Outcome> told;

    /** What each part runs with; of a refused key the old value stays. */
    private EdgeConfig inForce;

    /**
     * @param atStart the configuration that the daemon runs with
     * @param reader reads a configuration, or throws {@link ExitException} with its problems
     * @param told hears of each outcome
     */
    Reload(
            Path path,
            EdgeConfig atStart,
            Function<Path, EdgeConfig> reader,
            List<Part> parts,
            ServiceManager manager,
            Consumer<Outcome> told) {
        this.path = path;
        this.inForce = atStart;
        this.reader = reader;
        this.parts = List.copyOf(parts);
        this.manager = manager;
        this.told = told;
    }

    /**
     * Calls {@link #turn} at every SIGHUP from now on.
     *
     * <p>The class for signals is no public one of Java, so that it is looked up; without it the
     * signal ends the process as if this had never been called, and a warning says so.
     */
    void onHangUp() {
        try {
            Class<?> signal = Class.forName("sun.misc.Signal");
            Class<?> handler = Class.forName("sun.misc.SignalHandler");
            Object listener =
                    Proxy.newProxyInstance(
                            handler.getClassLoader(),
                            new Class<?>[] {handler},
                            (_, method, _) -> {
                                // Of the proxy's other methods nobody has a use.
                                if (method.getName().equals("handle")) {
                                    var _ = turn();
                                }
                                return switch (method.getName()) {
                                    case "equals" -> false;
                                    case "hashCode" -> 1;
                                    case "toString" -> "reload";
                                    default -> null;
                                };
                            });
            signal.getMethod("handle", signal, handler)
                    .invoke(null, signal.getConstructor(String.class).newInstance("HUP"), listener);
        } catch (ReflectiveOperationException | LinkageError e) {
            Throwable why = e instanceof InvocationTargetException thrown ? thrown.getCause() : e;
            LOG.log(
                    Level.WARNING,
                    "the configuration cannot be reloaded, SIGHUP ends the process; error={0}",
                    why);
        }
    }

    /** Reads the configuration once more. */
    synchronized Outcome turn() {
        manager.reloading();
        try {
            Outcome outcome = outcome();
            told.accept(outcome);
            return outcome;
        } finally {
            manager.ready();
        }
    }

    private Outcome outcome() {
        var applied = new ArrayList<String>();
        var refused = new ArrayList<Refused>();
        try {
            EdgeConfig read = reader.apply(path);
            var changing = new LinkedHashSet<Part>();
            List<String> changes = changes("", inForce, read);
            for (Part part : parts)
                for (String key : changes)
                    if (part.equals(owner(key, read))) {
                        applied.add(key);
                        changing.add(part);
                    }
            EdgeConfig before = inForce;
            EdgeConfig next = merged("", before, read, applied);
            // Those that were refused earlier and still wait are among them, each time.
            for (String key : changes("", next, read))
                refused.add(new Refused(key, reason(key, read)));
            // Everything that can fail comes before the first change.
            List<Runnable> steps =
                    changing.stream().map(part -> part.prepare(before, next)).toList();
            steps.forEach(Runnable::run);
            inForce = next;
        } catch (ExitException e) {
            LOG.log(
                    Level.ERROR,
                    "configuration not reloaded, nothing changed; file={0} problems={1}",
                    path,
                    e.getMessage());
            return new Outcome(List.of(), List.of(), String.valueOf(e.getMessage()));
        }
        if (refused.isEmpty())
            LOG.log(
                    Level.INFO,
                    "configuration reloaded; file={0} applied={1}",
                    path,
                    String.join(",", applied));
        else
            LOG.log(
                    Level.WARNING,
                    "configuration reloaded, some keys need a restart; file={0} applied={1}"
                            + " restart={2}",
                    path,
                    String.join(",", applied),
                    refused.stream().map(Refused::key).collect(Collectors.joining(",")));
        return new Outcome(List.copyOf(applied), List.copyOf(refused), "");
    }

    /** The part that can take the change of a key now. */
    private @Nullable Part owner(String key, EdgeConfig read) {
        for (Part part : parts) {
            Optional<Verdict> verdict = part.judge(key, read);
            if (verdict.isPresent()) return verdict.get().equals(Verdict.YES) ? part : null;
        }
        return null;
    }

    /** Why a key that is in the file is not in force. */
    private String reason(String key, EdgeConfig read) {
        for (Part part : parts) {
            Optional<Verdict> verdict = part.judge(key, read);
            if (verdict.isPresent()) return verdict.get().reason();
        }
        return RESTART
                + REASONS.entrySet().stream()
                        .filter(each -> key.matches(each.getKey()))
                        .map(each -> ": " + each.getValue())
                        .findFirst()
                        .orElse("");
    }

    /** The keys whose values differ, as they are written in the file; destinations by name. */
    static List<String> changes(String prefix, Record before, Record now) {
        var changed = new ArrayList<String>();
        for (RecordComponent component : before.getClass().getRecordComponents()) {
            String key = prefix + key(component.getName());
            Object was = value(component, before);
            Object is = value(component, now);
            if (was.equals(is)) continue;
            if (key.equals(DESTINATIONS)) {
                changed.addAll(destinations((EdgeConfig.Drain) before, (EdgeConfig.Drain) now));
            } else if (was instanceof Record inner && is instanceof Record other) {
                List<String> below = isTable(inner) ? changes(key + ".", inner, other) : List.of();
                if (below.isEmpty()) changed.add(key);
                else changed.addAll(below);
            } else {
                changed.add(key);
            }
        }
        return changed;
    }

    private static List<String> destinations(EdgeConfig.Drain before, EdgeConfig.Drain now) {
        var was = new LinkedHashMap<String, Destination>();
        for (Destination each : before.destinations()) was.put(each.name(), each);
        var changed = new ArrayList<String>();
        for (Destination each : now.destinations())
            if (!each.equals(was.remove(each.name())))
                changed.add(DESTINATIONS + "." + each.name());
        for (String name : was.keySet()) changed.add(DESTINATIONS + "." + name);
        // They stand in another order.
        if (changed.isEmpty()) changed.add(DESTINATIONS);
        return changed;
    }

    /** {@code before}, with the values that {@code read} has of some keys. */
    static <R extends Record> R merged(String prefix, R before, R read, Collection<String> keys) {
        RecordComponent[] components = before.getClass().getRecordComponents();
        var types = new Class<?>[components.length];
        var values = new Object[components.length];
        for (int i = 0; i < components.length; i++) {
            String key = prefix + key(components[i].getName());
            Object was = value(components[i], before);
            Object is = value(components[i], read);
            types[i] = components[i].getType();
            boolean taken =
                    keys.stream()
                            .anyMatch(each ->
                                    each.equals(key)
                                            || (key.equals(DESTINATIONS)
                                                    && each.startsWith(key + ".")));
            if (taken) values[i] = is;
            else if (was instanceof Record inner && isTable(inner))
                values[i] = merged(key + ".", inner, (Record) is, keys);
            else values[i] = was;
        }
        try {
            @SuppressWarnings("unchecked") // of the same class as before
            R merged = (R) before.getClass().getDeclaredConstructor(types).newInstance(values);
            return merged;
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("records of the configuration are public", e);
        }
    }

    private static Object value(RecordComponent component, Record of) {
        try {
            return component.getAccessor().invoke(of);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("records of the configuration are public", e);
        }
    }

    /** A table of the file, not a value that happens to be a record. */
    private static boolean isTable(Record value) {
        return value.getClass().getEnclosingClass() == EdgeConfig.class;
    }

    private static String key(String component) {
        String name = component.replaceAll("([A-Z])", "_$1").toLowerCase(Locale.ROOT);
        return switch (name) {
            case "destinations" -> "destination";
            case "lanes" -> "lane";
            case "dead_letter" -> "deadletter";
            default -> name;
        };
    }
}
