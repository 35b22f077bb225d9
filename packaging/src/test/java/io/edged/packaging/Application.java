package io.edged.packaging;

import java.io.BufferedReader;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/** One process of the built application, started as a user starts it, with what it printed. */
final class Application implements AutoCloseable {

    static final Path LAUNCHER =
            Path.of(System.getProperty("edged.application", "target/edged"), "bin", "edged")
                    .toAbsolutePath();

    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final HttpClient HTTP =
            HttpClient.newBuilder()
                    .version(HttpClient.Version.HTTP_1_1)
                    .connectTimeout(Duration.ofSeconds(5))
                    .build();

    private final Process process;
    private final List<String> lines = new CopyOnWriteArrayList<>();
    private final Thread reader;

    private Application(Process process) {
        this.process = process;
        reader =
                Thread.ofVirtual()
                        .start(() -> {
                            try (BufferedReader out = process.inputReader(StandardCharsets.UTF_8)) {
                                out.lines().forEach(lines::add);
                            } catch (IOException | java.io.UncheckedIOException e) {
                                lines.add("reading the output ended: " + e);
                            }
                        });
    }

    static Application start(String... arguments) throws IOException {
        var command = new ArrayList<String>();
        command.add("sh");
        command.add(LAUNCHER.toString());
        command.addAll(List.of(arguments));
        return start(command);
    }

    /** With the options of the virtual machine that the images have. */
    static Application startAsShipped(String... arguments) throws IOException {
        String options =
                Files.readAllLines(Path.of("dist", "flags")).stream()
                        .filter(line -> line.startsWith("-"))
                        .collect(Collectors.joining(" "));
        var command = new ArrayList<>(List.of("env", "EDGED_OPTS=" + options));
        command.addAll(List.of("sh", LAUNCHER.toString()));
        command.addAll(List.of(arguments));
        return start(command);
    }

    static Application start(List<String> command) throws IOException {
        return new Application(new ProcessBuilder(command).redirectErrorStream(true).start());
    }

    /** A port that was free a moment ago, for a process that must come back at the same address. */
    static int freePort() throws IOException {
        try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    static HttpResponse<String> get(URI uri) throws IOException, InterruptedException {
        return HTTP.send(
                HttpRequest.newBuilder(uri).timeout(Duration.ofSeconds(10)).build(),
                HttpResponse.BodyHandlers.ofString());
    }

    static HttpResponse<String> post(URI uri) throws IOException, InterruptedException {
        return HTTP.send(
                HttpRequest.newBuilder(uri)
                        .timeout(Duration.ofSeconds(10))
                        .POST(HttpRequest.BodyPublishers.noBody())
                        .build(),
                HttpResponse.BodyHandlers.ofString());
    }

    long pid() {
        return process.pid();
    }

    boolean isAlive() {
        return process.isAlive();
    }

    List<String> lines() {
        return List.copyOf(lines);
    }

    /** The first line that fits, as soon as it is printed. */
    String awaitLine(Predicate<String> wanted) throws InterruptedException {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (System.nanoTime() < deadline) {
            for (String line : lines) if (wanted.test(line)) return line;
            if (!process.isAlive() && !reader.isAlive()) break;
            Thread.sleep(20);
        }
        throw new AssertionError(
                "the line did not come; the process printed:\n" + String.join("\n", lines));
    }

    /** Waits until {@code /readyz} says yes. */
    void awaitReady(URI admin) throws InterruptedException {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (System.nanoTime() < deadline) {
            try {
                if (get(admin.resolve("/readyz")).statusCode() == 200) return;
            } catch (IOException e) {
                // Not there yet.
            }
            if (!process.isAlive()) break;
            Thread.sleep(20);
        }
        throw new AssertionError("not ready; the process printed:\n" + String.join("\n", lines));
    }

    /** SIGKILL to the virtual machine: the launcher has become it. */
    void kill() {
        // What a tracer runs outlives it.
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly().onExit().join();
    }

    /** SIGTERM, and the code with which the process then leaves. */
    int stop() throws InterruptedException {
        process.destroy();
        return exitCode();
    }

    int exitCode() throws InterruptedException {
        if (!process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS))
            throw new AssertionError(
                    "the process does not end; it printed:\n" + String.join("\n", lines));
        reader.join();
        return process.exitValue();
    }

    @Override
    public void close() {
        if (process.isAlive()) kill();
    }

    /** A configuration of a daemon whose ports stay the same over restarts. */
    static Path configuration(Path directory, int receiver, int admin, URI upstream)
            throws IOException {
        return Files.writeString(
                directory.resolve("edge.toml"),
                """
                node.id = "test"
                storage = { dir = "state", ceiling_bytes = "256 MiB", reserve_bytes = 0 }
                receiver.http = "127.0.0.1:%d"
                admin.listen = "127.0.0.1:%d"
                log.events = false
                limits = { body_bytes = "1 MiB" }
                wal = { segment_bytes = "4 MiB" }

                [[drain.destination]]
                name = "sink"
                endpoint = "%s"
                retry_initial = "100ms"
                retry_max = "1s"
                """
                        .formatted(receiver, admin, upstream));
    }
}
