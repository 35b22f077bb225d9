package io.edged.receiver;

import io.edged.otlp.Signal;
import io.edged.wal.Append;
import io.edged.wal.WalException;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.EventLoop;

import org.jspecify.annotations.Nullable;

import java.nio.ByteBuffer;
import java.util.concurrent.RejectedExecutionException;

/**
 * One request on its way through the log. Holds the body's buffers and its part of the memory
 * reservation until the log is done with them, even if the client leaves in the meantime.
 *
 * <p>The object is the task that it gives to its event loop, so that the writer thread allocates
 * nothing for an answer.
 */
final class HttpAppend extends Append implements Answer, Runnable {

    private static final ByteBuffer NO_METADATA = ByteBuffer.allocateDirect(0);

    private final Connection connection;
    private final EventLoop eventLoop;
    private final Admission admission;
    private final ByteBuf[] parts;
    private final long reserved;
    final Signal signal;
    final int items;
    final long bytes;
    final long startedNanos;
    private final boolean close;

    /**
     * Written once, by the thread that completes the append, before it hands over to the event
     * loop, which reads them.
     */
    private boolean durable;

    private @Nullable WalException failure;

    /** Event loop only. */
    private boolean ready;

    HttpAppend(
            Connection connection,
            EventLoop eventLoop,
            Admission admission,
            RequestHead.Welcome head,
            RequestBody body,
            ByteBuf[] parts,
            long startedNanos) {
        super(
                head.signal(),
                head.encoding(),
                body.mergeable(),
                body.items(),
                NO_METADATA,
                body.crc32c(),
                buffers(parts));
        this.connection = connection;
        this.eventLoop = eventLoop;
        this.admission = admission;
        this.parts = parts;
        this.reserved = body.handOverReservation();
        this.signal = head.signal();
        this.items = body.items();
        this.bytes = body.bytes();
        this.startedNanos = startedNanos;
        this.close = head.close();
    }

    @Override
    protected void durable(long seq) {
        durable = true;
        handOver();
    }

    @Override
    protected void failed(WalException why) {
        failure = why;
        handOver();
    }

    /** Event loop: the log is done. */
    @Override
    public void run() {
        ready = true;
        release();
        connection.completed(this);
    }

    /** Lets go of buffers and memory; also after the log has refused the append. */
    void release() {
        for (ByteBuf part : parts) part.release();
        admission.release(reserved);
    }

    boolean isDurable() {
        return durable;
    }

    @Nullable WalException failure() {
        return failure;
    }

    @Override
    public boolean ready() {
        return ready;
    }

    @Override
    public ByteBuf encode(ByteBufAllocator allocator, boolean close) {
        if (durable) return Answers.success(close);
        Refusal refusal = refusal();
        return Answers.refusal(
                allocator,
                refusal,
                Answers.advice(refusal),
                admission.retryAfterSeconds(refusal),
                close,
                true);
    }

    @Override
    public boolean close() {
        return close;
    }

    /** Why it is not durable. A closed log is coming back; one that failed needs a restart. */
    Refusal refusal() {
        WalException why = failure;
        if (why == null) throw new IllegalStateException("the append did not fail");
        return why.code() == WalException.Code.CLOSED ? Refusal.STOPPING : Refusal.STORAGE_FAILED;
    }

    private void handOver() {
        try {
            eventLoop.execute(this);
        } catch (RejectedExecutionException e) {
            // The receiver was closed before the log was: the client is gone, the memory must not
            // stay. Buffers may be released by any thread.
            release();
        }
    }

    private static ByteBuffer[] buffers(ByteBuf[] parts) {
        var buffers = new ByteBuffer[parts.length];
        for (int i = 0; i < parts.length; i++) buffers[i] = parts[i].nioBuffer();
        return buffers;
    }
}
