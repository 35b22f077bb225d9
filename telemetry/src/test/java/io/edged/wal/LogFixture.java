package io.edged.wal;

import io.edged.disk.CrashingDirectory;
import io.edged.otlp.ContentEncoding;
import io.edged.otlp.Signal;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongConsumer;
import java.util.zip.CRC32C;

/**
 * What the tests of the log share: options, appends that remember their fate, and reading a log to
 * its end.
 */
final class LogFixture {

    static final WalOptions SMALL = options(64 << 10, 64 * (64 << 10));

    /** Small, and with a lane for everything that lanes can tell apart. */
    static final WalOptions LANES = withLanes(SMALL, severityLanes());

    private static Lanes severityLanes() {
        return new Lanes(
                List.of(
                        new Lanes.Rule("error", List.of("error"), List.of(), 0),
                        new Lanes.Rule("urgent", List.of(), List.of(Signal.LOGS), 17),
                        new Lanes.Rule("traces", List.of(), List.of(Signal.TRACES), 0),
                        new Lanes.Rule(
                                "rest",
                                List.of("action"),
                                List.of(Signal.LOGS, Signal.METRICS),
                                0)));
    }

    static WalOptions withLanes(WalOptions options, Lanes lanes) {
        return new WalOptions(
                options.segmentBytes(),
                options.ceilingBytes(),
                options.reserveBytes(),
                options.queueBytes(),
                options.onCorruption(),
                options.onFull(),
                options.checkpointInterval(),
                lanes);
    }

    private LogFixture() {}

    /** The small ones with another interval between the checkpoints. */
    static WalOptions checkpointing(Duration interval) {
        return new WalOptions(
                SMALL.segmentBytes(),
                SMALL.ceilingBytes(),
                0,
                SMALL.queueBytes(),
                SMALL.onCorruption(),
                SMALL.onFull(),
                interval);
    }

    static WalOptions options(long segmentBytes, long ceilingBytes) {
        return new WalOptions(
                segmentBytes,
                ceilingBytes,
                0,
                1 << 20,
                WalOptions.OnCorruption.QUARANTINE,
                new WalOptions.OnFull.Reject(),
                Duration.ZERO);
    }

    static WalOptions failing(WalOptions options) {
        return new WalOptions(
                options.segmentBytes(),
                options.ceilingBytes(),
                options.reserveBytes(),
                options.queueBytes(),
                WalOptions.OnCorruption.FAIL,
                options.onFull(),
                options.checkpointInterval(),
                options.lanes());
    }

    static WalEnvironment environment(long seed) {
        var nanos = new AtomicLong(1);
        return new WalEnvironment(
                () -> Instant.parse("2026-11-21T12:00:00Z").plusNanos(nanos.get()),
                () -> nanos.addAndGet(1_000_000),
                new Random(seed),
                new SimpleMeterRegistry());
    }

    static Wal open(CrashingDirectory disk, long seed) throws IOException {
        return Wal.openStill(disk, SMALL, environment(seed));
    }

    /** An append of a test: what it wrote, and what it was told. */
    static final class Written extends Append {
        final byte[] content;
        final Signal kind;
        long durableSeq;
        @Nullable WalException failure;

        /** Told the seq as soon as the record is durable, on the thread that makes it so. */
        LongConsumer whenDurable = seq -> {};

        /** Told as soon as the record will not become durable. */
        Runnable whenFailed = () -> {};

        private Written(Signal signal, byte[] content, int items, String metadata) {
            super(
                    signal,
                    ContentEncoding.IDENTITY,
                    true,
                    items,
                    direct(metadata.getBytes(StandardCharsets.UTF_8)),
                    crc(content),
                    direct(content));
            this.content = content;
            this.kind = signal;
        }

        private Written(byte[] event) {
            super(direct(event));
            this.content = event;
            this.kind = Signal.LOGS;
        }

        static Written batch(Signal signal, byte[] content, int items) {
            return new Written(signal, content, items, "");
        }

        static Written batch(Signal signal, byte[] content, int items, String metadata) {
            return new Written(signal, content, items, metadata);
        }

        static Written event(String json) {
            return new Written(json.getBytes(StandardCharsets.UTF_8));
        }

        @Override
        protected void durable(long seq) {
            if (durableSeq != 0 || failure != null) throw new IllegalStateException("told twice");
            durableSeq = seq;
            whenDurable.accept(seq);
        }

        @Override
        protected void failed(WalException why) {
            if (durableSeq != 0 || failure != null) throw new IllegalStateException("told twice");
            failure = why;
            whenFailed.run();
        }
    }

    static ByteBuffer direct(byte[] bytes) {
        return ByteBuffer.allocateDirect(bytes.length).put(bytes).flip();
    }

    static int crc(byte[] bytes) {
        CRC32C crc = new CRC32C();
        crc.update(bytes);
        return (int) crc.getValue();
    }

    /** A frame as it came back. */
    record Recovered(Frame frame, ByteBuffer content) {
        long seq() {
            return frame.seq();
        }

        int items() {
            return frame.items();
        }

        String text() {
            return StandardCharsets.UTF_8.decode(content.duplicate()).toString();
        }
    }

    /**
     * Everything that can be read from {@code log} behind {@code seq}, and the ranges that are
     * missing.
     */
    static List<Recovered> readAll(Wal log, long seq, List<SeqRange> missing) throws WalException {
        var all = new ArrayList<Recovered>();
        try (LogReader reader = log.reader(seq)) {
            while (true) {
                switch (reader.next()) {
                    case LogReader.Next.Read(Frame frame) -> {
                        ByteBuffer body = ByteBuffer.allocate(frame.bodyBytes());
                        if (reader.readBody(frame, body)) {
                            all.add(new Recovered(frame, body.flip()));
                        } else {
                            missing.add(new SeqRange(frame.seq(), frame.seq()));
                        }
                    }
                    case LogReader.Next.Missing(long from, long to, String reason) ->
                            missing.add(new SeqRange(from, to));
                    case LogReader.Next.AtEnd() -> {
                        return all;
                    }
                }
            }
        }
    }

    static List<Recovered> readAll(Wal log) throws WalException {
        var missing = new ArrayList<SeqRange>();
        List<Recovered> all = readAll(log, 0, missing);
        if (!missing.isEmpty()) throw new IllegalStateException("missing " + missing);
        return all;
    }

    /** Turns writer and keeper until nothing is left to write. */
    static void settle(Wal log) {
        for (int turns = 0; turns < 1_000; turns++) {
            if (log.writerTurn() == LogWriter.Turn.IDLE) return;
            log.keeperTurn();
        }
        throw new IllegalStateException("the log does not come to rest");
    }
}
