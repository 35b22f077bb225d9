package io.edged.bundle;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Instant;
import java.util.List;

/** Facts of the system, and names and sizes of files; no contents but those of the kernel's own. */
public final class SystemReport {

    private static final int MAX_FILES = 20_000;
    private static final int MAX_FACT_BYTES = 64 << 10;

    private static final List<String> FACTS =
            List.of(
                    "/etc/os-release",
                    "/proc/version",
                    "/proc/uptime",
                    "/proc/loadavg",
                    "/proc/meminfo",
                    "/proc/pressure/io",
                    "/proc/pressure/memory",
                    "/proc/pressure/cpu",
                    "/proc/mounts",
                    "/proc/sys/kernel/random/boot_id");

    private SystemReport() {}

    /** What the kernel and the distribution say, and the room around a directory. */
    public static String facts(Path directory) {
        var text = new StringBuilder();
        text.append("time ").append(Instant.now()).append('\n');
        text.append("java ").append(System.getProperty("java.vm.version")).append('\n');
        text.append("arch ").append(System.getProperty("os.arch")).append('\n');
        text.append("processors ").append(Runtime.getRuntime().availableProcessors()).append('\n');
        try {
            var store = Files.getFileStore(directory);
            text.append("file system of ")
                    .append(directory)
                    .append(": ")
                    .append(store)
                    .append(' ')
                    .append(store.type())
                    .append(", bytes ")
                    .append(store.getTotalSpace())
                    .append(", usable ")
                    .append(store.getUsableSpace())
                    .append('\n');
        } catch (IOException e) {
            text.append("file system of ").append(directory).append(": ").append(e).append('\n');
        }
        for (String fact : FACTS) {
            text.append("\n== ").append(fact).append('\n');
            try (var in = Files.newInputStream(Path.of(fact))) {
                text.append(new String(in.readNBytes(MAX_FACT_BYTES), StandardCharsets.UTF_8));
            } catch (IOException e) {
                text.append(e).append('\n');
            }
        }
        return text.toString();
    }

    /** Size, time and name of every file below a directory. */
    public static String files(Path directory) throws IOException {
        var text = new StringBuilder();
        var count = new int[1];
        Files.walkFileTree(
                directory,
                new SimpleFileVisitor<>() {
                    @Override
                    public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
                        if (++count[0] > MAX_FILES) {
                            text.append("more files follow\n");
                            return FileVisitResult.TERMINATE;
                        }
                        text.append(attributes.size())
                                .append(' ')
                                .append(attributes.lastModifiedTime())
                                .append(' ')
                                .append(directory.relativize(file))
                                .append('\n');
                        return FileVisitResult.CONTINUE;
                    }

                    @Override
                    public FileVisitResult visitFileFailed(Path file, IOException e) {
                        text.append("- - ").append(directory.relativize(file)).append(": ");
                        text.append(e).append('\n');
                        return FileVisitResult.CONTINUE;
                    }
                });
        return text.toString();
    }
}
