package io.edged.drain;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.zip.CRC32C;

/** Passes requests on, and looks whether their bytes stay what they are until they are released. */
final class UnchangedBodies implements Sender {

    private final Sender sender;
    private final AtomicLong sent = new AtomicLong();
    private final AtomicLong released = new AtomicLong();
    private final AtomicLong changed = new AtomicLong();

    UnchangedBodies(Sender sender) {
        this.sender = sender;
    }

    @Override
    public void send(Shipment shipment, Consumer<SendResult> onResult) {
        sent.incrementAndGet();
        long before = sum(shipment.body());
        sender.send(
                new Shipment(
                        shipment.signal(),
                        shipment.encoding(),
                        shipment.headers(),
                        shipment.body(),
                        () -> {
                            if (sum(shipment.body()) != before) changed.incrementAndGet();
                            released.incrementAndGet();
                            shipment.released().run();
                        }),
                onResult);
    }

    private static long sum(List<ByteBuffer> body) {
        var sum = new CRC32C();
        for (ByteBuffer part : body) sum.update(part.duplicate());
        return sum.getValue();
    }

    /** Requests whose bytes were used for something else while a connection could read them. */
    long changed() {
        return changed.get();
    }

    /** Requests that nothing reads any more; no more than were sent. */
    long released() {
        return released.get();
    }

    long sent() {
        return sent.get();
    }

    @Override
    public void abort() {
        sender.abort();
    }
}
