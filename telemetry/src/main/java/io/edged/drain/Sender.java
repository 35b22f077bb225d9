package io.edged.drain;

import java.util.function.Consumer;

/**
 * What one destination is reached with. Any thread may call; each request that was sent ends in
 * exactly one result, on any thread, also the caller's.
 */
interface Sender {

    /** Sends one request, once. */
    void send(Shipment shipment, Consumer<SendResult> onResult);

    /** Takes nothing more and ends what is under way, as failed. */
    void abort();
}
