package io.edged.drain;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.util.List;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;
import java.util.zip.ZipException;

/** Gzip on byte arrays, with a bound on what comes out. */
final class Gzip {
    private Gzip() {}

    /** One gzip member that holds the buffers in order; their positions stay. */
    static List<BodyMemory.Room> compress(List<ByteBuffer> parts, BodyMemory memory) {
        BodyMemory.Growing bytes = memory.new Growing();
        compress(parts, bytes);
        return bytes.written();
    }

    /** The same in memory of its own. */
    static byte[] compress(List<ByteBuffer> parts) {
        var bytes = new ByteArrayOutputStream();
        compress(parts, bytes);
        return bytes.toByteArray();
    }

    private static void compress(List<ByteBuffer> parts, OutputStream to) {
        try (var gzip = new GZIPOutputStream(to, 8192);
                var channel = Channels.newChannel(gzip)) {
            for (ByteBuffer part : parts) channel.write(part.duplicate());
        } catch (IOException e) {
            throw new UncheckedIOException("memory cannot fail", e);
        }
    }

    /**
     * What the members hold, one after the other.
     *
     * @throws ZipException if the bytes are not gzip or hold more than {@code maxBytes}
     */
    static byte[] decompress(byte[] compressed, int maxBytes) throws ZipException {
        try (var gzip = new GZIPInputStream(new ByteArrayInputStream(compressed))) {
            byte[] bytes = gzip.readNBytes(maxBytes);
            if (bytes.length == maxBytes && gzip.read() >= 0)
                throw new ZipException("it is larger than " + maxBytes + " bytes uncompressed");
            return bytes;
        } catch (ZipException e) {
            throw e;
        } catch (IOException e) {
            throw new ZipException("it is not gzip: " + e.getMessage());
        }
    }
}
