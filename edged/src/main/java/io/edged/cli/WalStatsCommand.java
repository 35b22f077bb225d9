package io.edged.cli;

import com.fasterxml.jackson.core.JsonGenerator;

import io.edged.cli.FrameChoice.Kind;
import io.edged.daemon.ExitCode;
import io.edged.otlp.ContentEncoding;
import io.edged.wal.Frame;
import io.edged.wal.StoredLog;
import io.edged.wal.StoredLog.CursorState;
import io.edged.wal.StoredLog.GapState;
import io.edged.wal.StoredLog.LedgerState;
import io.edged.wal.StoredLogReader;
import io.edged.wal.StoredLogReader.Next;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;

/** What a log adds up to. */
@Command(
        name = "stats",
        description = "Adds up a log: signals, sizes, groups, times, cursors, gaps, the ledger.",
        mixinStandardHelpOptions = true)
final class WalStatsCommand implements Callable<Integer> {

    /** Groups of 1, 2 to 3, 4 to 7 … 2,048 to 4,095, 4,096 frames. */
    private static final int GROUP_CLASSES = 13;

    private final Program program;

    @Mixin private LogPlace place = new LogPlace();

    @Option(names = "--json", description = "One JSON object.")
    private boolean asJson;

    WalStatsCommand(Program program) {
        this.program = program;
    }

    /** Frames of one kind. */
    private static final class Sum {
        long frames;
        long items;
        long bytes;

        /** Of compressed bodies: what their trailers say that comes out. */
        long plainBytes;

        void add(long addedItems, long addedBytes, long addedPlainBytes) {
            frames++;
            items += addedItems;
            bytes += addedBytes;
            plainBytes += addedPlainBytes;
        }
    }

    private static final class Totals {
        final Map<Kind, Sum> kinds = new EnumMap<>(Kind.class);
        final Map<ContentEncoding, Sum> encodings = new EnumMap<>(ContentEncoding.class);
        final long[] groups = new long[GROUP_CLASSES];
        long groupCount;
        long frames;
        long frameBytes;
        long firstSeq;
        long lastSeq;
        long earliest = Long.MAX_VALUE;
        long latest = Long.MIN_VALUE;
        long damaged;

        void add(Next.Read read, long plainBytes) {
            Frame frame = read.frame();
            if (frames++ == 0) firstSeq = frame.seq();
            lastSeq = frame.seq();
            frameBytes += read.bytes();
            earliest = Math.min(earliest, frame.writtenAtNanos());
            latest = Math.max(latest, frame.writtenAtNanos());
            kinds.computeIfAbsent(FrameChoice.kind(frame), _ -> new Sum())
                    .add(frame.items(), frame.bodyBytes(), plainBytes);
            encodings
                    .computeIfAbsent(frame.encoding(), _ -> new Sum())
                    .add(frame.items(), frame.bodyBytes(), plainBytes);
            if (!read.commit()) return;
            groupCount++;
            groups[groupClass(read.group() + 1)]++;
        }
    }

    private static int groupClass(int size) {
        return Math.min(GROUP_CLASSES - 1, 31 - Integer.numberOfLeadingZeros(size));
    }

    private static String groupClassName(int index) {
        if (index == 0) return "1";
        if (index == GROUP_CLASSES - 1) return Integer.toString(1 << index);
        return (1 << index) + "-" + ((2 << index) - 1);
    }

    @Override
    public Integer call() throws IOException {
        StoredLog log = LogPlace.read(place.toRead());
        Totals totals = totals(log);
        if (asJson) printJson(log, totals);
        else print(log, totals);
        return (totals.damaged > 0 ? ExitCode.CORRUPTION : ExitCode.CLEAN).code();
    }

    private static long bytes(StoredLog log) {
        return log.files().stream().mapToLong(StoredLog.StoredFile::bytes).sum();
    }

    private Totals totals(StoredLog log) throws IOException {
        var totals = new Totals();
        try (var progress = ReadProgress.of(program, bytes(log));
                var reader = new StoredLogReader(log, 1, false)) {
            while (true) {
                switch (reader.next()) {
                    case Next.Read read -> {
                        totals.add(read, plainBytes(reader, read.frame()));
                        progress.accept(read.bytes());
                    }
                    case Next.Damaged damage ->
                            totals.damaged += damage.toSeq() - damage.fromSeq() + 1;
                    case Next.Missing _ -> {}
                    case Next.AtEnd _ -> {
                        return totals;
                    }
                }
            }
        }
    }

    /** Gzip ends with the length of what comes out, modulo 2³². */
    private static long plainBytes(StoredLogReader reader, Frame frame) {
        ByteBuffer trailer = ByteBuffer.allocate(Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        if (frame.encoding() != ContentEncoding.GZIP
                || frame.bodyBytes() < Integer.BYTES
                || !reader.readBodyEnd(frame, trailer)) return 0;
        return Integer.toUnsignedLong(trailer.getInt(0));
    }

    private void print(StoredLog log, Totals totals) {
        var out = program.out();
        out.println(
                "log "
                        + log.logId().orElse("without an id")
                        + ", "
                        + log.files().stream()
                                .filter(file -> file.kind() == StoredLog.Kind.SEGMENT)
                                .count()
                        + " segments, "
                        + Sizes.text(bytes(log))
                        + " of files, "
                        + Sizes.text(totals.frameBytes)
                        + " of records");
        if (totals.frames == 0) {
            out.println("no records");
        } else {
            out.println(
                    "records "
                            + totals.firstSeq
                            + " to "
                            + totals.lastSeq
                            + ", there are "
                            + totals.frames
                            + (totals.damaged > 0 ? ", damaged " + totals.damaged : ""));
            out.println(
                    "written "
                            + FrameText.time(totals.earliest)
                            + " to "
                            + FrameText.time(totals.latest));
        }
        totals.kinds.forEach((kind, sum) -> out.println(name(kind) + ": " + text(sum)));
        totals.encodings.forEach((encoding, sum) ->
                out.println(
                        encoding.token()
                                + ": "
                                + text(sum)
                                + (sum.plainBytes > 0 && sum.bytes > 0
                                        ? String.format(
                                                Locale.ROOT,
                                                ", %s decompressed (%.1f to 1)",
                                                Sizes.text(sum.plainBytes),
                                                (double) sum.plainBytes / sum.bytes)
                                        : "")));
        if (totals.groupCount > 0) {
            var line = new StringBuilder("groups ").append(totals.groupCount).append(':');
            for (int i = 0; i < GROUP_CLASSES; i++)
                if (totals.groups[i] > 0)
                    line.append(' ')
                            .append(totals.groups[i])
                            .append(" of ")
                            .append(groupClassName(i))
                            .append(',');
            out.println(line.substring(0, line.length() - 1) + " frames");
        }
        for (CursorState cursor : log.cursors())
            out.println(
                    "cursor "
                            + cursor.name()
                            + " at "
                            + cursor.seq()
                            + ", behind "
                            + Math.max(0, totals.lastSeq - cursor.seq())
                            + (cursor.runsAbove() > 0
                                    ? ", settled runs above it " + cursor.runsAbove()
                                    : ""));
        for (GapState gap : log.gaps())
            out.println("gap " + gap.from() + "-" + gap.to() + ": " + gap.reason());
        for (LedgerState row : log.ledger())
            out.println(
                    "ledger "
                            + row.cursor()
                            + " "
                            + row.signal()
                            + ": accepted "
                            + row.accepted()
                            + " = delivered "
                            + row.delivered()
                            + " + pending "
                            + row.pending()
                            + " + dead-lettered "
                            + row.deadLettered()
                            + " + dropped "
                            + row.dropped()
                            + (row.pending() < 0 ? "; DOES NOT BALANCE" : ""));
    }

    private static String name(Kind kind) {
        return kind.name().toLowerCase(Locale.ROOT);
    }

    private static String text(Sum sum) {
        return sum.frames
                + " records, "
                + sum.items
                + " items, "
                + Sizes.text(sum.bytes)
                + " of bodies";
    }

    private void printJson(StoredLog log, Totals totals) throws IOException {
        try (JsonGenerator json = JsonOutput.object(program.out())) {
            json.writeStartObject();
            if (log.logId().isPresent()) json.writeStringField("log", log.logId().get());
            json.writeNumberField("file_bytes", bytes(log));
            json.writeNumberField("record_bytes", totals.frameBytes);
            json.writeNumberField("records", totals.frames);
            json.writeNumberField("damaged_records", totals.damaged);
            if (totals.frames > 0) {
                json.writeNumberField("first_seq", totals.firstSeq);
                json.writeNumberField("last_seq", totals.lastSeq);
                json.writeStringField("earliest", FrameText.time(totals.earliest));
                json.writeStringField("latest", FrameText.time(totals.latest));
            }
            json.writeObjectFieldStart("signals");
            for (var entry : totals.kinds.entrySet())
                write(json, name(entry.getKey()), entry.getValue());
            json.writeEndObject();
            json.writeObjectFieldStart("encodings");
            for (var entry : totals.encodings.entrySet())
                write(json, entry.getKey().token(), entry.getValue());
            json.writeEndObject();
            json.writeNumberField("groups", totals.groupCount);
            json.writeObjectFieldStart("groups_by_frames");
            for (int i = 0; i < GROUP_CLASSES; i++)
                if (totals.groups[i] > 0)
                    json.writeNumberField(groupClassName(i), totals.groups[i]);
            json.writeEndObject();
            writeSmallFiles(json, log, totals.lastSeq);
            json.writeEndObject();
        }
    }

    private static void write(JsonGenerator json, String name, Sum sum) throws IOException {
        json.writeObjectFieldStart(name);
        json.writeNumberField("records", sum.frames);
        json.writeNumberField("items", sum.items);
        json.writeNumberField("body_bytes", sum.bytes);
        if (sum.plainBytes > 0) json.writeNumberField("decompressed_bytes", sum.plainBytes);
        json.writeEndObject();
    }

    private static void writeSmallFiles(JsonGenerator json, StoredLog log, long lastSeq)
            throws IOException {
        if (log.safeSeq().isPresent()) json.writeNumberField("safe_seq", log.safeSeq().getAsLong());
        json.writeArrayFieldStart("cursors");
        for (CursorState cursor : log.cursors()) {
            json.writeStartObject();
            json.writeStringField("name", cursor.name());
            json.writeNumberField("seq", cursor.seq());
            json.writeNumberField("behind", Math.max(0, lastSeq - cursor.seq()));
            json.writeNumberField("runs_above", cursor.runsAbove());
            json.writeEndObject();
        }
        json.writeEndArray();
        json.writeArrayFieldStart("gaps");
        for (GapState gap : log.gaps()) {
            json.writeStartObject();
            json.writeNumberField("from", gap.from());
            json.writeNumberField("to", gap.to());
            json.writeStringField("reason", gap.reason());
            json.writeEndObject();
        }
        json.writeEndArray();
        json.writeArrayFieldStart("ledger");
        for (LedgerState row : log.ledger()) {
            json.writeStartObject();
            json.writeStringField("cursor", row.cursor());
            json.writeStringField("signal", row.signal());
            json.writeNumberField("accepted", row.accepted());
            json.writeNumberField("delivered", row.delivered());
            json.writeNumberField("pending", row.pending());
            json.writeNumberField("dead_lettered", row.deadLettered());
            json.writeObjectFieldStart("dropped");
            for (var reason : row.dropped().entrySet())
                json.writeNumberField(reason.getKey(), reason.getValue());
            json.writeEndObject();
            json.writeBooleanField("balances", row.pending() >= 0);
            json.writeEndObject();
        }
        json.writeEndArray();
    }
}
