package io.edged.events;

import io.edged.wal.Append;
import io.edged.wal.WalException;

import java.nio.ByteBuffer;
import java.util.concurrent.CompletableFuture;

/** One event on its way through the log. */
final class EventAppend extends Append {

    /** What became of it: the sequence, or why there is none. */
    sealed interface Outcome {
        record Durable(long seq) implements Outcome {}

        record Failed(EventRefusal why) implements Outcome {}
    }

    private final CompletableFuture<Outcome> outcome = new CompletableFuture<>();
    private final int bytes;

    EventAppend(ByteBuffer event) {
        super(ByteBuffer.allocateDirect(event.remaining()).put(event.duplicate()).flip());
        bytes = event.remaining();
    }

    int bytes() {
        return bytes;
    }

    /** Waits for the log, which answers or fails. */
    Outcome await() {
        return outcome.join();
    }

    @Override
    protected void durable(long seq) {
        outcome.complete(new Outcome.Durable(seq));
    }

    @Override
    protected void failed(WalException why) {
        outcome.complete(new Outcome.Failed(EventRefusal.of(why)));
    }
}
