package io.edged.receiver;

import io.edged.otlp.BodyFormat;
import io.edged.otlp.ContentEncoding;
import io.edged.otlp.Signal;

/**
 * What is known of a request before its body is read, whatever transport it comes by.
 *
 * @param contentLength bytes of the body as sent, −1 if they are not announced
 * @param client who sends it
 * @param kept what of its header travels with it
 */
record Announced(
        Topic topic,
        BodyFormat format,
        ContentEncoding encoding,
        long contentLength,
        Client client,
        Forwarding.Kept kept) {

    /** An export in protobuf. */
    Announced(Signal signal, ContentEncoding encoding, long contentLength, Client client) {
        this(
                Topic.of(signal),
                BodyFormat.PROTOBUF,
                encoding,
                contentLength,
                client,
                Forwarding.Kept.NOTHING_KEPT);
    }

    /** Whose quota it is: the tenant's, or else the client's; empty if nobody has said. */
    String account() {
        return kept.tenant().isEmpty() ? client.name() : kept.tenant();
    }

    /** Of anything but events. */
    Signal signal() {
        return topic.signal();
    }
}
