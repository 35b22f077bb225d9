package io.edged.daemon;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.IdentityHashMap;
import java.util.Locale;
import java.util.logging.Level;
import java.util.logging.LogRecord;

/**
 * Turns a log record into one line.
 *
 * @param stackTraces whether a thrown exception brings its stack trace along, in the field {@code
 *     stack}; such lines may be longer
 */
record LogLine(LogFormat format, boolean stackTraces) {
    static final int MAX_BYTES = 4 << 10;
    static final int MAX_BYTES_WITH_STACK = 32 << 10;
    private static final int MAX_CAUSES = 8;
    private static final String OURS = "io.edged.";
    private static final DateTimeFormatter TIME =
            DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.SSS'Z'", Locale.ROOT)
                    .withZone(ZoneOffset.UTC);

    String of(LogRecord record) {
        LogTemplate template = LogTemplate.parse(text(record.getMessage()));
        Object[] parameters = parameters(record);
        var line = start(record.getInstant(), record.getLevel(), record.getLoggerName());
        line.field("msg", template.message(parameters));
        for (LogTemplate.Field field : template.fields())
            line.field(field.key(), LogTemplate.value(field.parameter(), parameters));
        Throwable thrown = record.getThrown();
        if (thrown != null) {
            line.field("error", chain(thrown));
            if (stackTraces) line.field("stack", stack(thrown));
        }
        return line.finish();
    }

    /** The line that stands for those which were held back. */
    String ofSummary(Instant now, LineLimit.Summary summary) {
        return start(now, Level.WARNING, Logging.class.getName())
                .field("msg", "log lines held back")
                .field("suppressed", Long.toString(summary.suppressed()))
                .field("template", summary.template())
                .finish();
    }

    private LineWriter start(Instant time, Level level, String logger) {
        return new LineWriter(format, stackTraces ? MAX_BYTES_WITH_STACK : MAX_BYTES)
                .field("ts", TIME.format(time))
                .field("level", level(level))
                .field("logger", shortName(text(logger)));
    }

    private static Object[] parameters(LogRecord record) {
        Object[] parameters = record.getParameters();
        return parameters == null ? new Object[0] : parameters;
    }

    @SuppressWarnings("NullAway") // java.util.logging allows a record without message or logger.
    private static String text(String text) {
        return text == null ? "" : text;
    }

    static String level(Level level) {
        int value = level.intValue();
        if (value >= Level.SEVERE.intValue()) return "error";
        if (value >= Level.WARNING.intValue()) return "warn";
        if (value >= Level.INFO.intValue()) return "info";
        if (value >= Level.FINE.intValue()) return "debug";
        return "trace";
    }

    static boolean isOurs(LogRecord record) {
        return text(record.getLoggerName()).startsWith(OURS);
    }

    /** Ours with its package, {@code wal.Wal}; of a library the last part of the name. */
    private static String shortName(String logger) {
        if (logger.startsWith(OURS)) return logger.substring(OURS.length());
        return logger.substring(logger.lastIndexOf('.') + 1);
    }

    /** {@code Class: message} of an exception and its causes, on one line. */
    static String chain(Throwable thrown) {
        var text = new StringBuilder();
        var seen = new IdentityHashMap<Throwable, Boolean>();
        Throwable each = thrown;
        for (int depth = 0; each != null && seen.put(each, true) == null; depth++) {
            if (depth > 0) text.append(", caused by ");
            if (depth == MAX_CAUSES) return text.append("more").toString();
            text.append(describe(each));
            each = each.getCause();
        }
        return text.toString();
    }

    private static String describe(Throwable thrown) {
        String name = thrown.getClass().getSimpleName();
        String message;
        try {
            message = thrown.getMessage();
        } catch (RuntimeException e) {
            message = "(message not to be had: " + e.getClass().getSimpleName() + ")";
        }
        return message == null ? name : name + ": " + message;
    }

    private static String stack(Throwable thrown) {
        var text = new StringWriter();
        thrown.printStackTrace(new PrintWriter(text));
        return text.toString();
    }
}
