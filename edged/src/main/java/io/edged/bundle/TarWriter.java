package io.edged.bundle;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Arrays;
import java.util.Locale;

/** Writes regular files in the format ustar (POSIX.1-1988, pax(1)). */
final class TarWriter implements AutoCloseable {
    private static final int BLOCK = 512;
    private static final int MAX_NAME = 100;
    private static final int CHECKSUM = 148;

    private final OutputStream out;
    private final Instant time;

    TarWriter(OutputStream out, Instant time) {
        this.out = out;
        this.time = time;
    }

    void add(String name, byte[] content) throws IOException {
        byte[] encoded = name.getBytes(StandardCharsets.US_ASCII);
        if (encoded.length > MAX_NAME)
            throw new IllegalArgumentException("name of more than 100 bytes: " + name);
        var header = new byte[BLOCK];
        System.arraycopy(encoded, 0, header, 0, encoded.length);
        octal(header, 100, 8, 0600);
        octal(header, 108, 8, 0);
        octal(header, 116, 8, 0);
        octal(header, 124, 12, content.length);
        octal(header, 136, 12, time.getEpochSecond());
        Arrays.fill(header, CHECKSUM, CHECKSUM + 8, (byte) ' ');
        header[156] = '0';
        text(header, 257, "ustar");
        text(header, 263, "00");
        int sum = 0;
        for (byte each : header) sum += each & 0xff;
        octal(header, CHECKSUM, 7, sum);
        out.write(header);
        out.write(content);
        out.write(new byte[(BLOCK - content.length % BLOCK) % BLOCK]);
    }

    private static void octal(byte[] header, int offset, int length, long value) {
        text(header, offset, String.format(Locale.ROOT, "%0" + (length - 1) + "o", value));
        header[offset + length - 1] = 0;
    }

    private static void text(byte[] header, int offset, String value) {
        byte[] bytes = value.getBytes(StandardCharsets.US_ASCII);
        System.arraycopy(bytes, 0, header, offset, bytes.length);
    }

    /** Ends the archive and the stream. */
    @Override
    public void close() throws IOException {
        out.write(new byte[2 * BLOCK]);
        out.close();
    }
}
