package io.edged.wal;

import com.sun.management.ThreadMXBean;

import io.edged.disk.FileSystemDirectory;
import io.edged.disk.LogDirectory;
import io.edged.disk.LogFile;
import io.edged.otlp.ContentEncoding;
import io.edged.otlp.Signal;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Comparator;
import java.util.Locale;
import java.util.Random;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;

/**
 * Durable appends against what the disk can do, in one run: a bare loop of write and force on a
 * prepared file, then the log with 1 to 512 appends outstanding. Run by {@code make bench-wal}; the
 * only argument is a directory on the disk to be measured.
 */
final class WalBench {

    private static final int[] SIZES = {1 << 10, 35 << 10, 256 << 10};
    private static final int[] APPENDERS = {1, 8, 64, 512};
    private static final long SEGMENT_BYTES = 128 << 20;
    private static final long MILLIS = Long.getLong("bench.millis", 3_000);
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private WalBench() {}

    public static void main(String[] args) throws Exception {
        Path root = Files.createTempDirectory(Path.of(args[0]), "wal-bench");
        try {
            System.out.printf(
                    Locale.ROOT,
                    "%-22s %8s %12s %10s %12s %12s %10s%n",
                    "what",
                    "KiB",
                    "appends/s",
                    "MB/s",
                    "cpu us/app.",
                    "alloc B/app.",
                    "group");
            for (int size : SIZES) {
                double warm = bare(root, size);
                double bare = bare(root, size);
                if (warm <= 0) throw new IllegalStateException("nothing written");
                row("bare write + force", size, bare, Double.NaN, Double.NaN, 1);
                for (int appenders : APPENDERS) log(root, size, appenders);
            }
        } finally {
            delete(root);
        }
    }

    private static void row(
            String what,
            int size,
            double perSecond,
            double cpuMicros,
            double allocated,
            double group) {
        System.out.printf(
                Locale.ROOT,
                "%-22s %8d %12.0f %10.1f %12.2f %12.1f %10.1f%n",
                what,
                size >> 10,
                perSecond,
                perSecond * size / 1e6,
                cpuMicros,
                allocated,
                group);
    }

    private static double bare(Path root, int size) throws IOException {
        LogDirectory directory = FileSystemDirectory.open(root.resolve("bare"));
        ByteBuffer body = ByteBuffer.allocateDirect(size);
        try (LogFile file = directory.create("file")) {
            ByteBuffer zeros = ByteBuffer.allocateDirect(1 << 20);
            for (long at = 0; at < SEGMENT_BYTES; at += zeros.capacity())
                file.write(zeros.clear(), at);
            file.force();
            long begin = System.nanoTime();
            long end = begin + MILLIS * 1_000_000;
            long count = 0;
            long at = 0;
            while (System.nanoTime() < end) {
                if (at + size > SEGMENT_BYTES) at = 0;
                file.write(body.clear(), at);
                file.force();
                at += size;
                count++;
            }
            return count * 1e9 / (System.nanoTime() - begin);
        } finally {
            directory.delete("file");
        }
    }

    private static void log(Path root, int size, int appenders) throws Exception {
        Path path = root.resolve("log-" + size + "-" + appenders);
        var options =
                new WalOptions(
                        SEGMENT_BYTES,
                        32 * SEGMENT_BYTES,
                        0,
                        512 << 20,
                        WalOptions.OnCorruption.FAIL,
                        new WalOptions.OnFull.Reject(),
                        Duration.ofSeconds(1));
        var environment =
                new WalEnvironment(
                        InstantSource.system(),
                        System::nanoTime,
                        new Random(1),
                        new SimpleMeterRegistry());
        try (Wal log = Wal.open(FileSystemDirectory.open(path), options, environment)) {
            Cursor cursor = log.cursor("none", "all");
            var producer = new Producer(log, size, appenders);
            producer.run(1_000, cursor);
            long writer = writerThread();
            long groupsBefore = groups(environment);
            long cpu = processCpu();
            long allocated = THREADS.getThreadAllocatedBytes(writer);
            long begin = System.nanoTime();
            long count = producer.run(MILLIS, cursor);
            long nanos = System.nanoTime() - begin;
            long allocatedAfter = THREADS.getThreadAllocatedBytes(writer);
            row(
                    "log, " + appenders + " outstanding",
                    size,
                    count * 1e9 / nanos,
                    (processCpu() - cpu) / 1e3 / count,
                    (double) (allocatedAfter - allocated) / count,
                    (double) count / Math.max(1, groups(environment) - groupsBefore));
        }
        delete(path);
    }

    private static long groups(WalEnvironment environment) {
        return environment.meters().get("edged.wal.group.records").summary().count();
    }

    private static long processCpu() {
        return ((com.sun.management.OperatingSystemMXBean)
                        ManagementFactory.getOperatingSystemMXBean())
                .getProcessCpuTime();
    }

    private static long writerThread() {
        for (long id : THREADS.getAllThreadIds()) {
            var info = THREADS.getThreadInfo(id);
            if (info != null && info.getThreadName().equals("wal-writer")) return id;
        }
        throw new IllegalStateException("no writer thread");
    }

    private static void delete(Path path) throws IOException {
        try (var files = Files.walk(path)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) Files.delete(file);
        }
    }

    /** One thread that keeps so many appends outstanding, as an event loop does. */
    private static final class Producer {
        private final Wal log;
        private final ByteBuffer body;
        private final int crc;
        private final AtomicReference<@Nullable Job> done = new AtomicReference<>();
        private final Thread thread = Thread.currentThread();
        private final int appenders;
        private long lastPassed;

        Producer(Wal log, int size, int appenders) {
            this.log = log;
            this.appenders = appenders;
            byte[] bytes = new byte[size];
            new Random(1).nextBytes(bytes);
            this.body = LogFixture.direct(bytes);
            this.crc = LogFixture.crc(bytes);
        }

        private final class Job extends Append {
            private @Nullable Job below;

            Job(ByteBuffer content) {
                super(
                        Signal.LOGS,
                        ContentEncoding.IDENTITY,
                        true,
                        100,
                        ByteBuffer.allocate(0),
                        crc,
                        content);
            }

            @Override
            protected void durable(long seq) {
                Job top;
                do {
                    top = done.get();
                    below = top;
                } while (!done.compareAndSet(top, this));
                if (top == null) LockSupport.unpark(thread);
            }

            @Override
            protected void failed(WalException why) {
                throw new IllegalStateException(why);
            }
        }

        long run(long millis, Cursor cursor) {
            long end = System.nanoTime() + millis * 1_000_000;
            long count = 0;
            int outstanding = 0;
            boolean going = true;
            while (going || outstanding > 0) {
                while (going && outstanding < appenders) {
                    if (log.offer(new Job(body.duplicate())) == Appender.Offer.QUEUED) {
                        outstanding++;
                    } else {
                        Thread.onSpinWait();
                    }
                }
                Job job = done.getAndSet(null);
                if (job == null) LockSupport.park();
                for (; job != null; job = job.below) {
                    outstanding--;
                    count++;
                }
                going = System.nanoTime() < end;
                // A drain that keeps up, so that segments are used again and not only filled.
                long passed = log.committedSeq();
                if (passed - lastPassed > 1_000) {
                    lastPassed = passed;
                    cursor.passTo(passed);
                }
            }
            return count;
        }
    }
}
