package io.edged.wal;

import com.sun.management.OperatingSystemMXBean;
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
import java.util.Random;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.zip.CRC32C;

/**
 * Durable appends against what the disk can do, in one run on one disk: a bare loop of write and
 * force over a file that was filled before, this log with 1 to 512 appends outstanding, and other
 * Java logs asked for the same promise. Run by {@code make bench-wal}; the only argument is a
 * directory on the disk to be measured.
 */
final class WalBench {

    private static final int[] SIZES = {1 << 10, 35 << 10, 256 << 10};
    private static final int[] APPENDERS = {1, 8, 64, 512};
    private static final int SEGMENT_BYTES = 128 << 20;
    private static final long MILLIS = Long.getLong("bench.millis", 3_000);
    private static final boolean OTHERS = Boolean.parseBoolean(System.getProperty("bench.others", "true"));
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private static final OperatingSystemMXBean SYSTEM =
            (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();

    private final Path root;
    private final BenchTable table = new BenchTable();

    private WalBench(Path root) {
        this.root = root;
    }

    public static void main(String[] args) throws Exception {
        Path root = Files.createTempDirectory(Path.of(args[0]), "wal-bench");
        try {
            new WalBench(root).run();
        } finally {
            delete(root);
        }
    }

    private void run() throws Exception {
        for (int size : SIZES) {
            bare(size);
            for (int appenders : APPENDERS) log(size, appenders);
            if (!OTHERS) continue;
            for (int appenders : APPENDERS) {
                other("artemis", size, appenders);
                other("chronicle", size, appenders);
            }
        }
    }

    /** What the disk can do when nothing is promised but one force behind each write. */
    private void bare(int size) throws IOException {
        LogDirectory directory = FileSystemDirectory.open(root.resolve("bare"));
        ByteBuffer body = ByteBuffer.allocateDirect(size);
        try (LogFile file = directory.createZeroed("file", SEGMENT_BYTES)) {
            // Twice over the file, so that it is in the cache as a recycled segment is.
            for (long at = 0; at + size <= SEGMENT_BYTES; at += size) file.write(body.clear(), at);
            file.force();
            long cpu = SYSTEM.getProcessCpuTime();
            long begin = System.nanoTime();
            long count = 0;
            for (long at = 0; System.nanoTime() - begin < MILLIS * 1_000_000; at += size) {
                if (at + size > SEGMENT_BYTES) at = 0;
                file.write(body.clear(), at);
                file.force();
                count++;
            }
            table.add(
                    new BenchTable.Measured(
                            "bare loop",
                            size,
                            1,
                            count,
                            System.nanoTime() - begin,
                            SYSTEM.getProcessCpuTime() - cpu,
                            Double.NaN,
                            Double.NaN,
                            count),
                    true);
        } finally {
            directory.delete("file");
        }
    }

    private void log(int size, int appenders) throws Exception {
        Path path = root.resolve("log");
        var options =
                new WalOptions(
                        SEGMENT_BYTES,
                        32L * SEGMENT_BYTES,
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
            var producer = new Producer(log, log.cursor("none", "all"), size, appenders, true);
            producer.run(2 * MILLIS);
            long writer = writerThread();
            long groups = groups(environment);
            long cpu = SYSTEM.getProcessCpuTime();
            long user = THREADS.getThreadUserTime(writer);
            long allocated = THREADS.getThreadAllocatedBytes(writer);
            long begin = System.nanoTime();
            long count = producer.run(MILLIS);
            long nanos = System.nanoTime() - begin;
            table.add(
                    new BenchTable.Measured(
                            "edged",
                            size,
                            appenders,
                            count,
                            nanos,
                            SYSTEM.getProcessCpuTime() - cpu,
                            THREADS.getThreadUserTime(writer) - user,
                            THREADS.getThreadAllocatedBytes(writer) - allocated,
                            groups(environment) - groups),
                    false);
        }
        delete(path);
    }

    private void other(String name, int size, int appenders) throws Exception {
        Path path = root.resolve(name);
        OtherLogs.LoadOn measure =
                load -> {
                    load.run(appenders, MILLIS);
                    long cpu = SYSTEM.getProcessCpuTime();
                    long begin = System.nanoTime();
                    long count = load.run(appenders, MILLIS);
                    table.add(
                            new BenchTable.Measured(
                                    name,
                                    size,
                                    appenders,
                                    count,
                                    System.nanoTime() - begin,
                                    SYSTEM.getProcessCpuTime() - cpu,
                                    Double.NaN,
                                    Double.NaN,
                                    Double.NaN),
                            false);
                };
        if (name.equals("artemis")) OtherLogs.artemis(path, size, measure);
        else OtherLogs.chronicle(path, size, measure);
        delete(path);
    }

    private static long groups(WalEnvironment environment) {
        return environment.meters().get("edged.wal.group.records").summary().count();
    }

    private static long writerThread() {
        for (long id : THREADS.getAllThreadIds()) {
            var info = THREADS.getThreadInfo(id);
            if (info != null && info.getThreadName().equals("wal-writer")) return id;
        }
        throw new IllegalStateException("no writer thread");
    }

    static void delete(Path path) throws IOException {
        try (var files = Files.walk(path)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) Files.delete(file);
        }
    }

    /** One thread that keeps so many appends outstanding, as an event loop does. */
    static final class Producer {
        private final Wal log;
        private final Cursor cursor;
        private final ByteBuffer body;
        private final int crc;
        private final AtomicReference<@Nullable Job> done = new AtomicReference<>();
        private final Thread thread = Thread.currentThread();
        private final int appenders;
        private final boolean drains;
        private volatile boolean parks;
        private long passed;

        /**
         * @param drains whether the cursor follows, so that segments are used again and not only
         *     filled
         */
        Producer(Wal log, Cursor cursor, int size, int appenders, boolean drains) {
            this.log = log;
            this.drains = drains;
            this.cursor = cursor;
            this.appenders = appenders;
            byte[] bytes = new byte[size];
            new Random(1).nextBytes(bytes);
            this.body = ByteBuffer.allocateDirect(size).put(bytes).flip();
            CRC32C crc = new CRC32C();
            crc.update(bytes);
            this.crc = (int) crc.getValue();
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
                if (parks) LockSupport.unpark(thread);
            }

            @Override
            protected void failed(WalException why) {
                throw new IllegalStateException(why);
            }
        }

        long run(long millis) {
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
                for (Job job = await(); job != null; job = job.below) {
                    outstanding--;
                    count++;
                }
                going = System.nanoTime() < end;
                long committed = log.committedSeq();
                if (drains && committed - passed > 100) {
                    passed = committed;
                    cursor.passTo(committed);
                }
            }
            return count;
        }

        /**
         * Looks around before it parks: what is measured is the log, not how fast this machine wakes
         * a thread.
         */
        private @Nullable Job await() {
            long spinEnd = System.nanoTime() + 300_000;
            while (true) {
                Job job = done.getAndSet(null);
                if (job != null) return job;
                if (System.nanoTime() < spinEnd) {
                    Thread.onSpinWait();
                    continue;
                }
                parks = true;
                if (done.get() == null) LockSupport.park();
                parks = false;
            }
        }
    }
}
