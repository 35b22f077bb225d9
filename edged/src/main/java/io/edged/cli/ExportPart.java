package io.edged.cli;

import com.fasterxml.jackson.core.JsonGenerator;

import io.edged.cli.FrameChoice.Kind;
import io.edged.wal.Frame;

import java.io.BufferedOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * One part of an export: a directory with a file for each signal, {@code logs.jsonl} or {@code
 * logs.binpb} and so on, {@code events.jsonl}, and {@code part.json} that says what is in them and
 * what is not.
 */
final class ExportPart {

    /** How the requests are written. */
    enum Format {
        /** OTLP/JSON, one request a line. */
        JSON,
        /** Four bytes of length, big-endian, then the request; decompressed. */
        PROTOBUF
    }

    private static final String DESCRIPTION = "part.json";

    /** What of a part's range is not in it. */
    private record Lack(long from, long to, String reason) {}

    /** One of its files. */
    private static final class Output {
        final String name;
        final FileChannel channel;
        final DataOutputStream out;
        final JsonGenerator json;
        long records;
        long items;

        Output(String name, FileChannel channel) throws IOException {
            this.name = name;
            this.channel = channel;
            this.out =
                    new DataOutputStream(
                            new BufferedOutputStream(Channels.newOutputStream(channel)));
            this.json = JsonOutput.lines(out);
        }

        void finish() throws IOException {
            json.close();
            out.flush();
            channel.force(true);
            channel.close();
        }
    }

    private final Path directory;
    private final Format format;
    private final long firstSeq;
    private final Map<Kind, Output> outputs = new EnumMap<>(Kind.class);
    private final List<Lack> lacks = new ArrayList<>();
    private long bytes;

    private ExportPart(Path directory, Format format, long firstSeq) {
        this.directory = directory;
        this.format = format;
        this.firstSeq = firstSeq;
    }

    static ExportPart create(Path directory, Format format, long firstSeq) throws IOException {
        Files.createDirectory(directory);
        return new ExportPart(directory, format, firstSeq);
    }

    long firstSeq() {
        return firstSeq;
    }

    /** Bodies in it. */
    long bytes() {
        return bytes;
    }

    void lacks(long from, long to, String reason) {
        int last = lacks.size() - 1;
        if (last >= 0
                && lacks.get(last).to() + 1 == from
                && lacks.get(last).reason().equals(reason))
            lacks.set(last, new Lack(lacks.get(last).from(), to, reason));
        else lacks.add(new Lack(from, to, reason));
        bytes += LACK_BYTES;
    }

    /** What a range that is not there counts, so that a part stays bounded whatever is damaged. */
    private static final int LACK_BYTES = 64;

    void add(Frame frame, ByteBuffer plain, FrameBodies bodies) throws IOException {
        Output output = output(FrameChoice.kind(frame));
        if (frame.isEntry()) {
            JsonGenerator json = output.json;
            json.writeStartObject();
            json.writeNumberField("seq", frame.seq());
            json.writeStringField("written_at", FrameText.time(frame.writtenAtNanos()));
            json.writeFieldName("event");
            json.writeRawValue(FrameText.oneLine(plain));
            json.writeEndObject();
            json.flush();
            output.out.write('\n');
        } else if (format == Format.JSON) {
            bodies.writeOtlp(frame, plain, output.json);
            output.json.flush();
            output.out.write('\n');
        } else {
            output.out.writeInt(plain.remaining());
            output.out.write(
                    plain.array(), plain.arrayOffset() + plain.position(), plain.remaining());
        }
        output.records++;
        output.items += frame.items();
        bytes += plain.remaining();
    }

    private Output output(Kind kind) throws IOException {
        Output known = outputs.get(kind);
        if (known != null) return known;
        String ending = format == Format.JSON || kind == Kind.EVENTS ? ".jsonl" : ".binpb";
        String name = kind.name().toLowerCase(Locale.ROOT) + ending;
        Output output = open(name);
        outputs.put(kind, output);
        return output;
    }

    private Output open(String name) throws IOException {
        FileChannel channel =
                FileChannel.open(
                        directory.resolve(name),
                        StandardOpenOption.CREATE_NEW,
                        StandardOpenOption.WRITE);
        return new Output(name, channel);
    }

    /** Makes everything durable and gives the part its name. */
    void finish(Path name, long lastSeq) throws IOException {
        for (Output output : outputs.values()) output.finish();
        Output description = open(DESCRIPTION);
        describe(description.json, lastSeq);
        description.finish();
        force(directory);
        Files.move(directory, name, StandardCopyOption.ATOMIC_MOVE);
        Path parent = name.getParent();
        if (parent != null) force(parent);
    }

    private void describe(JsonGenerator json, long lastSeq) throws IOException {
        json.writeStartObject();
        json.writeNumberField("from", firstSeq);
        json.writeNumberField("to", lastSeq);
        json.writeArrayFieldStart("files");
        for (Output output : outputs.values()) {
            json.writeStartObject();
            json.writeStringField("name", output.name);
            json.writeNumberField("records", output.records);
            json.writeNumberField("items", output.items);
            json.writeEndObject();
        }
        json.writeEndArray();
        json.writeArrayFieldStart("lacks");
        for (Lack lack : lacks) {
            json.writeStartObject();
            json.writeNumberField("from", lack.from());
            json.writeNumberField("to", lack.to());
            json.writeStringField("reason", lack.reason());
            json.writeEndObject();
        }
        json.writeEndArray();
        json.writeEndObject();
    }

    private static void force(Path path) throws IOException {
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }

    /** Removes what was written. */
    void abandon() throws IOException {
        for (Output output : outputs.values()) output.channel.close();
        delete(directory);
    }

    /** Deletes an unfinished part, if there is one. */
    static void delete(Path directory) throws IOException {
        if (!Files.isDirectory(directory)) return;
        try (var files = Files.newDirectoryStream(directory)) {
            for (Path file : files) Files.delete(file);
        }
        Files.delete(directory);
    }
}
