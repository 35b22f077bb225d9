package io.edged.receiver;

import io.edged.otlp.ContentEncoding;
import io.edged.wal.Append;
import io.edged.wal.Appender;
import io.edged.wal.WalException;
import io.netty.channel.EventLoop;

import org.jspecify.annotations.Nullable;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The events of one request on their way through the log, an entry each, in their order. Holds
 * their bytes and the memory reserved for them until the log is done with the last of them.
 *
 * <p>If the log stops taking them in the middle, those before are still answered for: the request
 * has failed, and its answer says how many events at its beginning are durable all the same.
 */
abstract class EventsInFlight implements Runnable {

    private final HeldBody held;
    private final List<ByteBuffer> events;
    private final long[] seqs;

    /** Events that the log has, and one for whoever offers them. */
    private final AtomicInteger open = new AtomicInteger(1);

    final String client;
    final ContentEncoding sentAs;
    final int items;
    final long bytes;
    final long startedNanos;

    /** Written before the last of {@link #open} is taken away, read after that. */
    private volatile @Nullable Refusal refusal;

    /** Event loop only. */
    private boolean ready;

    /**
     * Takes over what the body holds.
     *
     * @param body complete and converted, with at least one event; to be closed by the caller
     */
    EventsInFlight(EventLoop eventLoop, RequestBody body, long startedNanos) {
        this.events = body.events();
        this.held = new HeldBody(eventLoop, body);
        this.client = body.announced().account();
        this.sentAs = body.announced().encoding();
        this.items = events.size();
        this.bytes = body.bytes();
        this.startedNanos = startedNanos;
        this.seqs = new long[items];
    }

    /** Event loop: the log is done and what was held is let go of. */
    abstract void completed();

    /**
     * Gives the events to the log.
     *
     * @return null if the log has at least one, and {@link #completed} follows; else why not, and
     *     nothing is held
     */
    final @Nullable Refusal offer(Appender appender) {
        for (int i = 0; i < items; i++) {
            open.incrementAndGet();
            Appender.Offer offer = appender.offer(new Event(i, events.get(i)));
            if (offer == Appender.Offer.QUEUED) continue;
            open.decrementAndGet();
            Refusal why = Refusal.of(offer);
            if (i == 0) {
                held.release();
                return why;
            }
            refusal = why;
            break;
        }
        done();
        return null;
    }

    /** Event loop: the log is done. */
    @Override
    public final void run() {
        ready = true;
        held.release();
        completed();
    }

    /** Lets go of buffers and memory, if the log cannot be asked. */
    final void release() {
        held.release();
    }

    /** Whether the log is done. Event loop only. */
    public final boolean ready() {
        return ready;
    }

    /** Why not all of them are durable; null if they are. */
    final @Nullable Refusal refusal() {
        return refusal;
    }

    /** The events at the beginning that are durable, whatever became of those behind them. */
    final int durable() {
        int count = 0;
        while (count < items && seqs[count] != 0) count++;
        return count;
    }

    /** Their numbers in the log. */
    final long[] seqs() {
        return seqs;
    }

    /** What to tell the sender if not all are durable. */
    final String explain(Refusal why) {
        int durable = durable();
        return durable == 0
                ? Answers.advice(why)
                : "the first "
                        + durable
                        + " of "
                        + items
                        + " events are durable, the others are not: leave those out; "
                        + Answers.advice(why);
    }

    private void done() {
        if (open.decrementAndGet() == 0) held.handOver(this);
    }

    /** One of them. */
    private final class Event extends Append {
        private final int index;

        Event(int index, ByteBuffer bytes) {
            super(bytes);
            this.index = index;
        }

        @Override
        protected void durable(long seq) {
            seqs[index] = seq;
            done();
        }

        @Override
        protected void failed(WalException why) {
            refusal = Refusal.of(why);
            done();
        }
    }
}
