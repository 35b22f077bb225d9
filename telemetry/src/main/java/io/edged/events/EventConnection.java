package io.edged.events;

import io.edged.events.Event.Checked;
import io.edged.wal.Appender;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.function.Supplier;

/**
 * One client of the event socket: reads lines, gives their events to the log, and answers each line
 * in its order, when it is known what became of it. All lines that one read has brought share a
 * group of the log. One thread.
 */
final class EventConnection {

    private static final int READ_BYTES = 16 << 10;
    private static final int SMALLEST_LINE_BYTES = 1 << 10;

    private final SocketChannel channel;
    private final Appender appender;
    private final EventMetrics metrics;
    private final int maxLineBytes;
    private final ByteBuffer in = ByteBuffer.allocate(READ_BYTES);
    private final ArrayDeque<Supplier<String>> answers = new ArrayDeque<>();

    /** The beginning of a line whose end has not come yet. */
    private byte[] line = new byte[SMALLEST_LINE_BYTES];

    private int lineBytes;

    EventConnection(
            SocketChannel channel, Appender appender, EventMetrics metrics, int maxLineBytes) {
        this.channel = channel;
        this.appender = appender;
        this.metrics = metrics;
        this.maxLineBytes = maxLineBytes;
    }

    /** Serves until the client leaves, a line is too long, or the channel is closed. */
    void serve() throws IOException {
        boolean open = true;
        while (open && channel.read(in.clear()) >= 0) {
            open = lines(in.flip());
            answer();
        }
    }

    /** Takes every line that is complete; false if the connection ends. */
    private boolean lines(ByteBuffer read) {
        int begin = read.position();
        for (int i = begin; i < read.limit(); i++) {
            if (read.get(i) != '\n') continue;
            if (!append(read, begin, i)) return tooLong();
            byte[] whole = Arrays.copyOf(line, lineBytes);
            lineBytes = 0;
            if (line.length > READ_BYTES) line = new byte[SMALLEST_LINE_BYTES];
            begin = i + 1;
            if (!isBlank(whole)) take(whole);
        }
        return append(read, begin, read.limit()) || tooLong();
    }

    private boolean append(ByteBuffer read, int from, int to) {
        int more = to - from;
        if (lineBytes + more > maxLineBytes) return false;
        if (lineBytes + more > line.length)
            line = Arrays.copyOf(line, Math.max(lineBytes + more, 2 * line.length));
        read.get(from, line, lineBytes, more);
        lineBytes += more;
        return true;
    }

    private boolean tooLong() {
        metrics.refused(EventRefusal.TOO_LONG);
        String answer =
                "error too_long a line may have "
                        + maxLineBytes
                        + " bytes; "
                        + EventRefusal.TOO_LONG.advice();
        answers.add(() -> answer);
        return false;
    }

    private void take(byte[] whole) {
        switch (Event.check(whole)) {
            case Checked.Bad(String reason) -> {
                metrics.refused(EventRefusal.MALFORMED);
                answers.add(() -> "error malformed " + reason);
            }
            case Checked.Good(ByteBuffer event) -> {
                var append = new EventAppend(event);
                Appender.Offer offer = appender.offer(append);
                if (offer == Appender.Offer.QUEUED) answers.add(() -> told(append));
                else {
                    EventRefusal refusal = EventRefusal.of(offer);
                    metrics.refused(refusal);
                    answers.add(refusal::line);
                }
            }
        }
    }

    private String told(EventAppend append) {
        return switch (append.await()) {
            case EventAppend.Outcome.Durable(long seq) -> {
                metrics.taken(append.bytes());
                yield "ok " + seq;
            }
            case EventAppend.Outcome.Failed(EventRefusal why) -> {
                metrics.refused(why);
                yield why.line();
            }
        };
    }

    private void answer() throws IOException {
        if (answers.isEmpty()) return;
        var text = new StringBuilder();
        for (Supplier<String> answer : answers) text.append(answer.get()).append('\n');
        answers.clear();
        ByteBuffer out = ByteBuffer.wrap(text.toString().getBytes(StandardCharsets.UTF_8));
        while (out.hasRemaining()) channel.write(out);
    }

    private static boolean isBlank(byte[] line) {
        for (byte octet : line) if (octet != ' ' && octet != '\t' && octet != '\r') return false;
        return true;
    }
}
