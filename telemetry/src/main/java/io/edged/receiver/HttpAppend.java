package io.edged.receiver;

import io.edged.otlp.BodyFormat;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.EventLoop;

/** A request of an HTTP/1.1 connection on its way through the log, and its place in the answers. */
final class HttpAppend extends RequestAppend implements Answer {

    private final Connection connection;
    private final Intake intake;
    private final BodyFormat format;
    private final boolean close;

    HttpAppend(
            Connection connection,
            EventLoop eventLoop,
            Intake intake,
            RequestBody body,
            boolean close,
            long startedNanos) {
        super(eventLoop, body, startedNanos);
        this.connection = connection;
        this.intake = intake;
        this.format = body.announced().format();
        this.close = close;
    }

    @Override
    void completed() {
        connection.completed(this);
    }

    @Override
    public ByteBuf encode(ByteBufAllocator allocator, boolean close) {
        if (isDurable()) return Answers.success(allocator, topic.signal(), format, response, close);
        Refusal refusal = refusal();
        return Answers.refusal(
                allocator,
                format,
                refusal,
                Answers.advice(refusal),
                intake.retryAfterSeconds(refusal),
                close,
                true);
    }

    @Override
    public boolean close() {
        return close;
    }
}
