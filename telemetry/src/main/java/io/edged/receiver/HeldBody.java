package io.edged.receiver;

import io.netty.buffer.ByteBuf;
import io.netty.channel.EventLoop;

import java.util.concurrent.RejectedExecutionException;

/**
 * What a request holds while the log has it: the body's buffers and its part of the memory
 * reservation, whether or not the client is still there.
 */
final class HeldBody {

    private final EventLoop eventLoop;
    private final Account account;
    private final ByteBuf[] parts;
    private final long reserved;

    /** Takes over what the body holds; the body is to be closed by the caller. */
    HeldBody(EventLoop eventLoop, RequestBody body) {
        this.eventLoop = eventLoop;
        this.account = body.account();
        this.parts = body.handOverParts();
        this.reserved = body.handOverReservation();
    }

    ByteBuf[] parts() {
        return parts;
    }

    /** Lets go of buffers and memory. */
    void release() {
        for (ByteBuf part : parts) part.release();
        account.release(reserved);
    }

    /** Any thread: the log is done, {@code task} goes on at the event loop. Allocates nothing. */
    void handOver(Runnable task) {
        try {
            eventLoop.execute(task);
        } catch (RejectedExecutionException e) {
            // The receiver was closed before the log was: the client is gone, the memory must not
            // stay. Buffers may be released by any thread.
            release();
        }
    }
}
