package io.edged.packaging;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.Locale;
import java.util.zip.GZIPOutputStream;

/**
 * CPU seconds of the daemon per million log records, by transport, compression and records a
 * request; run by {@code make bench-receivers}. The upstream is away: what is measured is the way
 * into the log, the force included.
 */
final class ReceiverBench {

    private static final int CONNECTIONS = 8;
    private static final int RECORD_BYTES = 430;
    private static final long MILLIS = Long.getLong("bench.millis", 5_000);

    private ReceiverBench() {}

    public static void main(String[] args) throws Exception {
        System.out.printf(
                Locale.ROOT,
                "%-10s %-10s %10s %12s %10s %14s%n",
                "transport",
                "encoding",
                "records",
                "records/s",
                "CPU s/M",
                "resident MiB");
        for (String transport : new String[] {"http", "grpc"})
            for (String encoding : new String[] {"identity", "gzip"})
                for (int records : new int[] {100, 1000}) measure(transport, encoding, records);
    }

    private static void measure(String transport, String encoding, int records) throws Exception {
        Path directory = Files.createTempDirectory(Path.of("target"), "bench");
        boolean gzip = encoding.equals("gzip");
        byte[] plain = LoadGenerator.logs(records, RECORD_BYTES, 1);
        byte[] body = gzip ? compressed(plain) : plain;
        try (var receiver = ReceiverUnderTest.start(directory, "24 GiB", "128 MiB", "")) {
            long pid = receiver.daemon().pid();
            long accepted;
            long refused;
            long nanos;
            double cpu;
            if (transport.equals("http")) {
                try (var load =
                        new LoadGenerator(
                                receiver.httpAddress(),
                                CONNECTIONS,
                                body,
                                gzip ? "Content-Encoding: gzip\r\n" : "")) {
                    load.run(3_000);
                    cpu = IngestBench.cpuSeconds(pid);
                    var result = load.run(MILLIS);
                    cpu = IngestBench.cpuSeconds(pid) - cpu;
                    accepted = result.accepted();
                    refused = result.refused();
                    nanos = result.nanos();
                }
            } else {
                try (var load =
                        new GrpcLoad(
                                new InetSocketAddress(
                                        InetAddress.getLoopbackAddress(), receiver.grpc()),
                                CONNECTIONS,
                                body,
                                gzip)) {
                    load.run(3_000);
                    cpu = IngestBench.cpuSeconds(pid);
                    var result = load.run(MILLIS);
                    cpu = IngestBench.cpuSeconds(pid) - cpu;
                    accepted = result.accepted();
                    refused = result.refused();
                    nanos = result.nanos();
                }
            }
            double million = (double) accepted * records / 1e6;
            System.out.printf(
                    Locale.ROOT,
                    "%-10s %-10s %10d %12.0f %10.2f %14.0f%s%n",
                    transport,
                    encoding,
                    records,
                    million * 1e6 / (nanos / 1e9),
                    cpu / million,
                    IngestBench.residentMebibytes(pid),
                    refused == 0 ? "" : "  refused " + refused);
        } finally {
            try (var files = Files.walk(directory)) {
                for (Path file : files.sorted(Comparator.reverseOrder()).toList())
                    Files.delete(file);
            }
        }
    }

    private static byte[] compressed(byte[] body) throws IOException {
        var packed = new ByteArrayOutputStream();
        try (var out = new GZIPOutputStream(packed)) {
            out.write(body);
        }
        return packed.toByteArray();
    }
}
