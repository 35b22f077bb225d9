package io.edged.receiver;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.EventLoop;

/** A request of an HTTP/1.1 connection on its way through the log, and its place in the answers. */
final class HttpAppend extends RequestAppend implements Answer {

    private final Connection connection;
    private final Admission admission;
    private final boolean close;

    HttpAppend(
            Connection connection,
            EventLoop eventLoop,
            Admission admission,
            RequestBody body,
            boolean close,
            long startedNanos) {
        super(eventLoop, admission, body, startedNanos);
        this.connection = connection;
        this.admission = admission;
        this.close = close;
    }

    @Override
    void completed() {
        connection.completed(this);
    }

    @Override
    public ByteBuf encode(ByteBufAllocator allocator, boolean close) {
        if (isDurable()) return Answers.success(allocator, response, close);
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
}
