package io.edged.wal;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;

import io.edged.disk.LogDirectory;
import io.edged.disk.LogFile;
import io.edged.wal.Recovery.Damage;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Instant;

/**
 * Sets damaged bytes aside in {@code quarantine/}: {@code FROM-TO.bin} as they were found (bytes
 * that the disk could not give back read as zeros) and {@code FROM-TO.json} that says what they
 * are.
 */
final class Quarantine {

    static final String DIRECTORY = "quarantine";
    private static final int UNIT_BYTES = ReadWindow.UNIT_BYTES;
    private static final JsonFactory JSON = new JsonFactory();

    private final LogDirectory directory;

    Quarantine(LogDirectory wal) throws IOException {
        this.directory = wal.directory(DIRECTORY);
    }

    /**
     * Makes both files durable. Damage that was set aside before is written again: a crash may have
     * torn it.
     */
    void setAside(SegmentName segment, Damage damage, LogFile from, Instant at) throws IOException {
        String name = damage.seqs().from() + "-" + damage.seqs().to();
        long bytes =
                damage.code() == Corruption.COMMITTED_DATA_LOST
                        ? 0
                        : damage.toOffset() - damage.fromOffset();
        if (bytes > 0) {
            try (LogFile to = fresh(name + ".bin")) {
                copy(from, damage.fromOffset(), damage.toOffset(), to);
                to.force();
            }
        }
        try (LogFile to = fresh(name + ".json")) {
            to.write(ByteBuffer.wrap(describe(segment, damage, bytes, at)), 0);
            to.force();
        }
        directory.force();
    }

    private LogFile fresh(String name) throws IOException {
        if (directory.names().contains(name)) directory.delete(name);
        return directory.create(name);
    }

    private static byte[] describe(SegmentName segment, Damage damage, long bytes, Instant at)
            throws IOException {
        var content = new ByteArrayOutputStream(256);
        try (JsonGenerator json = JSON.createGenerator(content)) {
            json.writeStartObject();
            json.writeStringField("code", damage.code().name());
            json.writeNumberField("from", damage.seqs().from());
            json.writeNumberField("to", damage.seqs().to());
            json.writeStringField("segment", segment.file());
            json.writeNumberField("offset", damage.fromOffset());
            json.writeNumberField("bytes", bytes);
            json.writeStringField("at", at.toString());
            json.writeEndObject();
        }
        return content.toByteArray();
    }

    private static void copy(LogFile from, long start, long end, LogFile to) throws IOException {
        ByteBuffer unit = ByteBuffer.allocateDirect(UNIT_BYTES);
        for (long at = start; at < end; ) {
            int bytes = (int) Math.min(end - at, UNIT_BYTES - at % UNIT_BYTES);
            unit.clear().limit(bytes);
            try {
                while (unit.hasRemaining() && from.read(unit, at + unit.position()) > 0) {
                    // A short read continues where it ended.
                }
            } catch (IOException e) {
                // An unreadable unit; what is left of it stays zero, as the description says.
            }
            while (unit.hasRemaining()) unit.put((byte) 0);
            to.write(unit.flip(), at - start);
            at += bytes;
        }
    }
}
