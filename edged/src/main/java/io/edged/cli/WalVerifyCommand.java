package io.edged.cli;

import com.fasterxml.jackson.core.JsonGenerator;

import io.edged.daemon.ExitCode;
import io.edged.disk.LogDirectory;
import io.edged.wal.LogVerifier;
import io.edged.wal.LogVerifier.Finding;
import io.edged.wal.LogVerifier.SegmentResult;
import io.edged.wal.LogVerifier.Verification;
import io.edged.wal.StoredLog;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

import java.io.IOException;
import java.util.Locale;
import java.util.concurrent.Callable;

/** Reads everything and says what is wrong with it; changes nothing. */
@Command(
        name = "verify",
        description = {
            "Reads every byte and names what is damaged and what the next open does about it.",
            "Exit code 0: sound. 3: durable data is damaged."
        },
        mixinStandardHelpOptions = true)
final class WalVerifyCommand implements Callable<Integer> {
    private final Program program;

    @Mixin private LogPlace place = new LogPlace();

    @Option(names = "--json", description = "One JSON object.")
    private boolean asJson;

    WalVerifyCommand(Program program) {
        this.program = program;
    }

    @Override
    public Integer call() throws IOException {
        LogDirectory directory = place.toRead();
        StoredLog log = LogPlace.read(directory);
        long total = log.files().stream().mapToLong(StoredLog.StoredFile::bytes).sum();
        Verification found;
        try (var progress = ReadProgress.of(program, total)) {
            found = LogVerifier.verify(directory, progress);
        }
        if (asJson) printJson(found);
        else print(found);
        return (found.isSound() ? ExitCode.CLEAN : ExitCode.CORRUPTION).code();
    }

    private void print(Verification found) {
        var text = new FindingText(program.out());
        text.findings(found);
        text.summary(found);
    }

    private void printJson(Verification found) throws IOException {
        try (JsonGenerator json = JsonOutput.object(program.out())) {
            json.writeStartObject();
            json.writeBooleanField("sound", found.isSound());
            if (found.logId().isPresent()) json.writeStringField("log", found.logId().get());
            json.writeNumberField("records", found.records());
            json.writeNumberField("last_seq", found.lastSeq());
            json.writeNumberField("safe_seq", found.safeSeq());
            json.writeNumberField("segments_reused_meanwhile", found.reused());
            json.writeArrayFieldStart("findings");
            for (Finding finding : found.findings()) write(json, finding);
            json.writeEndArray();
            json.writeArrayFieldStart("segments");
            for (SegmentResult segment : found.segments()) {
                json.writeStartObject();
                json.writeStringField("file", segment.file());
                json.writeNumberField("first_seq", segment.firstSeq());
                json.writeNumberField("last_seq", segment.lastSeq());
                json.writeNumberField("records", segment.records());
                json.writeNumberField("bytes", segment.bytes());
                json.writeBooleanField("damaged", segment.damaged());
                json.writeEndObject();
            }
            json.writeEndArray();
            json.writeEndObject();
        }
    }

    private static void write(JsonGenerator json, Finding finding) throws IOException {
        json.writeStartObject();
        json.writeStringField("severity", finding.severity().name().toLowerCase(Locale.ROOT));
        json.writeStringField("code", finding.code());
        json.writeStringField("file", finding.file());
        json.writeNumberField("offset", finding.offset());
        json.writeNumberField("bytes", finding.bytes());
        if (finding.fromSeq() > 0) {
            json.writeNumberField("from_seq", finding.fromSeq());
            json.writeNumberField("to_seq", finding.toSeq());
        }
        json.writeStringField("meaning", finding.meaning());
        json.writeStringField("next_open", finding.nextOpen());
        json.writeEndObject();
    }
}
