package io.edged.wal;

import net.openhft.chronicle.bytes.SyncMode;
import net.openhft.chronicle.queue.ChronicleQueue;
import net.openhft.chronicle.queue.ExcerptAppender;
import net.openhft.chronicle.queue.impl.single.SingleChronicleQueueBuilder;

import org.apache.activemq.artemis.api.core.ActiveMQBuffer;
import org.apache.activemq.artemis.core.io.nio.NIOSequentialFileFactory;
import org.apache.activemq.artemis.core.journal.EncodingSupport;
import org.apache.activemq.artemis.core.journal.IOCompletion;
import org.apache.activemq.artemis.core.journal.PreparedTransactionInfo;
import org.apache.activemq.artemis.core.journal.RecordInfo;
import org.apache.activemq.artemis.core.journal.impl.JournalImpl;

import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicLong;

/** Other Java logs that can force what was appended before they say so, driven to do just that. */
final class OtherLogs {

    private OtherLogs() {}

    /** How many appends were durable in {@code millis}. */
    interface Load {
        long run(int appenders, long millis) throws Exception;
    }

    interface LoadOn {
        void accept(Load load) throws Exception;
    }

    /** One thread an appender; each forces what it appended, for the queue has no group commit. */
    static void chronicle(Path directory, int bodyBytes, LoadOn body) throws Exception {
        try (ChronicleQueue queue =
                SingleChronicleQueueBuilder.binary(directory)
                        .syncMode(SyncMode.SYNC)
                        .blockSize(64L << 20)
                        .build()) {
            body.accept(
                    (appenders, millis) -> {
                        var count = new AtomicLong();
                        long end = System.nanoTime() + millis * 1_000_000;
                        List<Thread> threads = new ArrayList<>();
                        for (int i = 0; i < appenders; i++)
                            threads.add(
                                    Thread.ofPlatform()
                                            .start(() -> count.addAndGet(append(queue, bodyBytes, end))));
                        for (Thread thread : threads) thread.join();
                        return count.get();
                    });
        }
    }

    private static long append(ChronicleQueue queue, int bodyBytes, long end) {
        ByteBuffer body = ByteBuffer.allocateDirect(bodyBytes);
        long count = 0;
        try (ExcerptAppender appender = queue.createAppender()) {
            while (System.nanoTime() < end) {
                body.clear();
                appender.writeBytes(bytes -> bytes.writeSome(body));
                appender.sync();
                count++;
            }
        }
        return count;
    }

    /** One thread that keeps so many appends outstanding; the journal's buffer groups them. */
    static void artemis(Path directory, int bodyBytes, LoadOn body) throws Exception {
        Files.createDirectories(directory);
        var files = new NIOSequentialFileFactory(directory.toFile(), true, 1);
        files.start();
        var journal = new JournalImpl(32 << 20, 4, 8, 0, 0, files, "journal", "data", 1);
        journal.start();
        journal.load(
                new ArrayList<RecordInfo>(), new ArrayList<PreparedTransactionInfo>(), null, false);
        try {
            byte[] record = new byte[bodyBytes];
            var id = new AtomicLong();
            body.accept(
                    (appenders, millis) -> {
                        var free = new Semaphore(appenders);
                        long end = System.nanoTime() + millis * 1_000_000;
                        long count = 0;
                        while (System.nanoTime() < end) {
                            free.acquire();
                            long next = id.incrementAndGet();
                            journal.appendAddRecord(
                                    next, (byte) 1, new Body(record), true, new Completion(free));
                            // Deleted, so that its files can be used again.
                            if (next > 4_096) journal.appendDeleteRecord(next - 4_096, false);
                            count++;
                        }
                        free.acquire(appenders);
                        return count;
                    });
        } finally {
            journal.stop();
            files.stop();
        }
    }

    private static final class Body implements EncodingSupport {
        private final byte[] record;

        Body(byte[] record) {
            this.record = record;
        }

        @Override
        public int getEncodeSize() {
            return record.length;
        }

        @Override
        public void encode(ActiveMQBuffer buffer) {
            buffer.writeBytes(record);
        }

        @Override
        public void decode(ActiveMQBuffer buffer) {
            throw new UnsupportedOperationException("only written here");
        }
    }

    private record Completion(Semaphore free) implements IOCompletion {
        @Override
        public void storeLineUp() {}

        @Override
        public void done() {
            free.release();
        }

        @Override
        public void onError(int code, String message) {
            throw new IllegalStateException(code + " " + message);
        }
    }
}
