package io.edged.cli;

import com.fasterxml.jackson.core.JsonGenerator;

import io.edged.wal.Frame;
import io.edged.wal.StoredLogReader.Next;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Locale;

/** How frames are shown. */
final class FrameText {
    private static final DateTimeFormatter TIME =
            DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.SSSSSSSSS'Z'", Locale.ROOT)
                    .withZone(ZoneOffset.UTC);

    private FrameText() {}

    static String time(long nanos) {
        return TIME.format(
                Instant.ofEpochSecond(
                        Math.floorDiv(nanos, 1_000_000_000L),
                        Math.floorMod(nanos, 1_000_000_000L)));
    }

    static String kind(Frame frame) {
        return FrameChoice.kind(frame).name().toLowerCase(Locale.ROOT);
    }

    /** One line for people. */
    static String line(Frame frame) {
        return frame.seq()
                + " "
                + time(frame.writtenAtNanos())
                + " "
                + kind(frame)
                + " items="
                + frame.items()
                + " "
                + frame.encoding().token()
                + " bytes="
                + frame.bodyBytes()
                + (frame.metadata().isEmpty() ? "" : " " + oneLine(frame.metadata()));
    }

    /** The members that say what a frame is; the object stays open. */
    static void members(Next.Read read, JsonGenerator json) throws IOException {
        Frame frame = read.frame();
        json.writeNumberField("seq", frame.seq());
        json.writeStringField("written_at", time(frame.writtenAtNanos()));
        json.writeStringField("signal", kind(frame));
        json.writeNumberField("items", frame.items());
        json.writeStringField("encoding", frame.encoding().token());
        json.writeNumberField("body_bytes", frame.bodyBytes());
        json.writeNumberField("group", read.group());
        json.writeBooleanField("commit", read.commit());
        json.writeBooleanField("mergeable", frame.mergeable());
        if (!frame.metadata().isEmpty()) {
            json.writeFieldName("metadata");
            json.writeRawValue(oneLine(frame.metadata()));
        }
    }

    /** JSON as it came, on one line: outside of its strings a line break is only white space. */
    static String oneLine(String json) {
        return json.replace('\n', ' ').replace('\r', ' ');
    }

    static String oneLine(ByteBuffer json) {
        return oneLine(StandardCharsets.UTF_8.decode(json.duplicate()).toString());
    }
}
