package io.edged.cli;

import io.edged.otlp.Signal;
import io.edged.wal.Frame;

import org.jspecify.annotations.Nullable;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.Spec.Target;
import picocli.CommandLine.TypeConversionException;

import java.time.DateTimeException;
import java.time.Instant;
import java.time.OffsetDateTime;

/** The options that say which records of a log are wanted. */
final class FrameChoice {

    /** What travels through the log; events are what is not a batch. */
    enum Kind {
        LOGS,
        METRICS,
        TRACES,
        EVENTS
    }

    /** A place in the log: a record's number, or a time on the writer's clock. */
    sealed interface Bound {
        record Seq(long seq) implements Bound {}

        record Time(long nanos) implements Bound {}
    }

    /** {@code 1234} or {@code 2026-11-21T12:00:00Z}. */
    static final class BoundConverter implements ITypeConverter<Bound> {
        @Override
        public Bound convert(String text) {
            if (text.matches("[0-9]{1,18}")) return new Bound.Seq(Long.parseLong(text));
            try {
                Instant instant = OffsetDateTime.parse(text).toInstant();
                return new Bound.Time(
                        Math.addExact(
                                Math.multiplyExact(instant.getEpochSecond(), 1_000_000_000L),
                                instant.getNano()));
            } catch (DateTimeException | ArithmeticException e) {
                throw new TypeConversionException(
                        "'"
                                + text
                                + "' is neither a record's number nor a time like 2026-11-21T12:00:00Z");
            }
        }
    }

    @Option(
            names = "--from",
            paramLabel = "SEQ|TIME",
            converter = BoundConverter.class,
            description = "From this record, or from this time on the clock of the writer.")
    private @Nullable Bound from;

    @Option(
            names = "--to",
            paramLabel = "SEQ|TIME",
            converter = BoundConverter.class,
            description = "Up to this record, or up to this time, inclusive.")
    private @Nullable Bound to;

    @Option(
            names = "--signal",
            paramLabel = "SIGNAL",
            description = "Only logs, metrics, traces or events.")
    private @Nullable Kind signal;

    @Spec(Target.MIXEE)
    private CommandSpec spec = CommandSpec.create();

    /**
     * Refuses a choice that nothing can meet.
     *
     * @throws ParameterException naming both ends
     */
    void check() {
        boolean records =
                from instanceof Bound.Seq(long first)
                        && to instanceof Bound.Seq(long last)
                        && first > last;
        boolean times =
                from instanceof Bound.Time(long begin)
                        && to instanceof Bound.Time(long end)
                        && begin > end;
        if (records || times)
            throw new ParameterException(
                    spec.commandLine(), "--from is behind --to: no record lies between them");
    }

    /** Where reading begins. */
    long firstSeq() {
        return from instanceof Bound.Seq(long seq) ? Math.max(1, seq) : 1;
    }

    /** Whether nothing behind this record can be wanted. */
    boolean endsBefore(long seq) {
        return to instanceof Bound.Seq(long last) && seq > last;
    }

    boolean wants(Frame frame) {
        if (from instanceof Bound.Time(long nanos) && frame.writtenAtNanos() < nanos) return false;
        if (to instanceof Bound.Time(long nanos) && frame.writtenAtNanos() > nanos) return false;
        return signal == null || signal == kind(frame);
    }

    static Kind kind(Frame frame) {
        if (frame.isEntry()) return Kind.EVENTS;
        Signal batch = frame.deliveredAs();
        return switch (batch) {
            case LOGS -> Kind.LOGS;
            case METRICS -> Kind.METRICS;
            case TRACES -> Kind.TRACES;
        };
    }
}
