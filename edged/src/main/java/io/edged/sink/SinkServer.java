package io.edged.sink;

import io.edged.daemon.Listener;
import io.netty.handler.timeout.IdleStateHandler;

import java.io.IOException;
import java.net.InetSocketAddress;

/**
 * Listens for OTLP/HTTP (protobuf; identity, gzip and zstd), on the same port for OTLP/gRPC without
 * TLS, and for requests about itself: {@code GET /sink/stats}, {@code POST
 * /sink/fail?seconds=N&status=503&retryAfter=1}, {@code POST /sink/silent?seconds=N}, {@code POST
 * /sink/ok}.
 *
 * <p>For trying things out: what it received is in memory only, so its answers promise nothing.
 */
public final class SinkServer implements AutoCloseable {
    static final int MAX_BODY_BYTES = 64 << 20;
    private static final int IDLE_SECONDS = 300;

    private final Listener listener;
    private final Tally tally;
    private final Mood mood;

    private SinkServer(Listener listener, Tally tally, Mood mood) {
        this.listener = listener;
        this.tally = tally;
        this.mood = mood;
    }

    /**
     * Listens when it returns.
     *
     * @throws IOException the address cannot be listened on or the record file not be written
     */
    public static SinkServer start(SinkOptions options) throws IOException {
        var tally = new Tally(options.discardRepeats(), options.record());
        var mood = new Mood(System::nanoTime);
        mood.set(new Mood.Answer.Fail(503, 1), options.failFor());
        if (options.silentFor().isPositive())
            mood.set(new Mood.Answer.Silent(), options.silentFor());
        try {
            var listener =
                    Listener.start(
                            "sink",
                            options.address(),
                            pipeline ->
                                    pipeline.addLast(
                                            new IdleStateHandler(0, 0, IDLE_SECONDS),
                                            new SinkProtocol(tally, mood)));
            return new SinkServer(listener, tally, mood);
        } catch (IOException e) {
            tally.close();
            throw e;
        }
    }

    /** Where it listens, with the port that was taken. */
    public InetSocketAddress address() {
        return listener.address();
    }

    /** What arrived until now. */
    public SinkStats stats() throws IOException {
        return tally.stats();
    }

    /** Answers uploads with success from now on, whatever it was told before. */
    public void answerWithSuccess() {
        mood.well();
    }

    @Override
    public void close() throws IOException {
        listener.close();
        tally.close();
    }
}
