package io.edged.cli;

import com.fasterxml.jackson.core.JsonGenerator;

import io.edged.daemon.ExitCode;
import io.edged.disk.LogDirectory;
import io.edged.disk.LogFile;
import io.edged.wal.StoredLog;
import io.edged.wal.StoredLog.Kind;
import io.edged.wal.StoredLog.StoredFile;
import io.edged.wal.StoredLogReader;
import io.edged.wal.StoredLogReader.Next;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;

/** One line a file. */
@Command(
        name = "ls",
        description = "Lists segments and small files; reads headers, not bodies.",
        mixinStandardHelpOptions = true)
final class WalListCommand implements Callable<Integer> {
    private static final String QUARANTINE = "quarantine";

    private final Program program;

    @Mixin private LogPlace place = new LogPlace();

    @Option(names = "--json", description = "One JSON object.")
    private boolean asJson;

    WalListCommand(Program program) {
        this.program = program;
    }

    /** What the headers of one segment add up to. */
    private static final class Sum {
        long first;
        long last;
        long frames;
        long items;
        boolean damaged;
    }

    /** A line of the list. */
    private record Line(StoredFile file, Sum sum, String state) {}

    @Override
    public Integer call() throws IOException {
        LogDirectory directory = place.toRead();
        StoredLog log = LogPlace.read(directory);
        List<StoredFile> segments =
                log.files().stream().filter(file -> file.kind() == Kind.SEGMENT).toList();
        Map<String, Sum> sums = sums(log, segments);
        var lines = new ArrayList<Line>();
        for (StoredFile file : log.files()) {
            Sum sum = sums.getOrDefault(file.name(), new Sum());
            boolean newest = !segments.isEmpty() && file.equals(segments.getLast());
            lines.add(new Line(file, sum, state(file.kind(), sum, newest)));
        }
        List<StoredFile> quarantine = quarantine(directory);
        if (asJson) printJson(log, lines, quarantine);
        else print(log, lines, quarantine);
        return ExitCode.CLEAN.code();
    }

    private Map<String, Sum> sums(StoredLog log, List<StoredFile> segments) throws IOException {
        long total = segments.stream().mapToLong(StoredFile::bytes).sum();
        var byFirst = new TreeMap<Long, Sum>();
        var byName = new TreeMap<String, Sum>();
        for (StoredFile file : segments) {
            var sum = new Sum();
            sum.first = file.firstSeq();
            sum.last = sum.first - 1;
            byFirst.put(sum.first, sum);
            byName.put(file.name(), sum);
        }
        try (var progress = ReadProgress.of(program, total);
                var reader = new StoredLogReader(log, 1, false)) {
            while (true) {
                switch (reader.next()) {
                    case Next.Read(var frame, int _, boolean _, long bytes) -> {
                        Sum sum = byFirst.computeIfAbsent(frame.segment(), _ -> new Sum());
                        sum.frames++;
                        sum.items += frame.items();
                        sum.last = frame.seq();
                        progress.accept(bytes);
                    }
                    case Next.Damaged damage ->
                            byName.computeIfAbsent(damage.file(), _ -> new Sum()).damaged = true;
                    case Next.Missing _ -> {}
                    case Next.AtEnd _ -> {
                        return byName;
                    }
                }
            }
        }
    }

    private static String state(Kind kind, Sum sum, boolean newest) {
        if (kind != Kind.SEGMENT) return kind.name().toLowerCase(Locale.ROOT).replace('_', ' ');
        if (sum.damaged) return "damaged";
        return newest ? "active" : "sealed";
    }

    private static List<StoredFile> quarantine(LogDirectory directory) throws IOException {
        var files = new ArrayList<StoredFile>();
        try {
            LogDirectory quarantine = directory.directory(QUARANTINE);
            for (String name : quarantine.names())
                try (LogFile file = quarantine.openReadOnly(name)) {
                    files.add(
                            new StoredFile(QUARANTINE + "/" + name, Kind.UNKNOWN, file.size(), 0));
                }
        } catch (NoSuchFileException e) {
            return files; // nothing was ever set aside, or it was taken away a moment ago
        }
        return files;
    }

    private void print(StoredLog log, List<Line> lines, List<StoredFile> quarantine) {
        var out = program.out();
        out.println(
                "log "
                        + log.logId().orElse("without an id")
                        + ", safe point "
                        + (log.safeSeq().isPresent() ? log.safeSeq().getAsLong() : "unknown"));
        out.println(line("FILE", "FIRST", "LAST", "FRAMES", "ITEMS", "BYTES", "STATE"));
        for (Line line : lines) {
            Sum sum = line.sum();
            boolean segment = line.file().kind() == Kind.SEGMENT;
            out.println(
                    line(
                            line.file().name(),
                            segment ? sum.first : "-",
                            segment ? sum.last : "-",
                            segment ? sum.frames : "-",
                            segment ? sum.items : "-",
                            line.file().bytes(),
                            line.state()));
        }
        for (StoredFile file : quarantine)
            out.println(line(file.name(), "-", "-", "-", "-", file.bytes(), "set aside"));
    }

    private static String line(Object... cells) {
        return String.format(Locale.ROOT, "%-41s %12s %12s %10s %12s %14s  %s", cells);
    }

    private void printJson(StoredLog log, List<Line> lines, List<StoredFile> quarantine)
            throws IOException {
        try (JsonGenerator json = JsonOutput.object(program.out())) {
            json.writeStartObject();
            if (log.logId().isPresent()) json.writeStringField("log", log.logId().get());
            if (log.safeSeq().isPresent())
                json.writeNumberField("safe_seq", log.safeSeq().getAsLong());
            json.writeArrayFieldStart("files");
            for (Line line : lines) {
                json.writeStartObject();
                json.writeStringField("name", line.file().name());
                json.writeStringField("state", line.state());
                json.writeNumberField("bytes", line.file().bytes());
                if (line.file().kind() == Kind.SEGMENT) {
                    json.writeNumberField("first_seq", line.sum().first);
                    json.writeNumberField("last_seq", line.sum().last);
                    json.writeNumberField("frames", line.sum().frames);
                    json.writeNumberField("items", line.sum().items);
                }
                json.writeEndObject();
            }
            json.writeEndArray();
            json.writeArrayFieldStart("quarantine");
            for (StoredFile file : quarantine) {
                json.writeStartObject();
                json.writeStringField("name", file.name());
                json.writeNumberField("bytes", file.bytes());
                json.writeEndObject();
            }
            json.writeEndArray();
            json.writeEndObject();
        }
    }
}
