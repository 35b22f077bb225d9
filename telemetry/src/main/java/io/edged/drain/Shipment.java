package io.edged.drain;

import io.edged.otlp.ContentEncoding;
import io.edged.otlp.Signal;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;

/**
 * One export request before a protocol has a form for it.
 *
 * @param encoding in which the body stands
 * @param headers of this request only
 * @param body each between position and limit, which are never moved; the buffers must keep their
 *     content until they are released, because a connection that is being closed may still read
 *     them after the result was given
 * @param released to be called once, on any thread, when nothing reads the buffers any more
 */
record Shipment(
        Signal signal,
        ContentEncoding encoding,
        Map<String, String> headers,
        List<ByteBuffer> body,
        Runnable released) {

    Shipment {
        headers = Map.copyOf(headers);
        body = List.copyOf(body);
    }

    /** An export request without any data, which asks whether the destination is at work. */
    static Shipment empty(Signal signal) {
        return new Shipment(signal, ContentEncoding.IDENTITY, Map.of(), List.of(), () -> {});
    }

    long bytes() {
        return body.stream().mapToLong(ByteBuffer::remaining).sum();
    }
}
