package io.edged.daemon;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/**
 * The named checks behind {@code /livez} and {@code /readyz}. Live means that the program's loops
 * make progress, so that a restart would cure what is wrong; ready means that it can append and
 * acknowledge now.
 *
 * <p>A check must not wait for anything: it reads what the work itself has left behind. All methods
 * may be called by any thread.
 */
public final class Health {
    public static final int MAX_CHECKS = 64;

    /** The check that tells starting from ready from stopping. */
    public static final String LIFE_CYCLE = "lifecycle";

    /** Which question a check answers. */
    public enum Kind {
        LIVE,
        READY
    }

    /** What a probe found. */
    public sealed interface Result {}

    /**
     * All is well.
     *
     * @param note what people may want to know all the same, one line; may be empty
     */
    public record Ok(String note) implements Result {
        public Ok() {
            this("");
        }
    }

    /**
     * Something is not well.
     *
     * @param reason for people, one line
     * @param lasting how long this has been so; compared with the check's ceiling
     */
    public record Failed(String reason, Duration lasting) implements Result {
        private static final Duration UNKNOWN = Duration.ofSeconds(Long.MAX_VALUE);

        /** Fails the check whatever its ceiling. */
        public Failed(String reason) {
            this(reason, UNKNOWN);
        }
    }

    /**
     * One question and how patient to be with its answer.
     *
     * @param name lower case letters, digits and dashes, unique within its kind
     * @param ceiling how long a failure may last before it counts
     * @param grace how long after its registration a failure does not count
     * @param probe cheap and never waiting
     */
    public record Check(
            String name, Kind kind, Duration ceiling, Duration grace, Supplier<Result> probe) {
        public Check {
            if (!name.matches("[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?"))
                throw new IllegalArgumentException("not the name of a check: " + name);
            if (ceiling.isNegative() || grace.isNegative())
                throw new IllegalArgumentException(
                        "ceiling and grace must not be negative: " + ceiling + ", " + grace);
        }

        /** A check whose failure counts at once. */
        public static Check of(String name, Kind kind, Supplier<Result> probe) {
            return new Check(name, kind, Duration.ZERO, Duration.ZERO, probe);
        }
    }

    /** One check's part of an answer. */
    public record Line(String name, Result result, boolean excluded) {}

    /**
     * The answer to one question.
     *
     * @param unknownExclusions names to be left out that no check has
     */
    public record Report(List<Line> lines, Set<String> unknownExclusions) {
        public boolean ok() {
            return lines.stream().allMatch(line -> line.excluded() || line.result() instanceof Ok);
        }
    }

    private enum Phase {
        STARTING,
        READY,
        STOPPING
    }

    private record Registered(Check check, long atNanos) {}

    private final LongSupplier nanoTime;
    private final Map<Kind, Map<String, Registered>> checks =
            Map.of(
                    Kind.LIVE,
                    new ConcurrentSkipListMap<>(),
                    Kind.READY,
                    new ConcurrentSkipListMap<>());

    /** Only moves forward; any thread. */
    private volatile Phase phase = Phase.STARTING;

    public Health(LongSupplier nanoTime) {
        this.nanoTime = nanoTime;
        register(Check.of(LIFE_CYCLE, Kind.READY, this::lifeCycle));
    }

    private Result lifeCycle() {
        return switch (phase) {
            case STARTING -> new Failed("starting");
            case READY -> new Ok();
            case STOPPING -> new Failed("stopping");
        };
    }

    /** Adds a check; closing the result takes it away again. */
    public Registration register(Check check) {
        Map<String, Registered> kind = checksOf(check.kind());
        synchronized (this) {
            if (kind.size() >= MAX_CHECKS)
                throw new IllegalStateException("more than " + MAX_CHECKS + " checks");
            if (kind.putIfAbsent(check.name(), new Registered(check, nanoTime.getAsLong())) != null)
                throw new IllegalStateException("two checks with the name " + check.name());
        }
        return () -> kind.remove(check.name());
    }

    /** A check that is in force until closed. */
    public interface Registration extends AutoCloseable {
        @Override
        void close();
    }

    /** The start is over: {@code /readyz} now depends on the checks alone. */
    public synchronized void ready() {
        if (phase == Phase.STARTING) phase = Phase.READY;
    }

    /** The stop has begun: {@code /readyz} says no from here on. */
    public synchronized void stopping() {
        phase = Phase.STOPPING;
    }

    /** Asks every check of a kind; those named in {@code excluded} are told but do not count. */
    public Report report(Kind kind, Set<String> excluded) {
        Map<String, Registered> asked = checksOf(kind);
        var lines = new ArrayList<Line>();
        asked.forEach(
                (name, check) -> lines.add(new Line(name, ask(check), excluded.contains(name))));
        var unknown = new java.util.TreeSet<>(excluded);
        unknown.removeAll(asked.keySet());
        return new Report(List.copyOf(lines), Set.copyOf(unknown));
    }

    private Map<String, Registered> checksOf(Kind kind) {
        return java.util.Objects.requireNonNull(checks.get(kind));
    }

    private Result ask(Registered registered) {
        Check check = registered.check();
        Result result;
        try {
            result = check.probe().get();
        } catch (RuntimeException e) {
            result = new Failed("the check itself failed: " + e);
        }
        return switch (result) {
            case Ok ok -> ok;
            case Failed failed
                    when failed.lasting().compareTo(check.ceiling()) < 0
                            || age(registered).compareTo(check.grace()) < 0 ->
                    new Ok(failed.reason());
            case Failed failed -> failed;
        };
    }

    private Duration age(Registered registered) {
        return Duration.ofNanos(nanoTime.getAsLong() - registered.atNanos());
    }
}
