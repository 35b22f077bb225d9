package io.edged.cli;

import io.edged.daemon.ExitCode;
import io.edged.daemon.ExitException;
import io.edged.wal.StoredLog;
import io.edged.wal.StoredLogReader;
import io.edged.wal.StoredLogReader.Next;

import org.jspecify.annotations.Nullable;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;

/** Copies records out of a log into files that other programs read. */
@Command(
        name = "export",
        description = {
            "Writes committed records into files of at most a few MiB, each complete when it has its"
                    + " name. Run again, it goes on behind what is there.",
            "Exit code 3: damage was passed over; the parts name it."
        },
        mixinStandardHelpOptions = true)
final class WalExportCommand implements Callable<Integer> {

    private final Program program;

    @Mixin private LogPlace place = new LogPlace();
    @Mixin private FrameChoice choice = new FrameChoice();

    @Option(
            names = "--out",
            required = true,
            paramLabel = "DIR",
            description = "Where the parts go; made if it is not there.")
    private @Nullable Path target;

    @Option(
            names = "--format",
            paramLabel = "FORMAT",
            description =
                    "json: OTLP/JSON, one export request a line. protobuf: four bytes of length, big-endian,"
                            + " before each (default: ${DEFAULT-VALUE}).")
    private ExportPart.Format format = ExportPart.Format.JSON;

    @Option(
            names = "--part-bytes",
            paramLabel = "BYTES",
            description = "Where a part ends (default: ${DEFAULT-VALUE}).")
    private long partBytes = 64 << 20;

    @Mixin private BodyLimit bodyLimit = new BodyLimit();

    @Spec private CommandSpec spec = CommandSpec.create();

    WalExportCommand(Program program) {
        this.program = program;
    }

    @Override
    public Integer call() throws IOException {
        choice.check();
        bodyLimit.check();
        if (partBytes < 1)
            throw new ParameterException(
                    spec.commandLine(), "--part-bytes " + partBytes + " is not above 0");
        StoredLog log = LogPlace.read(place.toRead());
        String name = log.logId().orElse("unknown") + "-" + format.name().toLowerCase(Locale.ROOT);
        Path out = target == null ? Path.of("") : target;
        long bytes = log.files().stream().mapToLong(StoredLog.StoredFile::bytes).sum();
        try (var parts = ExportParts.open(out.resolve(name), format, partBytes)) {
            long from = Math.max(choice.firstSeq(), parts.lastSeq() + 1);
            try (var reader = new StoredLogReader(log, from, false);
                    var progress = ReadProgress.of(program, bytes)) {
                var bodies = new FrameBodies(reader, bodyLimit.bytes());
                while (true) {
                    Next next = reader.next();
                    if (next instanceof Next.AtEnd || isBehind(next)) break;
                    if (next instanceof Next.Read read) {
                        progress.accept(read.bytes());
                        if (!choice.wants(read.frame())) continue;
                    }
                    parts.add(next, bodies);
                }
            }
            parts.finish();
            program.out()
                    .println(
                            "exported "
                                    + parts.records()
                                    + " records in "
                                    + parts.count()
                                    + " parts to "
                                    + parts.directory()
                                    + (parts.omitted() > 0 ? ", left out " + parts.omitted() : "")
                                    + (parts.damaged() > 0 ? ", damaged " + parts.damaged() : ""));
            return (parts.damaged() > 0 ? ExitCode.CORRUPTION : ExitCode.CLEAN).code();
        } catch (ExportParts.TargetException e) {
            throw new ExitException(ExitCode.STATE_DIRECTORY, String.valueOf(e.getMessage()), e);
        }
    }

    private boolean isBehind(Next next) {
        return switch (next) {
            case Next.Read read -> choice.endsBefore(read.frame().seq());
            case Next.Damaged damage -> choice.endsBefore(damage.fromSeq());
            case Next.Missing missing -> choice.endsBefore(missing.fromSeq());
            case Next.AtEnd _ -> true;
        };
    }
}
