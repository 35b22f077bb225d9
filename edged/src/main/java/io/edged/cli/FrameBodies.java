package io.edged.cli;

import com.fasterxml.jackson.core.JsonGenerator;

import io.edged.otlp.OtlpJsonWriter;
import io.edged.otlp.Unzstd;
import io.edged.wal.Frame;
import io.edged.wal.StoredLogReader;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;

/** Bodies of frames, decompressed within a bound. Reuses its memory; one thread. */
final class FrameBodies {

    /** Bodies above this, as they came or decompressed, are named and not shown. */
    static final int DEFAULT_LIMIT_BYTES = 8 << 20;

    private final StoredLogReader reader;
    private final int limitBytes;
    private final OtlpJsonWriter otlp = new OtlpJsonWriter();
    private byte[] stored = new byte[64 << 10];
    private byte[] plain = new byte[64 << 10];

    FrameBodies(StoredLogReader reader, int limitBytes) {
        this.reader = reader;
        this.limitBytes = limitBytes;
    }

    /** What became of reading a body. */
    sealed interface Body {
        /** Bytes that are valid until the next body is read. */
        record Plain(ByteBuffer bytes) implements Body {}

        /** It is sound as far as is known, and cannot be shown. */
        record Omitted(String why) implements Body {}

        /** It is not as it was written. */
        record Damaged() implements Body {}

        /** It was settled and given back since its header was read. */
        record Gone() implements Body {}
    }

    /** The body as it came. */
    Body stored(Frame frame) throws IOException {
        if (frame.bodyBytes() > limitBytes)
            return new Body.Omitted(frame.bodyBytes() + " bytes, more than " + limitBytes);
        stored = grown(stored, frame.bodyBytes());
        ByteBuffer into = ByteBuffer.wrap(stored, 0, frame.bodyBytes());
        return switch (reader.readBody(frame, into)) {
            case READ -> new Body.Plain(into.flip());
            case DAMAGED -> new Body.Damaged();
            case REUSED -> new Body.Gone();
        };
    }

    /** The body without its compression. */
    Body plain(Frame frame) throws IOException {
        Body body = stored(frame);
        if (!(body instanceof Body.Plain(ByteBuffer bytes))) return body;
        return switch (frame.encoding()) {
            case IDENTITY -> body;
            case GZIP -> gunzip(bytes);
            case ZSTD -> unzstd(bytes);
        };
    }

    private Body gunzip(ByteBuffer compressed) {
        int length = 0;
        try (var in =
                new GZIPInputStream(new ByteArrayInputStream(stored, 0, compressed.limit()))) {
            while (true) {
                if (length == plain.length) {
                    if (length > limitBytes)
                        return new Body.Omitted("more than " + limitBytes + " bytes decompressed");
                    plain = Arrays.copyOf(plain, Math.min(2 * length, limitBytes + 1));
                }
                int read = in.read(plain, length, plain.length - length);
                if (read < 0) break;
                length += read;
            }
        } catch (IOException e) {
            return new Body.Omitted("gzip: " + e.getMessage());
        }
        return length > limitBytes
                ? new Body.Omitted("more than " + limitBytes + " bytes decompressed")
                : new Body.Plain(ByteBuffer.wrap(plain, 0, length));
    }

    private Body unzstd(ByteBuffer compressed) {
        try {
            return new Body.Plain(ByteBuffer.wrap(Unzstd.decompress(compressed, limitBytes)));
        } catch (ZipException e) {
            return new Body.Omitted("zstd: " + e.getMessage());
        }
    }

    private static byte[] grown(byte[] array, int bytes) {
        return array.length >= bytes ? array : new byte[bytes];
    }

    /** Writes a decompressed body of a batch as OTLP/JSON. */
    void writeOtlp(Frame frame, ByteBuffer plain, JsonGenerator json) throws IOException {
        otlp.write(frame.deliveredAs(), plain, json);
    }
}
