package io.edged.wal;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;

import io.edged.otlp.Signal;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;

/**
 * Which class of data ("lane") a record belongs to. Each lane of each destination has a cursor and
 * a ledger of its own, so the answer for a record must never change: it depends on nothing but the
 * kind of an event, or the signal and the metadata of a batch. A log keeps its rule in {@code
 * telemetry.pos}; one that is opened with another rule counts its records anew.
 *
 * <ul>
 *   <li>an event travels in the lane that names its kind, else in that of the logs;
 *   <li>a batch in the lane of its signal, unless its metadata name a lane with a severity: {@link
 *       #laneOfLogs} decides that at admission, where the body is looked at anyway.
 * </ul>
 *
 * @param rules 1 to {@link #MAX}, in the order in which they drain
 */
public record Lanes(List<Rule> rules) {

    public static final int MAX = 16;
    public static final int MAX_KINDS = 32;
    public static final int MAX_SEVERITY = 24;

    /** Lower-case letters, digits, {@code -} and {@code _}. */
    public static final String NAME_PATTERN = "[a-z0-9_-]{1,64}";

    /** The member of a batch's metadata that names its lane. */
    public static final String METADATA_MEMBER = "lane";

    /** Everything in one lane, under whatever name its cursor has. */
    public static final Lanes SINGLE =
            new Lanes(List.of(new Rule("all", List.of(), List.of(Signal.values()), 0)));

    /** What is used where nobody says otherwise. */
    public static final Lanes DEFAULT =
            new Lanes(
                    List.of(
                            Rule.ofKind("error"),
                            Rule.ofKind("decision"),
                            Rule.ofKind("action"),
                            Rule.ofKind("lifecycle"),
                            Rule.ofSignal(Signal.TRACES),
                            Rule.ofSignal(Signal.LOGS),
                            Rule.ofSignal(Signal.METRICS)));

    private static final JsonFactory JSON = new JsonFactory();

    /**
     * One lane.
     *
     * @param kinds of events
     * @param signals of batches
     * @param minSeverity 0, or 1 to {@link #MAX_SEVERITY}: then {@code signals} is logs alone, and
     *     only batches with a record of this severity or above are taken
     */
    public record Rule(String name, List<String> kinds, List<Signal> signals, int minSeverity) {
        public Rule {
            kinds = List.copyOf(kinds);
            signals = List.copyOf(signals);
            if (!name.matches(NAME_PATTERN))
                throw new IllegalArgumentException(
                        "a lane's name must be 1 to 64 lower-case letters, digits, '-' or '_', was"
                                + " \""
                                + name
                                + "\"");
            if (kinds.size() > MAX_KINDS)
                throw new IllegalArgumentException(
                        "lane " + name + " must take at most " + MAX_KINDS + " kinds");
            for (String kind : kinds)
                if (kind.isEmpty() || kind.length() > EventKind.MAX_LENGTH)
                    throw new IllegalArgumentException(
                            "lane "
                                    + name
                                    + ": a kind must be 1 to "
                                    + EventKind.MAX_LENGTH
                                    + " characters, was \""
                                    + kind
                                    + "\"");
            if (kinds.isEmpty() && signals.isEmpty())
                throw new IllegalArgumentException("lane " + name + " takes nothing");
            if (minSeverity < 0 || minSeverity > MAX_SEVERITY)
                throw new IllegalArgumentException(
                        "lane "
                                + name
                                + ": minSeverity must be 0 to "
                                + MAX_SEVERITY
                                + ", was "
                                + minSeverity);
            if (minSeverity > 0 && !signals.equals(List.of(Signal.LOGS)))
                throw new IllegalArgumentException(
                        "lane " + name + " has a severity, so its signals must be logs alone");
        }

        static Rule ofKind(String kind) {
            return new Rule(kind, List.of(kind), List.of(), 0);
        }

        static Rule ofSignal(Signal signal) {
            return new Rule(signal.label(), List.of(), List.of(signal), 0);
        }
    }

    public Lanes {
        rules = List.copyOf(rules);
        if (rules.isEmpty() || rules.size() > MAX)
            throw new IllegalArgumentException(
                    "there must be 1 to " + MAX + " lanes, were " + rules.size());
        check(rules);
    }

    /** Checks the rules against each other. */
    private static void check(List<Rule> rules) {
        var names = new HashSet<String>();
        var byKind = new HashMap<String, Integer>();
        var severities = new HashSet<Integer>();
        int[] bySignal = {-1, -1, -1};
        for (int i = 0; i < rules.size(); i++) {
            Rule rule = rules.get(i);
            if (!names.add(rule.name()))
                throw new IllegalArgumentException("two lanes are called " + rule.name());
            for (String kind : rule.kinds()) {
                Integer other = byKind.putIfAbsent(kind, i);
                if (other != null)
                    throw new IllegalArgumentException(
                            "lanes "
                                    + rules.get(other).name()
                                    + " and "
                                    + rule.name()
                                    + " both take events of kind "
                                    + kind);
            }
            if (rule.minSeverity() > 0) {
                if (!severities.add(rule.minSeverity()))
                    throw new IllegalArgumentException(
                            "two lanes take logs of severity " + rule.minSeverity() + " and above");
                continue;
            }
            for (Signal signal : rule.signals()) {
                int at = slot(signal);
                if (bySignal[at] >= 0)
                    throw new IllegalArgumentException(
                            bySignal[at] == i
                                    ? "lane " + rule.name() + " names " + signal.label() + " twice"
                                    : "lanes "
                                            + rules.get(bySignal[at]).name()
                                            + " and "
                                            + rule.name()
                                            + " both take "
                                            + signal.label());
                bySignal[at] = i;
            }
        }
        for (Signal signal : Signal.values())
            if (bySignal[slot(signal)] < 0)
                throw new IllegalArgumentException(
                        "no lane takes "
                                + signal.label()
                                + (signal == Signal.LOGS ? " of every severity" : ""));
    }

    /** Place of a signal in arrays of counters. */
    static int slot(Signal signal) {
        return signal.code() - 1;
    }

    public int size() {
        return rules.size();
    }

    public List<String> names() {
        return rules.stream().map(Rule::name).toList();
    }

    /** Whether records of lanes need not be told apart. */
    boolean isSingle() {
        return rules.size() == 1;
    }

    /** Place of the lane of that name, or -1. Where there is one lane only, it has every name. */
    public int indexOf(String name) {
        if (isSingle()) return 0;
        for (int i = 0; i < rules.size(); i++) if (rules.get(i).name().equals(name)) return i;
        return -1;
    }

    /** Whether records of the lane can have items of that signal; an event is one of logs. */
    public boolean carries(int lane, Signal signal) {
        Rule rule = rules.get(lane);
        return rule.signals().contains(signal)
                || (signal == Signal.LOGS && !rule.kinds().isEmpty());
    }

    /** Place of the lane of a record of the log. */
    public int of(Frame frame) {
        if (isSingle()) return 0;
        return frame.signal().isEmpty()
                ? ofEvent(frame.kind())
                : ofBatch(frame.signal().get(), frame.metadata());
    }

    /**
     * Place of the lane of an event.
     *
     * @param kind empty if it has none
     */
    public int ofEvent(String kind) {
        for (int i = 0; i < rules.size(); i++) if (rules.get(i).kinds().contains(kind)) return i;
        return ofSignal(Signal.LOGS);
    }

    /** Place of the lane of a batch. */
    int ofBatch(Signal signal, String metadata) {
        if (isSingle()) return 0;
        if (signal == Signal.LOGS && metadata.contains("\"" + METADATA_MEMBER + "\"")) {
            String named = named(metadata);
            for (int i = 0; i < rules.size(); i++)
                if (rules.get(i).minSeverity() > 0 && rules.get(i).name().equals(named)) return i;
        }
        return ofSignal(signal);
    }

    /** Place of the lane that takes a signal whatever its severity. */
    public int ofSignal(Signal signal) {
        for (int i = 0; i < rules.size(); i++)
            if (rules.get(i).minSeverity() == 0 && rules.get(i).signals().contains(signal))
                return i;
        throw new IllegalStateException("no lane takes " + signal.label());
    }

    /** Whether {@link #laneOfLogs} needs to be asked. */
    public boolean lookAtSeverity() {
        for (Rule rule : rules) if (rule.minSeverity() > 0) return true;
        return false;
    }

    /**
     * The lane to name in the metadata of a batch of logs: the one with the highest severity that
     * the batch reaches.
     *
     * @param highestSeverity severity number of its records, 0 if they have none
     */
    public Optional<String> laneOfLogs(int highestSeverity) {
        @Nullable Rule best = null;
        for (Rule rule : rules)
            if (rule.minSeverity() > 0
                    && rule.minSeverity() <= highestSeverity
                    && (best == null || rule.minSeverity() > best.minSeverity())) best = rule;
        return Optional.ofNullable(best).map(Rule::name);
    }

    private static String named(String metadata) {
        try (JsonParser parser = JSON.createParser(metadata)) {
            if (parser.nextToken() != JsonToken.START_OBJECT) return "";
            while (parser.nextToken() == JsonToken.FIELD_NAME) {
                boolean wanted = parser.currentName().equals(METADATA_MEMBER);
                JsonToken value = parser.nextToken();
                if (wanted) return value == JsonToken.VALUE_STRING ? parser.getText() : "";
                parser.skipChildren();
            }
        } catch (IOException e) {
            return ""; // metadata that is no JSON names no lane
        }
        return "";
    }
}
