package io.edged.packaging;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;

/**
 * Store and forward with a built image, however it is started: on this machine, in a chroot, or
 * under an emulator. Telemetry is taken and acknowledged while there is no upstream, the daemon is
 * stopped and started again, then a sink appears and everything arrives.
 *
 * <p>{@code RoundTrip [--options JVM_OPTIONS] [--idle SECONDS] [--brief] [--keep COPY] [--found]
 * DIRECTORY SEEN_AS COMMAND...}: DIRECTORY is a directory for the daemon's files, SEEN_AS the same
 * directory as the daemon sees it; COMMAND starts edged. The options are for the daemon only. Brief
 * leaves out {@code version} and {@code check}. Keep leaves in COPY the state directory with
 * everything acknowledged and nothing delivered. Found begins with such a directory, which another
 * image has left, and does the rest. Prints what it measured.
 */
final class RoundTrip {
    private static final int REQUESTS = 20;
    private static final int RECORDS_A_REQUEST = 10;
    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(180);
    private static final Pattern LOGS = Pattern.compile("\"logs\"\\s*:\\s*(\\d+)");

    private final List<String> command;
    private final Path directory;
    private final String options;
    private final String config;
    private final int receiver = Application.freePort();
    private final URI admin = URI.create("http://127.0.0.1:" + Application.freePort());
    private final URI upstream = URI.create("http://127.0.0.1:" + Application.freePort());

    private RoundTrip(List<String> command, Path directory, String seenAs, String options)
            throws IOException {
        this.command = command;
        this.directory = directory;
        this.options = options;
        config = seenAs + "/edge.toml";
        Application.configuration(directory, receiver, admin.getPort(), upstream);
    }

    public static void main(String[] args) throws Exception {
        String options = "";
        int idleSeconds = 0;
        boolean brief = false;
        boolean found = false;
        Path copy = null;
        int next = 0;
        while (args[next].startsWith("--")) {
            switch (args[next++]) {
                case "--options" -> options = args[next++];
                case "--idle" -> idleSeconds = Integer.parseInt(args[next++]);
                case "--brief" -> brief = true;
                case "--found" -> found = true;
                case "--keep" -> copy = Path.of(args[next++]);
                default -> throw new IllegalArgumentException("unknown: " + args[next - 1]);
            }
        }
        var trip =
                new RoundTrip(
                        List.of(args).subList(next + 2, args.length),
                        Path.of(args[next]),
                        args[next + 1],
                        options);
        if (found) {
            trip.forward();
            System.out.println("all " + REQUESTS * RECORDS_A_REQUEST + " records received");
            return;
        }
        trip.store(idleSeconds, brief);
        if (copy != null) copy(trip.directory.resolve("state"), copy);
        trip.forward();
        System.out.println(
                "round trip: "
                        + REQUESTS * RECORDS_A_REQUEST
                        + " records acknowledged without an upstream, all received after a restart");
    }

    private void store(int idleSeconds, boolean brief) throws Exception {
        if (!brief) {
            System.out.println(once("version"));
            System.out.println(once("check", config));
        }
        byte[] request = request();
        long started = System.nanoTime();
        try (var daemon = start(options, "run", "--config", config)) {
            firstAnswer(daemon, receiver, request);
            System.out.printf(
                    "first accepted request %d ms after the start%n",
                    TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - started));
            for (int i = 1; i < REQUESTS; i++) require(send(receiver, request), "200");
            if (idleSeconds > 0) {
                TimeUnit.SECONDS.sleep(idleSeconds);
                System.out.println("idle: " + memory(daemon.pid()));
            }
            require(Application.get(admin.resolve("/livez")).statusCode() + "", "200");
            require(Application.get(admin.resolve("/metrics")).statusCode() + "", "200");
            require(Application.get(admin.resolve("/status")).statusCode() + "", "200");
            require(daemon.stop() + "", "0");
        }
    }

    private void forward() throws Exception {
        try (var sink = start("", "sink", "--listen", "127.0.0.1:" + upstream.getPort())) {
            sink.awaitLine(line -> line.startsWith("sink listens"));
            try (var daemon = start(options, "run", "--config", config)) {
                awaitReceived(daemon, upstream, REQUESTS * RECORDS_A_REQUEST);
                require(daemon.stop() + "", "0");
            }
            require(sink.stop() + "", "0");
        }
    }

    private static void copy(Path from, Path to) throws IOException {
        try (var files = Files.walk(from)) {
            for (Path file : files.toList()) Files.copy(file, to.resolve(from.relativize(file)));
        }
    }

    private Application start(String jvmOptions, String... arguments) throws IOException {
        var line = new ArrayList<String>();
        line.addAll(List.of("env", "EDGED_OPTS=" + jvmOptions));
        line.addAll(command);
        line.addAll(List.of(arguments));
        return Application.start(line);
    }

    private String once(String... arguments) throws IOException, InterruptedException {
        try (var process = start("", arguments)) {
            int code = process.exitCode();
            String lines = String.join("\n", process.lines());
            if (code != 0) throw new AssertionError("exit code " + code + ": " + lines);
            return lines;
        }
    }

    static void firstAnswer(Application daemon, int port, byte[] request)
            throws IOException, InterruptedException {
        long deadline = System.nanoTime() + PATIENCE_NANOS;
        while (System.nanoTime() < deadline && daemon.isAlive()) {
            try {
                if (send(port, request).equals("200")) return;
            } catch (ConnectException e) {
                // Not there yet.
            }
            Thread.sleep(2);
        }
        throw new AssertionError("no answer; it printed:\n" + String.join("\n", daemon.lines()));
    }

    private static void awaitReceived(Application daemon, URI upstream, long records)
            throws IOException, InterruptedException {
        long deadline = System.nanoTime() + PATIENCE_NANOS;
        long received = 0;
        while (System.nanoTime() < deadline && daemon.isAlive()) {
            var logs = LOGS.matcher(Application.get(upstream.resolve("/sink/stats")).body());
            received = logs.find() ? Long.parseLong(logs.group(1)) : 0;
            if (received >= records) return;
            Thread.sleep(50);
        }
        throw new AssertionError(
                "received %d of %d; the daemon printed:%n%s"
                        .formatted(received, records, String.join("\n", daemon.lines())));
    }

    private static void require(String actual, String wanted) {
        if (!actual.equals(wanted))
            throw new AssertionError("wanted " + wanted + ", got " + actual);
    }

    /** One request on a connection of its own; the status of the answer. */
    private static String send(int port, byte[] request) throws IOException {
        try (var socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            socket.setSoTimeout(60_000);
            OutputStream out = socket.getOutputStream();
            out.write(request);
            InputStream in = socket.getInputStream();
            byte[] head = in.readNBytes(12);
            return new String(head, StandardCharsets.US_ASCII).substring(9);
        }
    }

    static byte[] request() throws IOException {
        var records = new ByteArrayOutputStream();
        for (int i = 0; i < RECORDS_A_REQUEST; i++)
            field(
                    records,
                    2,
                    concat(new byte[] {0x09, 1, 0, 0, 0, 0, 0, 0, 0}, body("record " + i)));
        var scope = new ByteArrayOutputStream();
        field(scope, 2, records.toByteArray());
        var resource = new ByteArrayOutputStream();
        field(resource, 1, scope.toByteArray());
        byte[] export = resource.toByteArray();
        String head =
                "POST /v1/logs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-protobuf\r\n"
                        + "Connection: close\r\nContent-Length: "
                        + export.length
                        + "\r\n\r\n";
        return concat(head.getBytes(StandardCharsets.US_ASCII), export);
    }

    private static byte[] body(String text) throws IOException {
        var value = new ByteArrayOutputStream();
        field(value, 1, text.getBytes(StandardCharsets.UTF_8));
        var body = new ByteArrayOutputStream();
        field(body, 5, value.toByteArray());
        return body.toByteArray();
    }

    private static void field(ByteArrayOutputStream out, int number, byte[] content)
            throws IOException {
        out.write((number << 3) | 2);
        int length = content.length;
        while (length > 0x7f) {
            out.write((length & 0x7f) | 0x80);
            length >>>= 7;
        }
        out.write(length);
        out.write(content);
    }

    private static byte[] concat(byte[] first, byte[] second) {
        byte[] both = new byte[first.length + second.length];
        System.arraycopy(first, 0, both, 0, first.length);
        System.arraycopy(second, 0, both, first.length, second.length);
        return both;
    }

    static String memory(long pid) throws IOException {
        Optional<String> resident = status(pid, "VmRSS");
        return resident.orElse("unknown")
                + " resident, "
                + status(pid, "RssAnon").orElse("unknown")
                + " of it anonymous";
    }

    private static Optional<String> status(long pid, String name) throws IOException {
        try (var lines = Files.lines(Path.of("/proc", Long.toString(pid), "status"))) {
            return lines.filter(line -> line.startsWith(name + ":"))
                    .findFirst()
                    .map(line -> line.substring(name.length() + 1).strip());
        }
    }
}
