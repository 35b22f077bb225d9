package io.edged.drain;

import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;

import io.edged.disk.LogDirectory;
import io.edged.disk.LogFile;
import io.edged.otlp.Signal;

import java.io.IOException;
import java.lang.System.Logger;
import java.nio.ByteBuffer;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Lines in files, one series for each signal:
 *
 * <pre>
 *   logs-00000041-20261121T093000Z.jsonl        finished, never touched again
 *   logs-00000042-20261121T103000Z.jsonl.part   being written
 * </pre>
 *
 * <p>A line is durable when {@link #write} returns. A power cut may tear the line that was being
 * written; it is cut off when the file is next opened. A file in which a write or a force failed is
 * finished without it, and the next line begins another file: what the kernel did with the pages of
 * a failed force is not known.
 *
 * <p>One thread.
 */
final class LineFiles implements AutoCloseable {

    private static final Logger LOG = System.getLogger(LineFiles.class.getName());

    private static final String FINISHED = ".jsonl";
    private static final String PART = FINISHED + ".part";
    private static final Pattern NAME =
            Pattern.compile("([a-z]+)-([0-9]{8,18})-([0-9]{8}T[0-9]{6}Z)\\.jsonl(\\.part)?");
    private static final DateTimeFormatter STAMP =
            DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmss'Z'", Locale.ROOT)
                    .withZone(ZoneOffset.UTC);
    private static final int BLOCK_BYTES = 64 << 10;

    private final LogDirectory directory;
    private final DestinationOptions.Directory options;
    private final InstantSource clock;
    private final Runnable onDeleted;
    private final Map<Signal, Part> parts = new EnumMap<>(Signal.class);

    /** Whether what an earlier process left was looked at. */
    private boolean mended;

    /** What a name says. */
    private record Name(String label, long number, Instant began, boolean part) {
        static Optional<Name> of(String name) {
            Matcher match = NAME.matcher(name);
            if (!match.matches()) return Optional.empty();
            try {
                return Optional.of(
                        new Name(
                                match.group(1),
                                Long.parseLong(match.group(2)),
                                STAMP.parse(match.group(3), Instant::from),
                                match.group(4) != null));
            } catch (DateTimeException e) {
                return Optional.empty();
            }
        }

        String text() {
            return String.format(
                    Locale.ROOT,
                    "%s-%08d-%s%s",
                    label,
                    number,
                    STAMP.format(began),
                    part ? PART : FINISHED);
        }

        Name finished() {
            return new Name(label, number, began, false);
        }
    }

    /** A file that is being written; {@code size} is durable. */
    private static final class Part {
        final Name name;
        final LogFile file;
        long size;

        Part(Name name, LogFile file, long size) {
            this.name = name;
            this.file = file;
            this.size = size;
        }
    }

    /**
     * @param onDeleted called for each file that the limits take
     */
    LineFiles(
            LogDirectory directory,
            DestinationOptions.Directory options,
            InstantSource clock,
            Runnable onDeleted) {
        this.directory = directory;
        this.options = options;
        this.clock = clock;
        this.onDeleted = onDeleted;
    }

    /**
     * Appends a line.
     *
     * @param line with its end; consumed
     * @throws IOException the line may or may not be there after a crash; write it again
     */
    void write(Signal signal, ByteBuffer line) throws IOException {
        mend();
        Part part = parts.get(signal);
        if (part == null) {
            part = begin(signal);
            parts.put(signal, part);
        }
        int bytes = line.remaining();
        try {
            part.file.write(line, part.size);
            part.file.force();
        } catch (IOException e) {
            parts.remove(signal);
            abandon(part, e);
            throw e;
        }
        part.size += bytes;
        if (part.size >= options.fileBytes()) finish(signal);
    }

    /** Whether a line could be written now: there is a directory, and room for a name. */
    void probe(Signal signal) throws IOException {
        mend();
        if (!parts.containsKey(signal)) parts.put(signal, begin(signal));
        parts.get(signal).file.force();
    }

    /** Finishes what is old enough and deletes what is too old or too much. */
    void tick() throws IOException {
        mend();
        for (Signal signal : List.copyOf(parts.keySet())) {
            Part part = parts.get(signal);
            if (part != null && part.size > 0 && aged(part.name)) finish(signal);
        }
        for (Signal signal : Signal.values()) evict(signal);
    }

    private boolean aged(Name name) {
        return Duration.between(name.began(), clock.instant()).abs().compareTo(options.fileAge())
                >= 0;
    }

    private Part begin(Signal signal) throws IOException {
        long number = 1 + names(signal).stream().mapToLong(Name::number).max().orElse(0);
        var name = new Name(signal.label(), number, clock.instant(), true);
        LogFile file = directory.create(name.text());
        try {
            file.force();
            directory.force();
        } catch (IOException e) {
            file.close();
            throw e;
        }
        return new Part(name, file, 0);
    }

    private List<Name> names(Signal signal) throws IOException {
        var names = new ArrayList<Name>();
        for (String name : directory.names())
            Name.of(name).filter(it -> it.label().equals(signal.label())).ifPresent(names::add);
        names.sort(Comparator.comparingLong(Name::number));
        return names;
    }

    private void finish(Signal signal) throws IOException {
        Part part = parts.remove(signal);
        if (part == null) return;
        part.file.close();
        directory.rename(part.name.text(), part.name.finished().text());
        directory.force();
        evict(signal);
    }

    /** Nothing more is written to a file whose disk said no; its good lines stay. */
    private void abandon(Part part, IOException why) {
        LOG.log(
                WARNING,
                "a line cannot be written, it goes to another file later; file={0}/{1} error={2}",
                directory.describe(),
                part.name.text(),
                String.valueOf(why.getMessage()));
        try (LogFile file = part.file) {
            file.truncate(part.size);
            file.force();
        } catch (IOException e) {
            why.addSuppressed(e); // what is too much is mended when the file is opened next
        }
        mended = false;
    }

    private void evict(Signal signal) throws IOException {
        List<Name> finished = names(signal).stream().filter(name -> !name.part()).toList();
        int tooMany = finished.size() - options.files();
        boolean changed = false;
        for (int i = 0; i < finished.size(); i++) {
            Name name = finished.get(i);
            boolean tooOld =
                    !options.maxAge().isZero()
                            && Duration.between(name.began(), clock.instant())
                                            .compareTo(options.maxAge())
                                    > 0;
            if (i >= tooMany && !tooOld) continue;
            directory.delete(name.text());
            changed = true;
            onDeleted.run();
            LOG.log(
                    WARNING,
                    "a file of telemetry is deleted; file={0}/{1} reason={2}",
                    directory.describe(),
                    name.text(),
                    tooOld ? "age" : "count");
        }
        if (changed) directory.force();
    }

    /** Cuts torn lines off, and goes on with the newest file of each signal. */
    private void mend() throws IOException {
        if (mended) return;
        for (Signal signal : Signal.values()) {
            if (parts.containsKey(signal)) continue;
            List<Name> left = names(signal).stream().filter(Name::part).toList();
            for (Name name : left) {
                boolean last = name.equals(left.getLast());
                Optional<Part> part = opened(name);
                if (part.isEmpty()) continue;
                parts.put(signal, part.get());
                boolean full = part.get().size >= options.fileBytes();
                if (!last || full || aged(name)) finish(signal);
            }
        }
        mended = true;
    }

    private Optional<Part> opened(Name name) throws IOException {
        LogFile file = directory.open(name.text());
        try {
            long size = file.size();
            long good = endOfLastLine(file, size);
            if (good < size) {
                LOG.log(
                        INFO,
                        "cut a torn line off; file={0}/{1} bytes={2}",
                        directory.describe(),
                        name.text(),
                        size - good);
                file.truncate(good);
                file.force();
            }
            if (good > 0) return Optional.of(new Part(name, file, good));
        } catch (IOException e) {
            file.close();
            throw e;
        }
        file.close();
        directory.delete(name.text());
        directory.force();
        return Optional.empty();
    }

    /**
     * Where the whole lines end. Only the last line can be torn: each was forced before the next
     * was begun. Torn means without an end, or with a block of zeros in it, which text has not.
     */
    private static long endOfLastLine(LogFile file, long size) throws IOException {
        var tail = new Tail(file, size);
        long end = tail.lineEndBefore(size);
        if (end < size) return end; // bytes behind the last line's end
        long start = tail.lineEndBefore(Math.max(0, size - 1));
        return tail.hasZero(start, end) ? start : end;
    }

    /** Reads a file from behind. */
    private record Tail(LogFile file, long size) {

        /** The position behind the last line feed below {@code limit}; 0 if there is none. */
        long lineEndBefore(long limit) throws IOException {
            for (long end = limit; end > 0; ) {
                long start = Math.max(0, end - BLOCK_BYTES);
                ByteBuffer block = block(start, end);
                for (int i = block.limit() - 1; i >= 0; i--)
                    if (block.get(i) == '\n') return start + i + 1;
                end = start;
            }
            return 0;
        }

        boolean hasZero(long from, long to) throws IOException {
            for (long start = from; start < to; start += BLOCK_BYTES) {
                ByteBuffer block = block(start, Math.min(to, start + BLOCK_BYTES));
                while (block.hasRemaining()) if (block.get() == 0) return true;
            }
            return false;
        }

        private ByteBuffer block(long start, long end) throws IOException {
            var block = ByteBuffer.allocate((int) (end - start));
            while (block.hasRemaining()) {
                int read = file.read(block, start + block.position());
                if (read <= 0) throw new IOException("file ends at " + (start + block.position()));
            }
            return block.flip();
        }
    }

    /** Leaves the files that are being written for the next process. */
    @Override
    public void close() throws IOException {
        for (Part part : parts.values()) part.file.close();
        parts.clear();
    }
}
