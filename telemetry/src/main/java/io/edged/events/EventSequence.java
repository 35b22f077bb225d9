package io.edged.events;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * Reads events that stand one behind the other: one JSON object, or lines of one object each, or
 * objects with any white space around them. Each is checked like a line of the event socket.
 *
 * <p>Holds one event at a time. One thread; for one sequence.
 */
public final class EventSequence {

    /** Of one sequence; it becomes one group of the log at best. */
    public static final int MAX_EVENTS = 4_096;

    /** Of one event. */
    public static final int MAX_EVENT_BYTES = EventSocket.MAX_LINE_BYTES;

    private static final int SMALLEST_BYTES = 1 << 10;
    private static final int READ_BYTES = 8 << 10;

    /** What became of a sequence. */
    public sealed interface Result {

        /** Every event is one, and was given out. */
        record Good(int events) implements Result {}

        /** One of them is none: which, and what is wrong with it. */
        record Bad(String reason) implements Result {}

        /** There are too many, or one is too long. */
        record TooLarge(String reason) implements Result {}

        /** Whoever takes the events has no memory for more. */
        record NoMemory() implements Result {}
    }

    /** Takes events that were found good. */
    @FunctionalInterface
    public interface Taker {

        /**
         * Takes one.
         *
         * @param event without white space between its tokens, between position and limit
         * @return false if there is no memory for it
         */
        boolean take(ByteBuffer event);
    }

    private final Taker taker;
    private byte[] event = new byte[SMALLEST_BYTES];
    private int length;
    private int depth;
    private boolean inText;
    private boolean escaped;
    private int events;
    private long position;

    /** Where the event that is being read begins. */
    private long began;

    private EventSequence(Taker taker) {
        this.taker = taker;
    }

    /**
     * Reads a whole sequence, which is closed.
     *
     * @throws IOException if {@code in} cannot be read
     */
    public static Result read(InputStream in, Taker taker) throws IOException {
        try (in) {
            return new EventSequence(taker).run(in);
        }
    }

    private Result run(InputStream in) throws IOException {
        byte[] part = new byte[READ_BYTES];
        for (int bytes = in.read(part); bytes >= 0; bytes = in.read(part)) {
            for (int i = 0; i < bytes; i++, position++) {
                Result ended = octet(part[i]);
                if (ended != null) return ended;
            }
        }
        if (length > 0) {
            Result ended = complete();
            return ended == null ? new Result.Good(events) : ended;
        }
        return events == 0
                ? new Result.Bad("there is no event; send a JSON object, or several")
                : new Result.Good(events);
    }

    /** Takes one byte; null if the sequence goes on. */
    private @Nullable Result octet(byte octet) {
        if (length == 0) {
            if (isSpace(octet)) return null;
            began = position;
            if (++events > MAX_EVENTS)
                return new Result.TooLarge(
                        "a request may have " + MAX_EVENTS + " events; send several");
        }
        if (length == MAX_EVENT_BYTES)
            return new Result.TooLarge(
                    where() + " is too long; an event may have " + MAX_EVENT_BYTES + " bytes");
        if (length == event.length) event = Arrays.copyOf(event, 2 * length);
        event[length++] = octet;
        if (inText) {
            if (escaped) escaped = false;
            else if (octet == '\\') escaped = true;
            else if (octet == '"') inText = false;
            return null;
        }
        switch (octet) {
            case '"' -> inText = true;
            case '{', '[' -> depth++;
            case '}', ']' -> depth--;
            // Something else than an object ends with its line, so that the error names it alone.
            case '\n' -> {
                return depth == 0 ? complete() : null;
            }
            default -> {
                return null;
            }
        }
        return depth <= 0 && !inText ? complete() : null;
    }

    private @Nullable Result complete() {
        Event.Checked checked = Event.check(Arrays.copyOf(event, length));
        length = 0;
        depth = 0;
        inText = false;
        return switch (checked) {
            case Event.Checked.Good(ByteBuffer good) ->
                    taker.take(good) ? null : new Result.NoMemory();
            case Event.Checked.Bad(String reason) -> new Result.Bad(where() + ": " + reason);
        };
    }

    private String where() {
        return "event " + events + ", which begins at byte " + began;
    }

    private static boolean isSpace(byte octet) {
        return octet == ' ' || octet == '\t' || octet == '\r' || octet == '\n';
    }
}
