package io.edged.drain;

import io.edged.otlp.Signal;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * What an upload carries, as its {@code edge-batch} header says it: {@code <node>/<log
 * id>/<lane>/<signal> 1,5,9-12,7[0-499]}. Node and log id name the log, the numbers are the
 * sequences of its frames. A receiver that records it can tell a repeat from new data.
 *
 * @param node name of the device, see {@link DrainOptions}
 * @param logId 16 lower-case hex digits
 * @param lane see {@link Lane}
 * @param parts at least 1, in the order of the body
 */
public record EdgeBatch(String node, String logId, String lane, Signal signal, List<Part> parts) {

    /** The name of the header. */
    public static final String HEADER = "edge-batch";

    /** The longest value; a batch closes before it would grow beyond. */
    public static final int MAX_LENGTH = 1024;

    /** Letters, digits, dot, hyphen and underscore; at most {@link #MAX_NODE_LENGTH} of them. */
    public static final String NODE_PATTERN = "[A-Za-z0-9._-]+";

    public static final int MAX_NODE_LENGTH = 128;

    /** Frames, or items of one frame. */
    public sealed interface Part {
        /** Whole frames, {@code from} to {@code to} inclusive. */
        record Frames(long from, long to) implements Part {
            public Frames {
                if (from < 1 || to < from)
                    throw new IllegalArgumentException(
                            "frames must run upwards from 1 or more, was " + from + "-" + to);
            }

            @Override
            public String toString() {
                return from == to ? Long.toString(from) : from + "-" + to;
            }
        }

        /** Items {@code first} to {@code last} inclusive, counted from 0, of one frame. */
        record Items(long seq, int first, int last) implements Part {
            public Items {
                if (seq < 1 || first < 0 || last < first)
                    throw new IllegalArgumentException(
                            "items must run upwards from 0 or more, was "
                                    + seq
                                    + "["
                                    + first
                                    + "-"
                                    + last
                                    + "]");
            }

            @Override
            public String toString() {
                return seq + "[" + first + "-" + last + "]";
            }
        }
    }

    public EdgeBatch {
        parts = List.copyOf(parts);
        checkNode(node);
        if (!logId.matches("[0-9a-f]{16}"))
            throw new IllegalArgumentException(
                    "log id must be 16 lower-case hex digits, was \"" + logId + "\"");
        lane = new Lane(lane).name();
        if (parts.isEmpty()) throw new IllegalArgumentException("a batch holds at least 1 frame");
    }

    /**
     * Checks the name of a device.
     *
     * @throws IllegalArgumentException if the name cannot stand in the header
     */
    static void checkNode(String node) {
        if (node.length() > MAX_NODE_LENGTH || !node.matches(NODE_PATTERN))
            throw new IllegalArgumentException(
                    "node must be 1 to "
                            + MAX_NODE_LENGTH
                            + " letters, digits, '.', '-' or '_', was \""
                            + node
                            + "\"");
    }

    /** The same parts, in the same order, with neighbouring frames as one run. */
    static List<Part> joined(List<Part> parts) {
        var joined = new ArrayList<Part>();
        for (Part part : parts) {
            if (!joined.isEmpty()
                    && joined.getLast() instanceof Part.Frames(long from, long to)
                    && part instanceof Part.Frames(long first, long last)
                    && first == to + 1) joined.set(joined.size() - 1, new Part.Frames(from, last));
            else joined.add(part);
        }
        return joined;
    }

    /** Everything before the space; the numbers mean nothing outside of it. */
    public String source() {
        return node + "/" + logId + "/" + lane + "/" + signal.label();
    }

    /** The header's value. */
    public String encode() {
        var value = new StringBuilder(source()).append(' ');
        for (int i = 0; i < parts.size(); i++) value.append(i == 0 ? "" : ",").append(parts.get(i));
        return value.toString();
    }

    static String prefix(String node, String logId, String lane, Signal signal) {
        return node + "/" + logId + "/" + lane + "/" + signal.label() + " ";
    }

    /**
     * Reads a header's value.
     *
     * @throws IllegalArgumentException saying what is wrong with it
     */
    public static EdgeBatch parse(String value) {
        if (value.length() > MAX_LENGTH)
            throw new IllegalArgumentException(
                    "edge-batch must be at most "
                            + MAX_LENGTH
                            + " characters, was "
                            + value.length());
        int space = value.indexOf(' ');
        String[] names = space < 0 ? new String[0] : value.substring(0, space).split("/", -1);
        if (names.length != 4)
            throw new IllegalArgumentException(
                    "edge-batch must begin with node/log id/lane/signal and a space");
        Signal signal =
                Arrays.stream(Signal.values())
                        .filter(known -> known.label().equals(names[3]))
                        .findFirst()
                        .orElseThrow(() ->
                                new IllegalArgumentException(
                                        "edge-batch must name logs, metrics or traces"));
        var parts = new ArrayList<Part>();
        for (String part : value.substring(space + 1).split(",", -1)) parts.add(parsePart(part));
        return new EdgeBatch(names[0], names[1], names[2], signal, parts);
    }

    private static Part parsePart(String part) {
        int bracket = part.indexOf('[');
        if (bracket >= 0) {
            int dash = part.indexOf('-', bracket);
            if (dash < 0 || !part.endsWith("]")) throw malformed(part);
            return new Part.Items(
                    number(part, part.substring(0, bracket)),
                    Math.toIntExact(
                            Math.min(
                                    Integer.MAX_VALUE,
                                    number(part, part.substring(bracket + 1, dash)))),
                    Math.toIntExact(
                            Math.min(
                                    Integer.MAX_VALUE,
                                    number(part, part.substring(dash + 1, part.length() - 1)))));
        }
        int dash = part.indexOf('-');
        if (dash < 0) {
            long seq = number(part, part);
            return new Part.Frames(seq, seq);
        }
        return new Part.Frames(
                number(part, part.substring(0, dash)), number(part, part.substring(dash + 1)));
    }

    private static long number(String part, String digits) {
        // Long.parseLong also takes signs and other scripts' digits.
        if (!digits.matches("[0-9]{1,19}")) throw malformed(part);
        try {
            return Long.parseLong(digits);
        } catch (NumberFormatException e) {
            throw malformed(part);
        }
    }

    private static IllegalArgumentException malformed(String part) {
        return new IllegalArgumentException(
                "edge-batch must list sequences like 1,5,9-12,7[0-499], was \"" + part + "\"");
    }
}
