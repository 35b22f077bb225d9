package io.edged.receiver;

import io.edged.otlp.ContentEncoding;
import io.edged.otlp.ExportResponse;
import io.edged.wal.Append;
import io.edged.wal.WalException;
import io.netty.buffer.ByteBuf;
import io.netty.channel.EventLoop;

import org.jspecify.annotations.Nullable;

import java.nio.ByteBuffer;

/**
 * One request on its way through the log, whatever transport it came by. Holds the body's buffers
 * and its part of the memory reservation until the log is done with them, even if the client leaves
 * in the meantime.
 *
 * <p>The object is the task that it gives to its event loop, so that the writer thread allocates
 * nothing for an answer.
 */
abstract class RequestAppend extends Append implements Runnable {

    private final HeldBody held;
    final String client;
    final ContentEncoding sentAs;
    final Topic topic;
    final int items;
    private final int highestSeverity;
    final long bytes;
    final long startedNanos;

    /** What a success says: usually nothing. */
    final ExportResponse response;

    /**
     * Written once, by the thread that completes the append, before it hands over to the event
     * loop, which reads them.
     */
    private boolean durable;

    private @Nullable WalException failure;

    /** Event loop only. */
    private boolean ready;

    /**
     * Takes over what the body holds.
     *
     * @param body complete, with at least one item; to be closed by the caller
     */
    RequestAppend(EventLoop eventLoop, RequestBody body, long startedNanos) {
        this(body, new HeldBody(eventLoop, body), startedNanos);
    }

    private RequestAppend(RequestBody body, HeldBody held, long startedNanos) {
        super(
                body.announced().signal(),
                body.encoding(),
                body.mergeable(),
                body.items(),
                body.announced().kept().metadata().duplicate(),
                body.crc32c(),
                buffers(held.parts()));
        this.held = held;
        this.client = body.announced().account();
        this.sentAs = body.announced().encoding();
        this.topic = body.announced().topic();
        this.items = body.items();
        this.highestSeverity = body.highestSeverity();
        this.bytes = body.bytes();
        this.startedNanos = startedNanos;
        this.response = body.response();
    }

    @Override
    protected final int highestSeverity() {
        return highestSeverity;
    }

    /** Event loop: the log is done and what was held is let go of. */
    abstract void completed();

    @Override
    protected final void durable(long seq) {
        durable = true;
        held.handOver(this);
    }

    @Override
    protected final void failed(WalException why) {
        failure = why;
        held.handOver(this);
    }

    /** Event loop: the log is done. */
    @Override
    public final void run() {
        ready = true;
        release();
        completed();
    }

    /** Lets go of buffers and memory; also after the log has refused the append. */
    final void release() {
        held.release();
    }

    /** Whether the log is done. Event loop only. */
    public final boolean ready() {
        return ready;
    }

    final boolean isDurable() {
        return durable;
    }

    final @Nullable WalException failure() {
        return failure;
    }

    /** Why it is not durable. */
    final Refusal refusal() {
        WalException why = failure;
        if (why == null) throw new IllegalStateException("the append did not fail");
        return Refusal.of(why);
    }

    private static ByteBuffer[] buffers(ByteBuf[] parts) {
        var buffers = new ByteBuffer[parts.length];
        for (int i = 0; i < parts.length; i++) buffers[i] = parts[i].nioBuffer();
        return buffers;
    }
}
