package io.edged.cli;

import io.edged.cli.FrameBodies.Body;
import io.edged.wal.Frame;
import io.edged.wal.StoredLogReader.Next;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.regex.Pattern;

/**
 * The parts of an export, in a directory of the log's id: {@code FROM-TO/}, each with 20 digits. A
 * part gets its name when all of it is on the disk; what stands under another name is unfinished
 * and removed.
 */
final class ExportParts implements AutoCloseable {

    private static final Pattern PART = Pattern.compile("[0-9]{20}-([0-9]{20})");
    private static final String UNFINISHED = "unfinished.tmp";

    /** The target cannot be used. */
    static final class TargetException extends IOException {
        private static final long serialVersionUID = 1;

        TargetException(Path target, IOException cause) {
            super(target + ": cannot be written: " + cause.getMessage(), cause);
        }
    }

    private final Path directory;
    private final ExportPart.Format format;
    private final long partBytes;
    private final long startSeq;
    private @Nullable ExportPart part;
    private long lastSeq;
    private long records;
    private long omitted;
    private long damaged;
    private int count;

    private ExportParts(Path directory, ExportPart.Format format, long partBytes, long lastSeq) {
        this.directory = directory;
        this.format = format;
        this.partBytes = partBytes;
        this.lastSeq = lastSeq;
        this.startSeq = lastSeq;
    }

    /** Looks at what is there. */
    static ExportParts open(Path directory, ExportPart.Format format, long partBytes)
            throws TargetException {
        try {
            Files.createDirectories(directory);
            ExportPart.delete(directory.resolve(UNFINISHED));
            long last = 0;
            try (var names = Files.newDirectoryStream(directory)) {
                for (Path path : names) {
                    var matcher = PART.matcher(String.valueOf(path.getFileName()));
                    if (matcher.matches()) last = Math.max(last, Long.parseLong(matcher.group(1)));
                }
            }
            return new ExportParts(directory, format, partBytes, last);
        } catch (IOException e) {
            throw new TargetException(directory, e);
        }
    }

    Path directory() {
        return directory;
    }

    /** The last record that is in a part with a name. */
    long lastSeq() {
        return startSeq;
    }

    long records() {
        return records;
    }

    long omitted() {
        return omitted;
    }

    long damaged() {
        return damaged;
    }

    int count() {
        return count;
    }

    /** Takes what stands next in the log. */
    void add(Next next, FrameBodies bodies) throws IOException {
        switch (next) {
            case Next.Read(Frame frame, int _, boolean _, long _) -> frame(frame, bodies);
            case Next.Damaged damage -> {
                damaged += damage.toSeq() - damage.fromSeq() + 1;
                part(damage.fromSeq())
                        .lacks(damage.fromSeq(), damage.toSeq(), damage.code().name());
                lastSeq = damage.toSeq();
            }
            case Next.Missing missing -> {
                part(missing.fromSeq()).lacks(missing.fromSeq(), missing.toSeq(), missing.reason());
                lastSeq = missing.toSeq();
            }
            case Next.AtEnd _ -> {}
        }
        ExportPart open = part;
        if (open != null && open.bytes() >= partBytes) finish();
    }

    private void frame(Frame frame, FrameBodies bodies) throws IOException {
        Body body = bodies.plain(frame);
        ExportPart into = part(frame.seq());
        try {
            switch (body) {
                case Body.Plain(var bytes) -> {
                    into.add(frame, bytes, bodies);
                    records++;
                }
                case Body.Omitted(String why) -> {
                    omitted++;
                    into.lacks(frame.seq(), frame.seq(), "left out: " + why);
                }
                case Body.Damaged() -> {
                    damaged++;
                    into.lacks(frame.seq(), frame.seq(), "BAD_FRAME");
                }
                case Body.Gone() -> into.lacks(frame.seq(), frame.seq(), "settled and reused");
            }
        } catch (IOException e) {
            throw new TargetException(directory, e);
        }
        lastSeq = frame.seq();
    }

    private ExportPart part(long seq) throws TargetException {
        ExportPart open = part;
        if (open != null) return open;
        try {
            ExportPart made = ExportPart.create(directory.resolve(UNFINISHED), format, seq);
            part = made;
            return made;
        } catch (IOException e) {
            throw new TargetException(directory, e);
        }
    }

    /** Gives the open part its name, if there is one. */
    void finish() throws TargetException {
        ExportPart open = part;
        if (open == null) return;
        part = null;
        try {
            open.finish(
                    directory.resolve(
                            String.format(Locale.ROOT, "%020d-%020d", open.firstSeq(), lastSeq)),
                    lastSeq);
        } catch (IOException e) {
            throw new TargetException(directory, e);
        }
        count++;
    }

    /** Drops what is unfinished. */
    @Override
    public void close() throws IOException {
        ExportPart open = part;
        part = null;
        if (open != null) open.abandon();
    }
}
