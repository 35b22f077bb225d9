package io.edged.packaging;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;

/** Tokens and TLS as an operator sets them up. */
@Timeout(120)
class ReceiverSecurityTest {

    private static final byte[] LOGS = LoadGenerator.logs(10, 430, 1);

    @TempDir private Path directory;

    @Test
    void aTokenFileLetsItsClientsInAndNobodyElse() throws Exception {
        Path file = Files.writeString(directory.resolve("tokens"), "north:s3cret\nother\n");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
        try (var receiver =
                        ReceiverUnderTest.start(
                                directory, "receiver.bearer_token_file = \"tokens\"");
                var client = HttpClient.newHttpClient()) {
            assertThat(post(client, receiver, "Bearer s3cret")).isEqualTo(200);
            assertThat(post(client, receiver, "Bearer other")).isEqualTo(200);
            assertThat(post(client, receiver, "Bearer nobody")).isEqualTo(401);
            assertThat(Application.get(receiver.admin().resolve("/status")).body())
                    .doesNotContain("s3cret");
            assertThat(receiver.daemon().lines())
                    .noneMatch(line -> line.contains("s3cret") || line.contains("nobody"));
        }
    }

    @Test
    void aCertificateThatIsNotThereEndsWithTheCodeForCertificates() throws Exception {
        Path config =
                Files.writeString(
                        directory.resolve("edge.toml"),
                        """
                        node.id = "test"
                        storage.dir = "state"
                        admin.listen = "127.0.0.1:0"
                        receiver = { grpc = "127.0.0.1:0", tls_cert_file = "no.pem", tls_key_file = "no.key" }
                        drain.destination = [{ name = "away", endpoint = "http://127.0.0.1:1" }]
                        """);
        try (var daemon = Application.start("run", "--config", config.toString())) {
            assertThat(daemon.exitCode()).isEqualTo(5);
            assertThat(daemon.lines())
                    .anyMatch(line -> line.contains("no.pem") && line.contains("does not exist"));
        }
    }

    @Test
    void anUnprotectedAddressForEverybodyIsRefused() throws Exception {
        Path config =
                Files.writeString(
                        directory.resolve("edge.toml"),
                        """
                        node.id = "test"
                        storage.dir = "state"
                        admin.listen = "127.0.0.1:0"
                        receiver.grpc = "0.0.0.0:0"
                        drain.destination = [{ name = "away", endpoint = "http://127.0.0.1:1" }]
                        """);
        try (var daemon = Application.start("run", "--config", config.toString())) {
            assertThat(daemon.exitCode()).isEqualTo(1);
            assertThat(daemon.lines())
                    .anyMatch(line -> line.contains("neither TLS nor a token protects it"));
        }
    }

    private static int post(HttpClient client, ReceiverUnderTest receiver, String authorization)
            throws Exception {
        var request =
                HttpRequest.newBuilder(URI.create(receiver.httpUrl() + "/v1/logs"))
                        .header("Content-Type", "application/x-protobuf")
                        .header("Authorization", authorization)
                        .POST(HttpRequest.BodyPublishers.ofByteArray(LOGS))
                        .build();
        return client.send(request, HttpResponse.BodyHandlers.discarding()).statusCode();
    }
}
