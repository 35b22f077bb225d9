package io.edged.drain;

import static java.lang.System.Logger.Level.WARNING;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;

import io.edged.disk.AtomicFile;
import io.edged.disk.LogDirectory;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import java.util.zip.CRC32C;

/**
 * What limits must know again after a restart, of all destinations, in one small file that is
 * replaced whole: {@code uplink.json}. A file that cannot be read is as good as none, which a line
 * tells: budgets begin anew, and nothing is paused.
 *
 * <p>Any thread.
 */
public final class UplinkMemory {

    static final String FILE = "uplink.json";

    private static final System.Logger LOG = System.getLogger(UplinkMemory.class.getName());
    private static final int MAX_BYTES = 1 << 20;
    private static final JsonFactory JSON = new JsonFactory();

    private final Optional<LogDirectory> directory;
    private final Map<String, UplinkUse> uses = new TreeMap<>();

    private UplinkMemory(Optional<LogDirectory> directory) {
        this.directory = directory;
    }

    /** Remembers nothing over a restart. */
    public static UplinkMemory none() {
        return new UplinkMemory(Optional.empty());
    }

    /** Reads what {@code directory} has of it. */
    public static UplinkMemory in(LogDirectory directory) {
        var memory = new UplinkMemory(Optional.of(directory));
        try {
            Optional<byte[]> content = AtomicFile.read(directory, FILE, MAX_BYTES);
            if (content.isPresent()) memory.decode(content.get());
        } catch (IOException e) {
            memory.uses.clear();
            LOG.log(
                    WARNING,
                    "what was sent before cannot be read: byte budgets begin anew and nothing is"
                            + " paused; file={0} error={1}",
                    FILE,
                    String.valueOf(e.getMessage()));
        }
        return memory;
    }

    synchronized UplinkUse use(String destination) {
        return uses.getOrDefault(destination, UplinkUse.NONE);
    }

    /**
     * Changes what is known of a destination, durably.
     *
     * @throws IOException if it cannot be made durable; until the next change succeeds, a restart
     *     finds what was before
     */
    synchronized void change(String destination, UnaryOperator<UplinkUse> change)
            throws IOException {
        uses.put(destination, change.apply(use(destination)));
        if (directory.isPresent()) AtomicFile.replace(directory.get(), FILE, encode());
    }

    private byte[] encode() throws IOException {
        var bytes = new ByteArrayOutputStream();
        try (JsonGenerator json = JSON.createGenerator(bytes)) {
            json.writeStartObject();
            for (var entry : uses.entrySet()) {
                UplinkUse use = entry.getValue();
                json.writeObjectFieldStart(entry.getKey());
                json.writeBooleanField("paused", use.paused());
                json.writeObjectFieldStart("hours");
                for (var hour : use.hours().entrySet())
                    json.writeNumberField(Long.toString(hour.getKey()), hour.getValue());
                json.writeEndObject();
                json.writeNumberField("month", use.month());
                json.writeNumberField("month_bytes", use.monthBytes());
                json.writeEndObject();
            }
            json.writeEndObject();
        }
        bytes.write(
                ("\n" + checksum(bytes.toByteArray(), bytes.size()) + "\n")
                        .getBytes(StandardCharsets.US_ASCII));
        return bytes.toByteArray();
    }

    private static String checksum(byte[] bytes, int length) {
        var crc = new CRC32C();
        crc.update(bytes, 0, length);
        return "%08x".formatted(crc.getValue());
    }

    private void decode(byte[] content) throws IOException {
        int json = content.length - 10;
        String end =
                new String(
                        content,
                        Math.max(0, json),
                        content.length - Math.max(0, json),
                        StandardCharsets.US_ASCII);
        if (json < 2 || !end.equals("\n" + checksum(content, json) + "\n"))
            throw new IOException("checksum");
        try (JsonParser parser = JSON.createParser(content, 0, json)) {
            if (parser.nextToken() != JsonToken.START_OBJECT) throw new IOException("no object");
            while (parser.nextToken() == JsonToken.FIELD_NAME) {
                String destination = parser.currentName();
                parser.nextToken();
                uses.put(destination, use(parser));
            }
        }
    }

    private static UplinkUse use(JsonParser parser) throws IOException {
        boolean paused = false;
        Map<Long, Long> hours = new TreeMap<>();
        long month = 0;
        long monthBytes = 0;
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
            String name = parser.currentName();
            parser.nextToken();
            switch (name) {
                case "paused" -> paused = parser.getBooleanValue();
                case "hours" -> {
                    while (parser.nextToken() == JsonToken.FIELD_NAME) {
                        String hour = parser.currentName();
                        parser.nextToken();
                        hours.put(number(hour), parser.getLongValue());
                    }
                }
                case "month" -> month = parser.getLongValue();
                case "month_bytes" -> monthBytes = parser.getLongValue();
                default -> parser.skipChildren();
            }
        }
        return new UplinkUse(paused, hours, month, monthBytes);
    }

    private static long number(String text) throws IOException {
        try {
            return Long.parseLong(text);
        } catch (NumberFormatException e) {
            throw new IOException("an hour that is no number: " + text, e);
        }
    }
}
