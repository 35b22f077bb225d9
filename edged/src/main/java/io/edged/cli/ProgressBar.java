package io.edged.cli;

import io.edged.identity.HashProgress;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;

/** A bar on one line of the terminal, erased at the end. */
final class ProgressBar implements HashProgress {

    private static final int WIDTH = 40;

    /** Less is hashed before anybody could read the bar. */
    private static final long MIN_BYTES = 16L << 20;

    private final PrintStream terminal;
    private long total;
    private long done;
    private int drawn = -1;

    private ProgressBar(PrintStream terminal) {
        this.terminal = terminal;
    }

    /** A bar if standard error is a terminal, else nothing. */
    static HashProgress on(PrintStream err) {
        return isTerminal() ? new ProgressBar(err) : HashProgress.NONE;
    }

    /** The same without a look at the terminal. */
    static ProgressBar always(PrintStream out) {
        return new ProgressBar(out);
    }

    private static boolean isTerminal() {
        try {
            String target = Files.readSymbolicLink(Path.of("/proc/self/fd/2")).toString();
            return target.startsWith("/dev/pts/")
                    || target.startsWith("/dev/tty")
                    || target.equals("/dev/console");
        } catch (IOException | UnsupportedOperationException e) {
            return false;
        }
    }

    @Override
    public synchronized void begin(int files, long bytes) {
        total = bytes;
        done = 0;
        drawn = -1;
        add(0);
    }

    @Override
    public synchronized void add(long bytes) {
        done += bytes;
        if (total < MIN_BYTES) return;
        int filled = (int) Math.min(WIDTH, done * WIDTH / total);
        int percent = (int) Math.min(100, done * 100 / total);
        if (percent == drawn) return;
        drawn = percent;
        terminal.print(
                "\r["
                        + "#".repeat(filled)
                        + ".".repeat(WIDTH - filled)
                        + "] "
                        + percent
                        + "% of "
                        + (total >> 20)
                        + " MiB hashed");
        terminal.flush();
    }

    @Override
    public synchronized void end() {
        if (drawn < 0) return;
        terminal.print("\r\u001b[K");
        terminal.flush();
    }
}
