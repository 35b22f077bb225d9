package io.edged.receiver;

import io.edged.otlp.BodyFormat;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.EventLoop;

/**
 * Events of an HTTP/1.1 connection on their way through the log, and their place in the answers.
 */
final class HttpEvents extends EventsInFlight implements Answer {

    private final Connection connection;
    private final Intake intake;
    private final boolean close;

    HttpEvents(
            Connection connection,
            EventLoop eventLoop,
            Intake intake,
            RequestBody body,
            boolean close,
            long startedNanos) {
        super(eventLoop, body, startedNanos);
        this.connection = connection;
        this.intake = intake;
        this.close = close;
    }

    @Override
    void completed() {
        connection.completed(this);
    }

    @Override
    public ByteBuf encode(ByteBufAllocator allocator, boolean close) {
        Refusal refusal = refusal();
        return refusal == null
                ? Answers.events(allocator, seqs(), close)
                : Answers.refusal(
                        allocator,
                        BodyFormat.JSON,
                        refusal,
                        explain(refusal),
                        intake.retryAfterSeconds(refusal),
                        close,
                        true);
    }

    @Override
    public boolean close() {
        return close;
    }
}
