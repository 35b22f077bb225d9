package io.edged.cli;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;

import io.edged.config.EdgeConfig;
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
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
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

    /** A part of the daemon whose options can change while it runs. */
    interface Part {

        /** Whether that is the part's key, and what speaks against changing it now. */
        Optional<Verdict> judge(String key, EdgeConfig read);

        /**
         * Makes ready what may fail, without changing anything.
         *
         * @return the change itself, which does not fail
         * @throws ExitException a file that the configuration names cannot be used
         */
        Runnable prepare(EdgeConfig read);
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
    private EdgeConfig before;

    /** Keys that were refused earlier and still wait; they are named each time. */
    private final EdgeConfig atStart;

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
        this.atStart = atStart;
        this.before = atStart;
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
            for (String key : changes("", before, read)) {
                Part owner = owner(key, read);
                if (owner == null) continue;
                applied.add(key);
                changing.add(owner);
            }
            for (String key : changes("", atStart, read)) {
                if (applied.contains(key)) continue;
                String reason = reason(key, read);
                if (!reason.isEmpty()) refused.add(new Refused(key, reason));
            }
            // Everything that can fail comes before the first change.
            List<Runnable> steps = changing.stream().map(part -> part.prepare(read)).toList();
            steps.forEach(Runnable::run);
            before = read;
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

    /** Why a key that is not what it was at the start is not in force; empty if it is. */
    private String reason(String key, EdgeConfig read) {
        for (Part part : parts) {
            Optional<Verdict> verdict = part.judge(key, read);
            if (verdict.isPresent()) return verdict.get().reason();
        }
        return RESTART;
    }

    /** The keys whose values differ, as they are written in the file. */
    static List<String> changes(String prefix, Record before, Record now) {
        var changed = new ArrayList<String>();
        try {
            for (RecordComponent component : before.getClass().getRecordComponents()) {
                String key = prefix + key(component.getName());
                Object was = component.getAccessor().invoke(before);
                Object is = component.getAccessor().invoke(now);
                if (was instanceof Record inner && is instanceof Record other && !was.equals(is)) {
                    List<String> below =
                            isTable(inner) ? changes(key + ".", inner, other) : List.of();
                    if (below.isEmpty()) changed.add(key);
                    else changed.addAll(below);
                } else if (!java.util.Objects.equals(was, is)) {
                    changed.add(key);
                }
            }
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("records of the configuration are public", e);
        }
        return changed;
    }

    /** A table of the file, not a value that happens to be a record. */
    private static boolean isTable(Record value) {
        return value.getClass().getEnclosingClass() == EdgeConfig.class;
    }

    private static String key(String component) {
        String name = component.replaceAll("([A-Z])", "_$1").toLowerCase(Locale.ROOT);
        return name.equals("destinations") ? "destination" : name;
    }
}
