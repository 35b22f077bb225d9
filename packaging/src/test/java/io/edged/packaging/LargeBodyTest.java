package io.edged.packaging;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.zip.GZIPOutputStream;

/**
 * A body in JSON as large as may be, beside another client and the probes: while it is converted,
 * which takes a while, they are answered again and again.
 */
@Timeout(180)
class LargeBodyTest {

    private static final int LARGEST_BYTES = 64 << 20;

    /** Were it converted by an event loop, the first of them would wait for all of it. */
    private static final int ANSWERS = 5;

    private static final byte[] LOGS = LoadGenerator.logs(10, 430, 1);

    @TempDir private Path directory;

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void isConvertedWhileOthersAreAnswered(boolean compressed) throws Exception {
        var json = new ByteArrayOutputStream(LARGEST_BYTES);
        int records = write(json);
        assertThat(json.size()).isBetween(LARGEST_BYTES - 1000, LARGEST_BYTES);
        byte[] body = compressed ? gzip(json) : json.toByteArray();
        try (var receiver = ReceiverUnderTest.withLargeBodies(directory);
                var other = HttpClient.newHttpClient();
                var sender = new Socket(receiver.httpAddress().getAddress(), receiver.http())) {
            sender.setSoTimeout(120_000);
            var out = sender.getOutputStream();
            out.write(
                    ("POST /v1/logs HTTP/1.1\r\nHost: edge\r\nContent-Type: application/json\r\n"
                                    + (compressed ? "Content-Encoding: gzip\r\n" : "")
                                    + "Content-Length: "
                                    + body.length
                                    + "\r\n\r\n")
                            .getBytes(StandardCharsets.US_ASCII));
            out.write(body, 0, body.length - 1);
            while (inFlightBytes(receiver) < LARGEST_BYTES * 0.9) Thread.onSpinWait();
            out.write(body[body.length - 1]);
            int answered = 0;
            while (sender.getInputStream().available() == 0) {
                assertThat(post(other, receiver)).isEqualTo(200);
                assertThat(Application.get(receiver.admin().resolve("/livez")).statusCode())
                        .isEqualTo(200);
                answered++;
            }
            byte[] head = sender.getInputStream().readNBytes(12);
            assertThat(new String(head, StandardCharsets.US_ASCII)).isEqualTo("HTTP/1.1 200");
            assertThat(answered).isGreaterThanOrEqualTo(ANSWERS);
            assertThat(receiver.items("logs", "http")).isEqualTo(records + 10L * answered);
        }
    }

    /** Records that are not all equal, as many as there is room for; returns how many. */
    private static int write(ByteArrayOutputStream json) {
        String end = "]}]}]}";
        int records = 0;
        json.writeBytes(ascii("{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":["));
        while (true) {
            byte[] record =
                    ascii(
                            (records == 0 ? "" : ",")
                                    + "{\"timeUnixNano\":\"17000000000%09d\",".formatted(records)
                                    + "\"severityNumber\":9,\"severityText\":\"INFO\",\"body\":"
                                    + "{\"stringValue\":\"request %d took %d us\"},"
                                            .formatted(records, records * 7919L % 100_003)
                                    + "\"attributes\":[{\"key\":\"http.route\",\"value\":"
                                    + "{\"stringValue\":\"/orders/{id}\"}}]}");
            if (json.size() + record.length + end.length() > LARGEST_BYTES) break;
            json.writeBytes(record);
            records++;
        }
        json.writeBytes(ascii(end));
        return records;
    }

    private static double inFlightBytes(ReceiverUnderTest receiver)
            throws IOException, InterruptedException {
        return Application.get(receiver.admin().resolve("/metrics"))
                .body()
                .lines()
                .filter(line -> line.startsWith("edged_receiver_inflight_bytes "))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
                .sum();
    }

    private static int post(HttpClient client, ReceiverUnderTest receiver)
            throws IOException, InterruptedException {
        var request =
                HttpRequest.newBuilder(URI.create(receiver.httpUrl() + "/v1/logs"))
                        .header("Content-Type", "application/x-protobuf")
                        .POST(HttpRequest.BodyPublishers.ofByteArray(LOGS))
                        .build();
        return client.send(request, HttpResponse.BodyHandlers.discarding()).statusCode();
    }

    private static byte[] gzip(ByteArrayOutputStream body) throws IOException {
        var packed = new ByteArrayOutputStream();
        try (var out = new GZIPOutputStream(packed)) {
            body.writeTo(out);
        }
        return packed.toByteArray();
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }
}
