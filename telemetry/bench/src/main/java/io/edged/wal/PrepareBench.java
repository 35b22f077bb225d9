package io.edged.wal;

import com.sun.management.OperatingSystemMXBean;

import io.edged.disk.FileSystemDirectory;
import io.edged.disk.LogDirectory;
import io.edged.disk.LogFile;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;

/**
 * What a segment costs before and while groups are written to it, for each way to get one: growing,
 * zeros through the page cache, zeros past it, used again. Run by {@code make bench-prepare}; the
 * only argument is a directory on the disk to be measured.
 */
final class PrepareBench {

    private static final int SEGMENT_BYTES = 128 << 20;
    private static final int[] GROUPS = {4 << 10, 64 << 10, 1 << 20};
    private static final OperatingSystemMXBean SYSTEM =
            (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();

    private PrepareBench() {}

    private enum Way {
        GROWING,
        ZEROS_IN_CACHE,
        ZEROS_PAST_CACHE,
        USED_AGAIN
    }

    public static void main(String[] args) throws Exception {
        Path root = Files.createTempDirectory(Path.of(args[0]), "prepare-bench");
        try {
            System.out.printf(
                    "%-18s %12s %10s %10s %12s%n",
                    "segment", "prepare", "group KiB", "groups/s", "write+force");
            System.out.printf(
                    "%-18s %12s %10s %10s %12s%n", "", "CPU ms/MiB", "", "", "CPU ms/MiB");
            LogDirectory directory = FileSystemDirectory.open(root);
            for (int group : GROUPS) {
                measure(directory, Way.USED_AGAIN, group); // warms up
                for (Way way : Way.values()) System.out.print(measure(directory, way, group));
            }
        } finally {
            WalBench.delete(root);
        }
    }

    private static String measure(LogDirectory directory, Way way, int group) throws IOException {
        long cpu = SYSTEM.getProcessCpuTime();
        LogFile file =
                way == Way.ZEROS_PAST_CACHE
                        ? directory.createZeroed("segment", SEGMENT_BYTES)
                        : directory.create("segment");
        if (way == Way.ZEROS_IN_CACHE || way == Way.USED_AGAIN) {
            ByteBuffer zeros = ByteBuffer.allocateDirect(1 << 20);
            for (long at = 0; at < SEGMENT_BYTES; at += zeros.capacity())
                file.write(zeros.clear(), at);
            file.force();
        }
        double prepared = way == Way.USED_AGAIN ? 0 : SYSTEM.getProcessCpuTime() - cpu;
        try (file) {
            ByteBuffer bytes = ByteBuffer.allocateDirect(group);
            int count = Math.min(2_000, SEGMENT_BYTES / group);
            cpu = SYSTEM.getProcessCpuTime();
            long begin = System.nanoTime();
            for (int i = 0; i < count; i++) {
                file.write(bytes.clear(), (long) i * group);
                file.force();
            }
            long nanos = System.nanoTime() - begin;
            double writing = SYSTEM.getProcessCpuTime() - cpu;
            return String.format(
                    Locale.ROOT,
                    "%-18s %12.2f %10d %10.0f %12.2f%n",
                    way.name().toLowerCase(Locale.ROOT).replace('_', ' '),
                    way == Way.GROWING ? 0 : prepared / 1e6 / (SEGMENT_BYTES >> 20),
                    group >> 10,
                    count * 1e9 / nanos,
                    writing / 1e6 / ((double) count * group / (1 << 20)));
        } finally {
            directory.delete("segment");
        }
    }
}
