package io.edged.packaging;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;

/** A daemon with both listeners, whose upstream is away. */
record ReceiverUnderTest(Application daemon, int http, int grpc, URI admin)
        implements AutoCloseable {

    /**
     * Starts it.
     *
     * @param more lines of the configuration, in front of its tables
     */
    static ReceiverUnderTest start(Path directory, String more)
            throws IOException, InterruptedException {
        return start(directory, "256 MiB", "4 MiB", more);
    }

    /** Starts it with the largest bodies that may be. */
    static ReceiverUnderTest withLargeBodies(Path directory)
            throws IOException, InterruptedException {
        return start(directory, "1 GiB", "128 MiB", "64 MiB", "");
    }

    /**
     * Starts it with a log of this size.
     *
     * @param segment size of a segment
     */
    static ReceiverUnderTest start(Path directory, String ceiling, String segment, String more)
            throws IOException, InterruptedException {
        return start(directory, ceiling, segment, "1 MiB", more);
    }

    private static ReceiverUnderTest start(
            Path directory, String ceiling, String segment, String body, String more)
            throws IOException, InterruptedException {
        int http = Application.freePort();
        int grpc = Application.freePort();
        URI admin = URI.create("http://127.0.0.1:" + Application.freePort());
        Path config =
                Files.writeString(
                        directory.resolve("edge.toml"),
                        """
                        node.id = "test"
                        receiver.http = "127.0.0.1:%d"
                        receiver.grpc = "127.0.0.1:%d"
                        admin.listen = "127.0.0.1:%d"
                        log.events = false
                        %s
                        storage = { dir = "state", ceiling_bytes = "%s", reserve_bytes = 0 }
                        limits.body_bytes = "%s"
                        wal = { segment_bytes = "%s" }

                        [[drain.destination]]
                        name = "away"
                        endpoint = "http://127.0.0.1:1"
                        """
                                .formatted(
                                        http, grpc, admin.getPort(), more, ceiling, body, segment));
        var daemon = Application.start("run", "--config", config.toString());
        daemon.awaitReady(admin);
        return new ReceiverUnderTest(daemon, http, grpc, admin);
    }

    InetSocketAddress httpAddress() {
        return new InetSocketAddress(InetAddress.getLoopbackAddress(), http);
    }

    String httpUrl() {
        return "http://127.0.0.1:" + http;
    }

    String grpcUrl() {
        return "http://127.0.0.1:" + grpc;
    }

    /** Items that are durable, as the daemon counts them. */
    long items(String signal, String transport) throws IOException, InterruptedException {
        String metrics = Application.get(admin.resolve("/metrics")).body();
        return metrics.lines()
                .filter(line -> line.startsWith("edged_receiver_items_total{"))
                .filter(line -> line.contains("signal=\"" + signal + "\""))
                .filter(line -> line.contains("transport=\"" + transport + "\""))
                .mapToLong(line -> (long) Double.parseDouble(line.substring(line.indexOf('}') + 2)))
                .sum();
    }

    @Override
    public void close() {
        daemon.close();
    }
}
