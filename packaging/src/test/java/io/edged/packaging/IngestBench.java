package io.edged.packaging;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.Locale;
import java.util.Scanner;

/**
 * Records a second through the daemon and its CPU seconds per million records, at 1, 8 and 32
 * connections; run by {@code make bench-ingest}. The daemon is a process of its own; generator,
 * sink and daemon share the machine.
 */
final class IngestBench {

    private static final int[] CONNECTIONS = {1, 8, 32};
    private static final int RECORDS = Integer.getInteger("bench.records", 100);
    private static final int RECORD_BYTES = 430;
    private static final long MILLIS = Long.getLong("bench.millis", 5_000);
    private static final double TICKS_A_SECOND = 100;

    private IngestBench() {}

    public static void main(String[] args) throws Exception {
        System.out.printf(
                Locale.ROOT,
                "%-28s %12s %12s %12s %10s %10s %12s%n",
                "what",
                "connections",
                "records/s",
                "CPU s/M",
                "p50 ms",
                "p99 ms",
                "resident MiB");
        for (boolean drained : new boolean[] {false, true})
            for (int connections : CONNECTIONS) measure(drained, connections);
    }

    private static void measure(boolean drained, int connections) throws Exception {
        Path directory = Files.createTempDirectory(Path.of("target"), "bench");
        int receiver = Application.freePort();
        int sinkPort = Application.freePort();
        URI admin = URI.create("http://127.0.0.1:" + Application.freePort());
        Path config =
                Files.writeString(
                        directory.resolve("edge.toml"),
                        """
                        node.id = "bench"
                        storage = { dir = "state", ceiling_bytes = "24 GiB", reserve_bytes = 0 }
                        receiver.http = "127.0.0.1:%d"
                        admin.listen = "127.0.0.1:%d"
                        log.events = false

                        [[drain.destination]]
                        name = "sink"
                        endpoint = "http://127.0.0.1:%d"
                        compression = "identity"
                        """
                                .formatted(receiver, admin.getPort(), sinkPort));
        try (var sink =
                        drained
                                ? Application.start("sink", "--listen", "127.0.0.1:" + sinkPort)
                                : Application.start(java.util.List.of("true"));
                var daemon = Application.start("run", "--config", config.toString())) {
            daemon.awaitReady(admin);
            byte[] body = LoadGenerator.logs(RECORDS, RECORD_BYTES, 1);
            try (var load =
                    new LoadGenerator(
                            new InetSocketAddress(InetAddress.getLoopbackAddress(), receiver),
                            connections,
                            body)) {
                load.run(2_000);
                double cpu = cpuSeconds(daemon.pid());
                LoadGenerator.Result result = load.run(MILLIS);
                double records = (double) result.accepted() * RECORDS;
                System.out.printf(
                        Locale.ROOT,
                        "%-28s %12d %12.0f %12.2f %10.2f %10.2f %12.0f%s%n",
                        drained ? "durable, and drained" : "durable, upstream away",
                        connections,
                        records / (result.nanos() / 1e9),
                        (cpuSeconds(daemon.pid()) - cpu) / (records / 1e6),
                        result.medianMillis(),
                        result.p99Millis(),
                        residentMebibytes(daemon.pid()),
                        result.refused() == 0 ? "" : "  refused " + result.refused());
            }
            if (sink.isAlive()) sink.stop();
        } finally {
            try (var files = Files.walk(directory)) {
                for (Path file : files.sorted(Comparator.reverseOrder()).toList())
                    Files.delete(file);
            }
        }
    }

    /** User and system time of all threads of a process. */
    static double cpuSeconds(long pid) throws IOException {
        String stat = Files.readString(Path.of("/proc", Long.toString(pid), "stat"));
        // Behind the name, which may hold blanks: state, then numbers, user time the 12th of them
        // and system time the next.
        try (var fields = new Scanner(stat.substring(stat.lastIndexOf(')') + 2))) {
            for (int i = 0; i < 11; i++) fields.next();
            return (fields.nextLong() + fields.nextLong()) / TICKS_A_SECOND;
        }
    }

    static double residentMebibytes(long pid) throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc", Long.toString(pid), "status")))
            if (line.startsWith("VmRSS:"))
                return Long.parseLong(line.replaceAll("\\D", "")) / 1024.0;
        return Double.NaN;
    }
}
