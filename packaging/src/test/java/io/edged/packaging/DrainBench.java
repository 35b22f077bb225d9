package io.edged.packaging;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * How fast a backlog leaves the device, and what memory and processor time that costs; run by
 * {@code make bench-drain}. The daemon fills its log while the upstream is away, is started again
 * with {@code edged sink} as its upstream, and delivers. Beside it, in the same run, a bare sender
 * writes requests of the same size to the same sink over as many plain sockets.
 */
final class DrainBench {

    private static final int GIB = Integer.getInteger("bench.gib", 2);
    private static final int IN_FLIGHT = Integer.getInteger("bench.in_flight", 4);
    private static final int RECORDS = 1_000;
    private static final int RECORD_BYTES = 430;
    private static final int REQUEST_BYTES = 2 << 20;
    private static final long SAMPLE_MILLIS = 200;
    private static final long OUTAGE_WARM_MILLIS = 30_000;
    private static final long OUTAGE_MILLIS = 1_000 * Long.getLong("bench.outage.seconds", 60);
    private static final Pattern DELIVERED =
            Pattern.compile(
                    "^edged_drain_delivered_items_total\\{[^}]*signal=\"logs\"[^}]*} ([0-9.E+]+)",
                    Pattern.MULTILINE);

    private final Path directory;
    private final int receiver = Application.freePort();
    private final int sinkPort = Application.freePort();
    private final URI admin = URI.create("http://127.0.0.1:" + Application.freePort());

    private DrainBench(Path directory) throws IOException {
        this.directory = directory;
    }

    public static void main(String[] args) throws Exception {
        Path directory = Files.createTempDirectory(Path.of("target"), "bench");
        try {
            new DrainBench(directory).run();
        } finally {
            try (var files = Files.walk(directory)) {
                for (Path file : files.sorted(Comparator.reverseOrder()).toList())
                    Files.delete(file);
            }
        }
    }

    private void run() throws Exception {
        byte[] body = LoadGenerator.logs(RECORDS, RECORD_BYTES, 1);
        long items = fill(body);
        long bytes = items / RECORDS * body.length;
        System.out.printf(
                Locale.ROOT,
                "backlog: %d records, %.0f MB; %d requests in flight of %d bytes%n",
                items,
                bytes / 1e6,
                IN_FLIGHT,
                REQUEST_BYTES);
        System.out.printf(
                Locale.ROOT,
                "%-22s %10s %10s %12s %12s%n",
                "what",
                "MB/s",
                "CPU s/GB",
                "idle MiB",
                "peak MiB");
        outage();
        try (var sink = Application.start("sink", "--listen", "127.0.0.1:" + sinkPort)) {
            awaitSink();
            bare(body, bytes);
            drain(items, bytes);
            bare(body, bytes);
            sink.stop();
        }
    }

    private Path config(String name, boolean upstream) throws IOException {
        return Files.writeString(
                directory.resolve(name),
                """
                node.id = "bench"
                storage = { dir = "state", ceiling_bytes = "%d GiB", reserve_bytes = 0 }
                receiver.http = "127.0.0.1:%d"
                admin.listen = "127.0.0.1:%d"

                [[drain.destination]]
                name = "sink"
                endpoint = "http://127.0.0.1:%d"
                compression = "identity"
                in_flight = %d
                """
                        .formatted(
                                GIB + 2,
                                receiver,
                                admin.getPort(),
                                upstream ? sinkPort : 1,
                                IN_FLIGHT));
    }

    /** Returns how many records stand in the log. */
    private long fill(byte[] body) throws Exception {
        try (var daemon =
                Application.startAsShipped(
                        "run", "--config", config("fill.toml", false).toString())) {
            daemon.awaitReady(admin);
            long wanted = ((long) GIB << 30) / body.length;
            long accepted = 0;
            try (var load =
                    new LoadGenerator(
                            new InetSocketAddress(InetAddress.getLoopbackAddress(), receiver),
                            8,
                            body)) {
                while (accepted < wanted) accepted += load.run(500).accepted();
            }
            daemon.stop();
            return accepted * RECORDS;
        }
    }

    private void drain(long items, long bytes) throws Exception {
        Path config = config("drain.toml", true);
        double idle = idle();
        long start = System.nanoTime();
        try (var daemon = Application.startAsShipped("run", "--config", config.toString())) {
            daemon.awaitReady(admin);
            double peak = 0;
            // From the first record on: the start of the process is not part of it.
            while (delivered() == 0) Thread.sleep(1);
            long before = delivered();
            double cpu = IngestBench.cpuSeconds(daemon.pid());
            start = System.nanoTime();
            long now = before;
            while (now < items) {
                Thread.sleep(SAMPLE_MILLIS);
                peak = Math.max(peak, IngestBench.residentMebibytes(daemon.pid()));
                now = delivered();
            }
            double seconds = (System.nanoTime() - start) / 1e9;
            double moved = (double) bytes * (items - before) / items;
            print(
                    "edged",
                    moved / seconds,
                    (IngestBench.cpuSeconds(daemon.pid()) - cpu) / (moved / 1e9),
                    idle,
                    peak);
            daemon.stop();
        }
    }

    /** What a daemon costs that has a backlog and nobody to give it to. */
    private void outage() throws Exception {
        try (var daemon =
                Application.startAsShipped(
                        "run", "--config", directory.resolve("fill.toml").toString())) {
            daemon.awaitReady(admin);
            // The headers of the whole backlog are read first, and the circuit opens.
            Thread.sleep(OUTAGE_WARM_MILLIS);
            double cpu = IngestBench.cpuSeconds(daemon.pid());
            long start = System.nanoTime();
            Thread.sleep(OUTAGE_MILLIS);
            double seconds = (System.nanoTime() - start) / 1e9;
            double spent = IngestBench.cpuSeconds(daemon.pid()) - cpu;
            System.out.printf(
                    Locale.ROOT,
                    "outage with that backlog: %.2f %% of one processor over %.0f s, %.0f MiB"
                            + " resident%n",
                    100 * spent / seconds,
                    seconds,
                    IngestBench.residentMebibytes(daemon.pid()));
            daemon.stop();
        }
    }

    /** Resident memory of a daemon that has nothing to do. */
    private double idle() throws Exception {
        Path empty =
                Files.writeString(
                        directory.resolve("idle.toml"),
                        Files.readString(directory.resolve("drain.toml"))
                                .replace("dir = \"state\"", "dir = \"idle\""));
        try (var daemon = Application.startAsShipped("run", "--config", empty.toString())) {
            daemon.awaitReady(admin);
            Thread.sleep(5_000);
            double resident = IngestBench.residentMebibytes(daemon.pid());
            daemon.stop();
            return resident;
        }
    }

    private long delivered() throws Exception {
        Matcher match = DELIVERED.matcher(Application.get(admin.resolve("/metrics")).body());
        double sum = 0;
        while (match.find()) sum += Double.parseDouble(match.group(1));
        return Math.round(sum);
    }

    private static void print(
            String what, double bytesPerSecond, double cpu, double idle, double peak) {
        System.out.printf(
                Locale.ROOT,
                "%-22s %10.0f %10s %12s %12s%n",
                what,
                bytesPerSecond / 1e6,
                Double.isNaN(cpu) ? "" : String.format(Locale.ROOT, "%.2f", cpu),
                Double.isNaN(idle) ? "" : String.format(Locale.ROOT, "%.0f", idle),
                Double.isNaN(peak) ? "" : String.format(Locale.ROOT, "%.0f", peak));
    }

    /** The same number of bytes in requests of the same size, from memory. */
    private void bare(byte[] body, long bytes) throws Exception {
        byte[] request = new byte[REQUEST_BYTES / body.length * body.length];
        for (int at = 0; at < request.length; at += body.length)
            System.arraycopy(body, 0, request, at, body.length);
        var left = new AtomicLong(bytes / request.length);
        long requests = left.get();
        long start = System.nanoTime();
        try (var threads = Executors.newFixedThreadPool(IN_FLIGHT)) {
            var senders = new ArrayList<Future<?>>();
            Callable<Long> sender = () -> send(request, left);
            for (int i = 0; i < IN_FLIGHT; i++) senders.add(threads.submit(sender));
            for (Future<?> each : senders) each.get();
        }
        double seconds = (System.nanoTime() - start) / 1e9;
        print(
                "bare sender",
                (double) requests * request.length / seconds,
                Double.NaN,
                Double.NaN,
                Double.NaN);
    }

    private long send(byte[] request, AtomicLong left) throws IOException {
        byte[] head =
                ("POST /v1/logs HTTP/1.1\r\nHost: sink\r\nContent-Type: application/x-protobuf\r\n"
                                + "Content-Length: "
                                + request.length
                                + "\r\n\r\n")
                        .getBytes(StandardCharsets.US_ASCII);
        long sent = 0;
        try (var socket = new Socket(InetAddress.getLoopbackAddress(), sinkPort)) {
            socket.setTcpNoDelay(true);
            var in = new BufferedInputStream(socket.getInputStream());
            while (left.getAndDecrement() > 0) {
                socket.getOutputStream().write(head);
                socket.getOutputStream().write(request);
                answer(in);
                sent++;
            }
        }
        return sent;
    }

    /** Reads one answer of the sink, which says how long it is. */
    private static void answer(InputStream in) throws IOException {
        var head = new StringBuilder();
        while (head.indexOf("\r\n\r\n") < 0) {
            int next = in.read();
            if (next < 0) throw new IOException("the sink closed the connection after " + head);
            head.append((char) next);
        }
        if (!head.toString().startsWith("HTTP/1.1 200"))
            throw new IOException("the sink answered " + head);
        Matcher length =
                Pattern.compile("content-length: ([0-9]+)", Pattern.CASE_INSENSITIVE).matcher(head);
        if (length.find()) in.skipNBytes(Long.parseLong(length.group(1)));
    }

    private void awaitSink() throws Exception {
        for (int i = 0; i < 600; i++) {
            try (var socket = new Socket(InetAddress.getLoopbackAddress(), sinkPort)) {
                if (socket.isConnected()) return;
            } catch (IOException e) {
                Thread.sleep(100);
            }
        }
        throw new IOException("the sink does not listen");
    }
}
