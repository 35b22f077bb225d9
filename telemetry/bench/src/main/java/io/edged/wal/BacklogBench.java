package io.edged.wal;

import io.edged.disk.FileSystemDirectory;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Random;

/**
 * Opens a log with a large backlog after an unclean and after a clean end, and reads all of it: how
 * long, how many bytes, how much memory. Each step is a process of its own with a small heap. Run by
 * {@code make bench-backlog}; {@code -Dbench.gib} says how large, 10 by default.
 */
final class BacklogBench {

    private static final long GIB = Long.getLong("bench.gib", 10);
    private static final int SEGMENT_BYTES = 128 << 20;

    private BacklogBench() {}

    public static void main(String[] args) throws Exception {
        if (args.length == 2) {
            step(Path.of(args[0]), args[1]);
            return;
        }
        Path root = Files.createTempDirectory(Path.of(args[0]), "backlog");
        try {
            child(root, "write");
            dropCaches();
            child(root, "open");
            dropCaches();
            child(root, "open");
            dropCaches();
            child(root, "read");
        } finally {
            WalBench.delete(root);
        }
    }

    private static void child(Path root, String step) throws Exception {
        List<String> command = new ArrayList<>();
        command.add(ProcessHandle.current().info().command().orElse("java"));
        command.addAll(
                List.of("-Xmx64m", "-XX:+UseSerialGC", "-XX:MaxDirectMemorySize=128m", "-Dbench.gib=" + GIB));
        command.addAll(List.of("-cp", System.getProperty("java.class.path")));
        command.addAll(List.of(BacklogBench.class.getName(), root.toString(), step));
        int code = new ProcessBuilder(command).inheritIO().start().waitFor();
        // The writing one ends without closing its log.
        if (code != (step.equals("write") ? 1 : 0))
            throw new IllegalStateException(step + " ended with " + code);
    }

    private static void step(Path root, String step) throws Exception {
        long before = readBytes();
        long begin = System.nanoTime();
        Wal log = open(root);
        long nanos = System.nanoTime() - begin;
        switch (step) {
            case "write" -> {
                var producer = new WalBench.Producer(log, log.cursor("none", "all"), 256 << 10, 64, false);
                while (log.status().allocatedBytes() < GIB << 30) producer.run(1_000);
                System.out.printf(
                        Locale.ROOT,
                        "written: %d records, %d MiB in %d segments; the process ends without a stop%n",
                        log.committedSeq(),
                        log.status().allocatedBytes() >> 20,
                        log.status().segments());
                Runtime.getRuntime().halt(1);
            }
            case "open" -> {
                System.out.printf(
                        Locale.ROOT,
                        "opened: %.1f ms, %d KiB read from the disk, %d MiB resident at most%n",
                        nanos / 1e6,
                        (readBytes() - before) >> 10,
                        memory("VmHWM") >> 20);
                log.close();
            }
            case "read" -> {
                read(log);
                log.close();
            }
            default -> throw new IllegalArgumentException(step);
        }
    }

    private static void read(Wal log) throws Exception {
        Cursor cursor = log.cursor("none", "all");
        ByteBuffer body = ByteBuffer.allocateDirect(1 << 20);
        long least = Long.MAX_VALUE;
        long most = 0;
        long bytes = 0;
        long begin = System.nanoTime();
        try (LogReader reader = log.reader(0)) {
            while (reader.next() instanceof LogReader.Next.Read(Frame frame)) {
                body.clear().limit(frame.bodyBytes());
                if (!reader.readBody(frame, body)) throw new IllegalStateException("damaged");
                bytes += frame.bodyBytes();
                if (frame.seq() % 4_096 == 0) {
                    cursor.passTo(frame.seq());
                    long resident = memory("VmRSS");
                    // What it takes to get going is in the first of them.
                    least = Math.min(least, resident);
                    most = Math.max(most, resident);
                }
            }
        }
        System.out.printf(
                Locale.ROOT,
                "read: %d MiB, %.0f MB/s, resident %d to %d MiB, %d MiB read from the disk%n",
                bytes >> 20,
                bytes * 1e3 / (System.nanoTime() - begin),
                least >> 20,
                most >> 20,
                readBytes() >> 20);
    }

    private static Wal open(Path root) throws IOException {
        return Wal.open(
                FileSystemDirectory.open(root.resolve("wal")),
                new WalOptions(
                        SEGMENT_BYTES,
                        (GIB + 4) << 30,
                        0,
                        64 << 20,
                        WalOptions.OnCorruption.FAIL,
                        new WalOptions.OnFull.Reject(),
                        Duration.ofSeconds(1)),
                new WalEnvironment(
                        InstantSource.system(),
                        System::nanoTime,
                        new Random(1),
                        new SimpleMeterRegistry()));
    }

    /** Bytes that this process made the disk read. */
    private static long readBytes() throws IOException {
        return number(Path.of("/proc/self/io"), "read_bytes:");
    }

    private static long memory(String name) throws IOException {
        return number(Path.of("/proc/self/status"), name + ":") << 10;
    }

    private static long number(Path file, String name) throws IOException {
        for (String line : Files.readAllLines(file, StandardCharsets.US_ASCII))
            if (line.startsWith(name))
                return Long.parseLong(line.substring(name.length()).replace("kB", "").strip());
        throw new IllegalStateException("no " + name + " in " + file);
    }

    private static void dropCaches() {
        try {
            Files.writeString(Path.of("/proc/sys/vm/drop_caches"), "1");
        } catch (IOException e) {
            System.out.println("the page cache is warm: only root can drop it");
        }
    }
}
