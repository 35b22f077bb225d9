package io.edged.wal;

import io.edged.disk.AtomicFile;
import io.edged.disk.LogDirectory;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;
import java.util.zip.CRC32C;

/**
 * The file {@code telemetry.safe_seq}: a lower bound of what was forced, for recovery. 12 bytes,
 * little-endian: the seq (8) and CRC-32C of those 8 bytes (4). It never goes down.
 *
 * <p>The writer thread raises it when it changes segments, the keeper thread once a second; both go
 * through the monitor.
 */
final class SafePoint {

    static final String FILE = "telemetry.safe_seq";
    private static final int BYTES = 12;

    private final LogDirectory directory;
    private long durable;

    SafePoint(LogDirectory directory, long durable) {
        this.directory = directory;
        this.durable = durable;
    }

    /** What is in the file. */
    sealed interface Stored {
        record Missing() implements Stored {}

        record Damaged(String why) implements Stored {}

        record At(long seq) implements Stored {}
    }

    static Stored read(LogDirectory directory) throws IOException {
        Optional<byte[]> content;
        try {
            content = AtomicFile.read(directory, FILE, 4_096);
        } catch (IOException e) {
            return new Stored.Damaged(String.valueOf(e.getMessage()));
        }
        if (content.isEmpty()) return new Stored.Missing();
        return decode(content.get());
    }

    static Stored decode(byte[] content) {
        if (content.length != BYTES)
            return new Stored.Damaged(content.length + " bytes instead of " + BYTES);
        ByteBuffer bytes = ByteBuffer.wrap(content).order(ByteOrder.LITTLE_ENDIAN);
        if (crc(content) != bytes.getInt(8)) return new Stored.Damaged("checksum");
        long seq = bytes.getLong(0);
        return seq < 0 ? new Stored.Damaged("seq " + seq) : new Stored.At(seq);
    }

    static byte[] encode(long seq) {
        byte[] content = new byte[BYTES];
        ByteBuffer bytes = ByteBuffer.wrap(content).order(ByteOrder.LITTLE_ENDIAN).putLong(seq);
        bytes.putInt(crc(content));
        return content;
    }

    private static int crc(byte[] content) {
        CRC32C crc = new CRC32C();
        crc.update(content, 0, 8);
        return (int) crc.getValue();
    }

    synchronized long durable() {
        return durable;
    }

    /** Makes {@code seq} durable, unless a larger one is. */
    synchronized void raise(long seq) throws IOException {
        if (seq <= durable) return;
        AtomicFile.replace(directory, FILE, encode(seq));
        durable = seq;
    }

    /** Writes {@code seq} whatever was there, for a log that begins. */
    synchronized void begin(long seq) throws IOException {
        AtomicFile.replace(directory, FILE, encode(seq));
        durable = seq;
    }
}
