package io.edged.drain;

import io.opentelemetry.sdk.common.export.MessageWriter;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.util.List;
import java.util.Map;

/**
 * A request whose bytes are ready. {@link NettyHttpSender} and {@link NettyGrpcSender} send the
 * buffers as they are, to the path and with the headers given here; any other sender of the
 * OpenTelemetry interface can write it like an ordinary message.
 *
 * <p>The buffers must keep their content until they are released: a connection that is being closed
 * may still read them after the answer was given.
 */
final class Upload implements MessageWriter {

    private final String path;
    private final Map<String, String> headers;
    private final List<ByteBuffer> body;
    private final int bytes;
    private final Runnable released;

    /**
     * @param path of the request line
     * @param headers of this request only, beside those of the sender's configuration
     * @param body each between position and limit; the positions are never moved
     * @param released called once, on any thread, when nothing reads the buffers any more; only
     *     those two senders do
     */
    Upload(String path, Map<String, String> headers, List<ByteBuffer> body, Runnable released) {
        this.path = path;
        this.headers = Map.copyOf(headers);
        this.body = List.copyOf(body);
        this.released = released;
        this.bytes = Math.toIntExact(body.stream().mapToLong(ByteBuffer::remaining).sum());
    }

    String path() {
        return path;
    }

    Map<String, String> headers() {
        return headers;
    }

    List<ByteBuffer> body() {
        return body;
    }

    Runnable released() {
        return released;
    }

    @Override
    public int getContentLength() {
        return bytes;
    }

    @Override
    public void writeMessage(OutputStream output) throws IOException {
        var channel = Channels.newChannel(output);
        for (ByteBuffer part : body) channel.write(part.duplicate());
    }
}
