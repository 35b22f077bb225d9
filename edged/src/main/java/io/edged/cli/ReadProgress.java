package io.edged.cli;

import java.io.Console;
import java.io.PrintStream;
import java.util.Optional;
import java.util.function.LongConsumer;
import java.util.function.LongSupplier;

/**
 * Says how far a long read has come: a bar that is drawn over on a terminal, else a line every ten
 * seconds, so that a short run says nothing.
 */
final class ReadProgress implements LongConsumer, AutoCloseable {
    private static final long BAR_NANOS = 200_000_000;
    private static final long LINE_NANOS = 10_000_000_000L;
    private static final int BAR_CELLS = 30;

    private final PrintStream out;
    private final boolean terminal;
    private final LongSupplier nanoTime;
    private final long total;
    private long done;
    private long shownAt;
    private boolean drawn;

    /**
     * @param total bytes that will be read, as far as is known
     * @param nanoTime monotonic clock
     */
    ReadProgress(PrintStream out, boolean terminal, LongSupplier nanoTime, long total) {
        this.out = out;
        this.terminal = terminal;
        this.nanoTime = nanoTime;
        this.total = total;
        this.shownAt = nanoTime.getAsLong();
    }

    static ReadProgress of(Program program, long total) {
        return new ReadProgress(program.err(), isTerminal(), System::nanoTime, total);
    }

    private static boolean isTerminal() {
        return Optional.ofNullable(System.console()).map(Console::isTerminal).orElse(false);
    }

    /** So many more bytes were read. */
    @Override
    public void accept(long bytes) {
        done += bytes;
        long now = nanoTime.getAsLong();
        if (now - shownAt < (terminal ? BAR_NANOS : LINE_NANOS)) return;
        shownAt = now;
        if (terminal) draw();
        else out.println("edged: read " + Sizes.text(done) + " of " + Sizes.text(total));
    }

    private void draw() {
        drawn = true;
        int cells = total <= 0 ? BAR_CELLS : (int) Math.min(BAR_CELLS, done * BAR_CELLS / total);
        out.print(
                "\r["
                        + "#".repeat(cells)
                        + " ".repeat(BAR_CELLS - cells)
                        + "] "
                        + Sizes.text(done)
                        + " of "
                        + Sizes.text(total)
                        + "\u001B[K");
        out.flush();
    }

    /** Wipes the bar. */
    @Override
    public void close() {
        if (!drawn) return;
        out.print("\r\u001B[K");
        out.flush();
    }
}
