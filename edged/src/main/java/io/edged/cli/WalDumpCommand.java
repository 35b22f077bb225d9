package io.edged.cli;

import com.fasterxml.jackson.core.JsonGenerator;

import io.edged.cli.FrameBodies.Body;
import io.edged.daemon.ExitCode;
import io.edged.daemon.LifeCycle;
import io.edged.wal.Frame;
import io.edged.wal.StoredLog;
import io.edged.wal.StoredLogReader;
import io.edged.wal.StoredLogReader.Next;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Callable;

/** Shows the records of a log. */
@Command(
        name = "dump",
        description = {
            "Shows committed records, oldest first; with --json their content too, one object a line.",
            "Exit code 3: damage was passed over; it is named on standard error."
        },
        mixinStandardHelpOptions = true)
final class WalDumpCommand implements Callable<Integer> {

    /** How often a log is looked at again that is followed. */
    private static final Duration POLL = Duration.ofMillis(200);

    private static final int BUFFER_BYTES = 64 << 10;

    private final Program program;

    @Mixin private LogPlace place = new LogPlace();
    @Mixin private FrameChoice choice = new FrameChoice();

    @Option(names = "--json", description = "With content: OTLP/JSON, events as they came.")
    private boolean asJson;

    @Option(names = "--follow", description = "Wait for new records until SIGINT or SIGTERM.")
    private boolean follow;

    @Mixin private BodyLimit bodyLimit = new BodyLimit();

    WalDumpCommand(Program program) {
        this.program = program;
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        choice.check();
        bodyLimit.check();
        StoredLog log = LogPlace.read(place.toRead());
        Optional<LifeCycle> lifeCycle =
                follow ? Optional.of(program.lifeCycle().get()) : Optional.empty();
        try (var reader = new StoredLogReader(log, choice.firstSeq(), follow);
                var dump = new Dump(reader)) {
            while (true) {
                Next next = reader.next();
                if (next instanceof Next.AtEnd) {
                    dump.out.flush();
                    if (lifeCycle.isEmpty() || lifeCycle.get().awaitStop(POLL)) break;
                } else if (!dump.show(next)
                        || (lifeCycle.isPresent() && lifeCycle.get().isStopping())) {
                    break;
                }
            }
            return dump.code().code();
        }
    }

    /** One run: what it writes to and what it found. */
    private final class Dump implements AutoCloseable {
        private final FrameBodies bodies;
        private final OutputStream out = new BufferedOutputStream(program.out(), BUFFER_BYTES);
        private final JsonGenerator json = JsonOutput.lines(out);
        private boolean damaged;

        Dump(StoredLogReader reader) throws IOException {
            bodies = new FrameBodies(reader, bodyLimit.bytes());
        }

        ExitCode code() {
            return damaged ? ExitCode.CORRUPTION : ExitCode.CLEAN;
        }

        /** Shows one thing; false if nothing further is wanted. */
        boolean show(Next next) throws IOException {
            switch (next) {
                case Next.Read read -> {
                    if (choice.endsBefore(read.frame().seq())) return false;
                    if (choice.wants(read.frame())) frame(read);
                }
                case Next.Damaged damage -> {
                    if (choice.endsBefore(damage.fromSeq())) return false;
                    damaged = true;
                    program.err()
                            .println(
                                    "edged: damaged "
                                            + damage.code()
                                            + "; file="
                                            + damage.file()
                                            + " offset="
                                            + damage.offset()
                                            + " bytes="
                                            + damage.bytes()
                                            + " records="
                                            + damage.fromSeq()
                                            + "-"
                                            + damage.toSeq());
                }
                case Next.Missing missing -> {
                    if (choice.endsBefore(missing.fromSeq())) return false;
                    program.err()
                            .println(
                                    "edged: not there; records="
                                            + missing.fromSeq()
                                            + "-"
                                            + missing.toSeq()
                                            + " reason="
                                            + missing.reason());
                }
                case Next.AtEnd _ -> {}
            }
            return !program.out().checkError(); // whoever read it has gone
        }

        private void frame(Next.Read read) throws IOException {
            if (!asJson) {
                out.write((FrameText.line(read.frame()) + "\n").getBytes(StandardCharsets.UTF_8));
                return;
            }
            Body body = bodies.plain(read.frame());
            if (body instanceof Body.Damaged) damagedBody(read.frame());
            json.writeStartObject();
            FrameText.members(read, json);
            switch (body) {
                case Body.Plain(var bytes) -> {
                    if (read.frame().isEntry()) {
                        json.writeFieldName("event");
                        json.writeRawValue(FrameText.oneLine(bytes));
                    } else {
                        json.writeFieldName("body");
                        bodies.writeOtlp(read.frame(), bytes, json);
                    }
                }
                case Body.Omitted(String why) -> json.writeStringField("body_omitted", why);
                case Body.Damaged() -> json.writeStringField("body_omitted", "damaged");
                case Body.Gone() -> json.writeStringField("body_omitted", "settled and reused");
            }
            json.writeEndObject();
            json.flush();
            out.write('\n');
        }

        private void damagedBody(Frame frame) {
            damaged = true;
            program.err()
                    .println(
                            "edged: damaged BAD_FRAME; the body of record "
                                    + frame.seq()
                                    + " is not as it was written");
        }

        @Override
        public void close() throws IOException {
            json.close();
            out.flush();
        }
    }
}
