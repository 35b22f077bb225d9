package io.edged.daemon;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.InstantSource;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;

/**
 * Writes each log record as one line. The caller formats and queues, a thread of its own writes, so
 * that a reader of standard error who has stopped reading holds up neither an event loop nor the
 * log's writer; what the bounded queue cannot take is counted and told. Nothing is ever thrown at
 * the caller.
 */
final class LogHandler extends Handler {
    static final int BURST = 5;
    static final Duration WINDOW = Duration.ofSeconds(10);
    static final int MAX_TEMPLATES = 512;
    static final int MAX_QUEUED_LINES = 1024;
    static final int MAX_RECENT_LINES = 500;
    static final int MAX_PROBLEMS = 20;
    static final int MAX_RECENT_CHARACTERS = 128 << 10;
    private static final Duration FLUSH_DEADLINE = Duration.ofSeconds(2);

    /** What the queue holds: a line, or with a latch the wish to know that all before is out. */
    private record Queued(String line, @Nullable CountDownLatch written) {}

    private final RecentLines recent = new RecentLines(MAX_RECENT_LINES, MAX_RECENT_CHARACTERS);
    private final RecentLines problems = new RecentLines(MAX_PROBLEMS, MAX_RECENT_CHARACTERS);
    private final AtomicLong warnings = new AtomicLong();
    private final AtomicLong errors = new AtomicLong();

    /** Hears of errors on the thread that logs them. */
    private volatile Consumer<String> onError = _ -> {};

    private final OutputStream out;

    /** How lines look; may change while lines are written. */
    private volatile LogLine lines;

    private final InstantSource clock;
    private final LongSupplier nanoTime;
    private final ArrayBlockingQueue<Queued> queue = new ArrayBlockingQueue<>(MAX_QUEUED_LINES);
    private final AtomicLong lost = new AtomicLong();

    /** Set once by {@link #close}; the writer thread reads it. */
    private volatile boolean closing;

    /** Guarded by itself. */
    private final LineLimit limit = new LineLimit(BURST, WINDOW, MAX_TEMPLATES);

    LogHandler(OutputStream out, LogLine lines, InstantSource clock, LongSupplier nanoTime) {
        this.out = out;
        this.lines = lines;
        this.clock = clock;
        this.nanoTime = nanoTime;
        Thread.ofPlatform().name("log").daemon(true).start(this::writeLines);
    }

    @Override
    public void publish(@Nullable LogRecord record) {
        if (record == null || !isLoggable(record)) return;
        try {
            count(record.getLevel());
            boolean admitted;
            synchronized (limit) {
                admitted = limit.admit(key(record), nanoTime.getAsLong());
            }
            // The writer wakes in time for the summary once it knows that one is owed.
            if (admitted) {
                String line = lines.of(record);
                if (record.getLevel().intValue() >= Level.WARNING.intValue()) problems.add(line);
                if (record.getLevel().intValue() >= Level.SEVERE.intValue()) onError.accept(line);
                enqueue(line);
            } else if (queue.isEmpty()) {
                enqueue("");
            }
        } catch (Throwable e) { // A logger must not be the reason why its caller fails.
            lost.incrementAndGet();
        }
    }

    private void count(Level level) {
        if (level.intValue() >= Level.SEVERE.intValue()) errors.incrementAndGet();
        else if (level.intValue() >= Level.WARNING.intValue()) warnings.incrementAndGet();
    }

    /** The last lines that were written. */
    RecentLines recent() {
        return recent;
    }

    /** The last warnings and errors. */
    RecentLines problems() {
        return problems;
    }

    void onError(Consumer<String> hearer) {
        onError = hearer;
    }

    /** Lines of that level since the start, those that were held back included. */
    long warnings() {
        return warnings.get();
    }

    long errors() {
        return errors.get();
    }

    /** Messages of libraries come formatted, each one different, so they share an allowance. */
    private static String key(LogRecord record) {
        return LogLine.isOurs(record)
                ? String.valueOf(record.getMessage())
                : record.getLoggerName() + " " + record.getLevel();
    }

    private void enqueue(String line) {
        if (!queue.offer(new Queued(line, null)) && !line.isEmpty()) lost.incrementAndGet();
    }

    private void writeLines() {
        while (true) {
            try {
                write(next());
            } catch (InterruptedException e) {
                return; // Nobody interrupts this thread but the end of the machine.
            } catch (Throwable e) {
                lost.incrementAndGet();
            }
        }
    }

    private @Nullable Queued next() throws InterruptedException {
        boolean owes;
        synchronized (limit) {
            owes = limit.owesSummary();
        }
        return owes ? queue.poll(1, TimeUnit.SECONDS) : queue.take();
    }

    private void write(@Nullable Queued queued) throws IOException {
        CountDownLatch asked = queued == null ? null : queued.written();
        try {
            if (queued != null && !queued.line().isEmpty()) writeLine(queued.line());
            long missing = lost.getAndSet(0);
            if (missing > 0)
                writeSummary(new LineLimit.Summary("lines that could not be written", missing));
            for (LineLimit.Summary summary : summaries(asked != null && closing))
                writeSummary(summary);
            if (asked != null || queue.isEmpty()) out.flush();
        } finally {
            if (asked != null) asked.countDown();
        }
    }

    private Iterable<LineLimit.Summary> summaries(boolean all) {
        synchronized (limit) {
            return all ? limit.all() : limit.closed(nanoTime.getAsLong());
        }
    }

    private void writeSummary(LineLimit.Summary summary) throws IOException {
        writeLine(lines.ofSummary(clock.instant(), summary));
    }

    private void writeLine(String line) throws IOException {
        recent.add(line);
        out.write((line + "\n").getBytes(StandardCharsets.UTF_8));
    }

    void format(LogLine newLines) {
        lines = newLines;
    }

    /** Waits until what was published before is written, two seconds at most. */
    @Override
    public void flush() {
        var written = new CountDownLatch(1);
        long deadline = System.nanoTime() + FLUSH_DEADLINE.toNanos();
        try {
            if (queue.offer(new Queued("", written), FLUSH_DEADLINE.toNanos(), TimeUnit.NANOSECONDS)
                    && !written.await(deadline - System.nanoTime(), TimeUnit.NANOSECONDS))
                lost.incrementAndGet();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Writes what is queued and what is owed; lines that come later are written all the same. */
    @Override
    public void close() {
        closing = true;
        flush();
    }
}
