package io.edged.packaging;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Connections that do nothing, half of them after HTTP/2's preface, beside a client that works. */
@Timeout(300)
class IdleConnectionsTest {

    private static final int CONNECTIONS = Integer.getInteger("idle.connections", 500);
    private static final String PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0";

    @Test
    void othersAreServedAndAConnectionCostsLittle(@TempDir Path directory) throws Exception {
        String more =
                "receiver.max_connections = %d\nreceiver.idle_timeout = \"10m\""
                        .formatted(CONNECTIONS + 100);
        List<SocketChannel> idle = new ArrayList<>();
        try (var receiver = ReceiverUnderTest.start(directory, more)) {
            long before = residentKib(receiver);
            var addresses =
                    List.of(
                            receiver.httpAddress(),
                            new InetSocketAddress(
                                    InetAddress.getLoopbackAddress(), receiver.grpc()));
            for (int i = 0; i < CONNECTIONS; i++) {
                var channel = SocketChannel.open(addresses.get(i % 2));
                idle.add(channel);
                if (i % 2 == 1) {
                    ByteBuffer preface =
                            ByteBuffer.wrap(PREFACE.getBytes(StandardCharsets.ISO_8859_1));
                    while (preface.hasRemaining()) channel.write(preface);
                }
            }
            try (var client = HttpClient.newHttpClient()) {
                for (int i = 0; i < 20; i++) {
                    int status =
                            client.send(
                                            HttpRequest.newBuilder(
                                                            URI.create(
                                                                    receiver.httpUrl()
                                                                            + "/v1/logs"))
                                                    .header(
                                                            "Content-Type",
                                                            "application/x-protobuf")
                                                    .POST(
                                                            HttpRequest.BodyPublishers.ofByteArray(
                                                                    LoadGenerator.logs(10, 430, 1)))
                                                    .build(),
                                            HttpResponse.BodyHandlers.ofString())
                                    .statusCode();
                    assertThat(status).isEqualTo(200);
                }
            }
            assertThat(Application.get(receiver.admin().resolve("/livez")).statusCode())
                    .isEqualTo(200);
            assertThat(Application.get(receiver.admin().resolve("/metrics")).body().lines())
                    .anyMatch(line ->
                            line.startsWith("edged_receiver_connections ")
                                    && Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1))
                                            >= CONNECTIONS);
            long after = residentKib(receiver);
            System.out.printf(
                    "%d idle connections: %d KiB resident before, %d KiB with them, %.1f KiB each%n",
                    CONNECTIONS, before, after, (after - before) / (double) CONNECTIONS);
        } finally {
            for (SocketChannel channel : idle) channel.close();
        }
    }

    private static long residentKib(ReceiverUnderTest receiver) throws IOException {
        try (var lines = Files.lines(Path.of("/proc/" + receiver.daemon().pid() + "/status"))) {
            return lines.filter(line -> line.startsWith("VmRSS:"))
                    .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")))
                    .sum();
        }
    }
}
