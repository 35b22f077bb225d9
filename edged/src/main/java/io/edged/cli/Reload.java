package io.edged.cli;

import io.edged.config.EdgeConfig;
import io.edged.daemon.ExitException;
import io.edged.daemon.Logging;
import io.edged.daemon.ServiceManager;
import io.edged.receiver.ReceiverOptions;

import java.lang.System.Logger.Level;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.lang.reflect.RecordComponent;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * What SIGHUP does: the configuration is read again and checked. Level and format of the log and
 * the receiver's tokens take effect at once; other keys that changed are named in a warning and
 * take effect at the next start. A configuration with problems changes nothing.
 *
 * <p>{@link #turn} may be called by any thread, one at a time.
 */
final class Reload {
    private static final System.Logger LOG = System.getLogger(Reload.class.getName());

    private final Path path;
    private final Function<Path, EdgeConfig> reader;
    private final Logging logging;
    private final ServiceManager manager;
    private final EdgeConfig atStart;
    private final Consumer<List<ReceiverOptions.Token>> tokens;

    /**
     * @param atStart the configuration that the daemon runs with
     * @param tokens takes the tokens that clients may show from now on
     * @param reader reads a configuration, or throws {@link ExitException} with its problems
     */
    Reload(
            Path path,
            EdgeConfig atStart,
            Function<Path, EdgeConfig> reader,
            Logging logging,
            ServiceManager manager,
            Consumer<List<ReceiverOptions.Token>> tokens) {
        this.path = path;
        this.atStart = atStart;
        this.tokens = tokens;
        this.reader = reader;
        this.logging = logging;
        this.manager = manager;
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
                                if (method.getName().equals("handle")) turn();
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
    synchronized void turn() {
        manager.reloading();
        try {
            EdgeConfig read = reader.apply(path);
            logging.adjust(Options.logLevel(read), Options.logFormat(read));
            List<String> later = changes("", atStart, read);
            later.removeAll(List.of("log.level", "log.format"));
            boolean asked = !atStart.receiver().bearerTokens().isEmpty();
            if (asked && !read.receiver().bearerTokens().isEmpty()) {
                tokens.accept(Options.tokens(read));
                later.remove("receiver.bearer_tokens");
            }
            if (later.isEmpty()) {
                LOG.log(Level.INFO, "configuration reloaded; file={0}", path);
            } else {
                LOG.log(
                        Level.WARNING,
                        "configuration reloaded, some keys need a restart; file={0} restart={1}",
                        path,
                        String.join(",", later));
            }
        } catch (ExitException e) {
            LOG.log(
                    Level.ERROR,
                    "configuration not reloaded, nothing changed; file={0} problems={1}",
                    path,
                    e.getMessage());
        } finally {
            manager.ready();
        }
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
