package io.edged.packaging;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.Locale;

/**
 * What a daemon without work costs: processor time and resident memory over a while, and then the
 * processor time and size of a scrape. Run by {@code make bench-idle}.
 */
final class IdleBench {

    private static final int SECONDS = Integer.getInteger("bench.idle.seconds", 60);

    /** Until the compiler and the collector have done with the start. */
    private static final int SETTLING_SECONDS = 20;

    private static final int SCRAPES = 2_000;

    private IdleBench() {}

    public static void main(String[] args) throws Exception {
        Path directory = Files.createTempDirectory(Path.of("target"), "idle");
        try {
            run(directory);
        } finally {
            try (var files = Files.walk(directory)) {
                for (Path file : files.sorted(Comparator.reverseOrder()).toList())
                    Files.delete(file);
            }
        }
    }

    private static void run(Path directory) throws IOException, InterruptedException {
        int port = Application.freePort();
        URI admin = URI.create("http://127.0.0.1:" + port);
        Path config =
                Application.configuration(
                        directory,
                        Application.freePort(),
                        port,
                        URI.create("http://127.0.0.1:" + Application.freePort()));
        try (var daemon = Application.startAsShipped("run", "--config", config.toString())) {
            daemon.awaitReady(admin);
            Thread.sleep(SETTLING_SECONDS * 1_000L);
            double before = IngestBench.cpuSeconds(daemon.pid());
            Thread.sleep(SECONDS * 1_000L);
            double idle = IngestBench.cpuSeconds(daemon.pid()) - before;
            System.out.printf(
                    Locale.ROOT,
                    "idle for %d s: %.2f s of processor time (%.3f %% of a core), resident %.0f"
                            + " MiB%n",
                    SECONDS,
                    idle,
                    100 * idle / SECONDS,
                    IngestBench.residentMebibytes(daemon.pid()));
            int bytes = 0;
            for (int i = 0; i < SCRAPES; i++)
                bytes = Application.get(admin.resolve("/metrics")).body().length();
            before = IngestBench.cpuSeconds(daemon.pid());
            long start = System.nanoTime();
            for (int i = 0; i < SCRAPES; i++)
                bytes = Application.get(admin.resolve("/metrics")).body().length();
            System.out.printf(
                    Locale.ROOT,
                    "a scrape of %d bytes: %.2f ms of processor time, %.2f ms until it is there;"
                            + " resident %.0f MiB after %d%n",
                    bytes,
                    1e3 * (IngestBench.cpuSeconds(daemon.pid()) - before) / SCRAPES,
                    (System.nanoTime() - start) / 1e6 / SCRAPES,
                    IngestBench.residentMebibytes(daemon.pid()),
                    2 * SCRAPES);
        }
    }
}
