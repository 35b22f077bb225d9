package io.edged.daemon;

import io.netty.util.internal.logging.InternalLoggerFactory;
import io.netty.util.internal.logging.JdkLoggerFactory;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.OutputStream;
import java.time.InstantSource;
import java.util.function.Consumer;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogManager;
import java.util.logging.Logger;

/**
 * The program's logging: {@link System.Logger} and everything that reaches {@code
 * java.util.logging}, Netty and OpenTelemetry included, becomes one line on standard error.
 */
public final class Logging implements AutoCloseable {

    /**
     * Keeps the handlers when the virtual machine goes down. The platform's own manager closes them
     * in a shutdown hook that runs beside ours, and the lines of an ordered stop would be lost.
     */
    public static final class Manager extends LogManager {
        @Override
        public void reset() {}
    }

    private final LogHandler handler;
    private final Logger root;

    private Logging(LogHandler handler, Logger root) {
        this.handler = handler;
        this.root = root;
    }

    /**
     * Call first in {@code main}, before anything asks for a logger.
     *
     * @param level the least that is written; at {@link System.Logger.Level#DEBUG} and below
     *     exceptions bring their stack traces
     */
    public static Logging install(System.Logger.Level level, LogFormat format) {
        if (System.getProperty("java.util.logging.manager") == null)
            System.setProperty("java.util.logging.manager", Manager.class.getName());
        return install(level, format, new FileOutputStream(FileDescriptor.err));
    }

    /** The same with the lines going elsewhere. */
    public static Logging install(System.Logger.Level level, LogFormat format, OutputStream out) {
        InternalLoggerFactory.setDefaultFactory(JdkLoggerFactory.INSTANCE);
        var handler =
                new LogHandler(out, lines(level, format), InstantSource.system(), System::nanoTime);
        Logger root = Logger.getLogger("");
        for (Handler old : root.getHandlers()) root.removeHandler(old);
        handler.setLevel(Level.ALL);
        root.addHandler(handler);
        root.setLevel(julLevel(level));
        return new Logging(handler, root);
    }

    private static LogLine lines(System.Logger.Level level, LogFormat format) {
        boolean stackTraces = level.getSeverity() <= System.Logger.Level.DEBUG.getSeverity();
        return new LogLine(format, stackTraces);
    }

    /** Changes what is written and how, once the configuration is known. */
    public void adjust(System.Logger.Level level, LogFormat format) {
        handler.format(lines(level, format));
        root.setLevel(julLevel(level));
    }

    private static Level julLevel(System.Logger.Level level) {
        return switch (level) {
            case ALL -> Level.ALL;
            case TRACE -> Level.FINER;
            case DEBUG -> Level.FINE;
            case INFO -> Level.INFO;
            case WARNING -> Level.WARNING;
            case ERROR -> Level.SEVERE;
            case OFF -> Level.OFF;
        };
    }

    /** The last lines that were written, at most some hundred. */
    public RecentLines recent() {
        return handler.recent();
    }

    /** The last warnings and errors. */
    public RecentLines problems() {
        return handler.problems();
    }

    /** How many warnings were logged, those that were held back included. */
    public long warnings() {
        return handler.warnings();
    }

    /** How many errors were logged, those that were held back included. */
    public long errors() {
        return handler.errors();
    }

    /**
     * Has errors heard, too, those that are written.
     *
     * @param hearer gets the line on the thread that logs; must not wait or log
     */
    public void onError(Consumer<String> hearer) {
        handler.onError(hearer);
    }

    /** Waits, two seconds at most, until what was logged before is written. */
    public void flush() {
        handler.flush();
    }

    /** Writes what is left and takes the handler off again. */
    @Override
    public void close() {
        root.removeHandler(handler);
        handler.close();
    }
}
