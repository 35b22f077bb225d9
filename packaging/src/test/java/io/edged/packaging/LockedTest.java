package io.edged.packaging;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import com.sun.net.httpserver.HttpServer;

import io.opentelemetry.proto.collector.logs.v1.ExportLogsServiceRequest;
import io.opentelemetry.proto.common.v1.KeyValue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/** A daemon under a lock, and one that is not as its lock has it, as upstream sees them. */
class LockedTest {

    /** What came in one request. */
    private record Upload(Map<String, String> headers, ByteString body) {}

    @TempDir Path directory;
    private final BlockingQueue<Upload> uploads = new ArrayBlockingQueue<>(100);
    private HttpServer upstream;
    private Path product;
    private Path config;
    private URI admin;

    @BeforeEach
    void device() throws IOException {
        upstream = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        upstream.createContext(
                "/",
                exchange -> {
                    Map<String, String> headers =
                            exchange.getRequestHeaders().entrySet().stream()
                                    .collect(
                                            Collectors.toMap(
                                                    each ->
                                                            each.getKey()
                                                                    .toLowerCase(
                                                                            java.util.Locale.ROOT),
                                                    each -> each.getValue().getFirst()));
                    var body = ByteString.readFrom(exchange.getRequestBody());
                    exchange.getResponseHeaders().set("Content-Type", "application/x-protobuf");
                    exchange.sendResponseHeaders(200, -1);
                    exchange.close();
                    uploads.add(new Upload(headers, body));
                });
        upstream.start();
        product = directory.resolve("product");
        copy(Application.LAUNCHER.getParent().getParent(), product);
        int port = Application.freePort();
        admin = URI.create("http://127.0.0.1:" + port);
        config =
                Application.configuration(
                        directory,
                        Application.freePort(),
                        port,
                        URI.create("http://127.0.0.1:" + upstream.getAddress().getPort()));
        Files.writeString(
                config,
                "precheck.file_systems = [\""
                        + Files.getFileStore(directory).type()
                        + "\"]\n"
                        + Files.readString(config));
    }

    @AfterEach
    void end() {
        upstream.stop(0);
    }

    private static void copy(Path from, Path to) throws IOException {
        try (var files = Files.walk(from)) {
            for (Path each : files.toList()) Files.copy(each, to.resolve(from.relativize(each)));
        }
        Files.deleteIfExists(to.resolve("edge.lock.json"));
    }

    private Application start(String... arguments) throws IOException {
        var command = new ArrayList<>(List.of("sh", product.resolve("bin/edged").toString()));
        command.addAll(List.of(arguments));
        return Application.start(command);
    }

    private List<String> done(String... arguments) throws IOException, InterruptedException {
        try (var process = start(arguments)) {
            assertThat(process.exitCode()).as("%s", process.lines()).isZero();
            return process.lines();
        }
    }

    private Upload upload() throws InterruptedException {
        Upload upload = uploads.poll(30, TimeUnit.SECONDS);
        if (upload == null) throw new AssertionError("no upload came");
        return upload;
    }

    /** Name and resource of the one event in a request. */
    private static Map<String, String> event(Upload upload) throws IOException {
        var logs = ExportLogsServiceRequest.parseFrom(upload.body()).getResourceLogs(0);
        var record = logs.getScopeLogs(0).getLogRecords(0);
        Map<String, String> all =
                logs.getResource().getAttributesList().stream()
                        .collect(
                                Collectors.toMap(
                                        KeyValue::getKey,
                                        each -> each.getValue().getStringValue()));
        all.put("name", record.getEventName());
        all.put("severity", record.getSeverityText());
        return all;
    }

    @Test
    void lockAndEpochReachUpstreamMetricsAndStatus() throws IOException, InterruptedException {
        String file = config.toString();
        done("lock", "release", "--amd64", product.toString());
        try (var refused = start("run", "--locked", "--config", file)) {
            assertThat(refused.exitCode()).isEqualTo(6);
            assertThat(refused.lines())
                    .anySatisfy(line ->
                            assertThat(line)
                                    .contains(
                                            "there is no lock at ",
                                            "to make one: edged lock write --config"));
        }
        done("lock", "write", "--config", file);
        Path lock = directory.resolve("edge.lock.json");
        byte[] locked = Files.readAllBytes(lock);
        String fingerprint =
                done("lock", "verify", "--config", file).getFirst().replaceFirst(".* ", "");
        assertThat(fingerprint).startsWith("blake3:").hasSize(71);
        assertThat(done("precheck", "--locked", "--config", file)).hasSizeGreaterThan(5);

        try (var daemon = start("run", "--locked", "--config", file)) {
            daemon.awaitReady(admin);
            Upload upload = upload();
            assertThat(upload.headers())
                    .containsEntry("edge-node", "test")
                    .containsEntry("edge-lock", fingerprint)
                    .containsEntry("edge-epoch", "0")
                    .containsKey("edge-batch");
            assertThat(event(upload))
                    .containsEntry("name", "edged.lock.matching")
                    .containsEntry("edge.node", "test")
                    .containsEntry("edge.lock.fingerprint", fingerprint)
                    .containsEntry("edge.epoch", "0");
            assertThat(Application.get(admin.resolve("/metrics")).body())
                    .contains(
                            "edged_identity_info{epoch=\"0\",lock=\""
                                    + fingerprint
                                    + "\",node=\"test\"} 1")
                    .contains("edged_lock_mismatch 0")
                    .contains("edged_lock_differences 0");
            assertThat(Application.get(admin.resolve("/status")).body())
                    .contains("\"lock_state\":\"matching\"", fingerprint, "\"epoch\":0");
            assertThat(directory.resolve("state/lock/active-lock.json")).hasBinaryContent(locked);
            assertThat(daemon.stop()).isZero();
        }

        Files.writeString(product.resolve("lib/added.txt"), "by hand");
        try (var refused = start("run", "--locked", "--config", file)) {
            assertThat(refused.exitCode()).isEqualTo(6);
            assertThat(refused.lines())
                    .anyMatch(line -> line.endsWith("file is not in the lock: lib/added.txt"));
        }
        try (var daemon = start("run", "--config", file)) {
            daemon.awaitReady(admin);
            Upload upload = upload();
            assertThat(upload.headers()).containsEntry("edge-lock", "mismatch");
            assertThat(event(upload))
                    .containsEntry("name", "edged.lock.mismatch")
                    .containsEntry("severity", "WARN")
                    .containsEntry("edge.lock.fingerprint", "mismatch");
            assertThat(daemon.awaitLine(line -> line.contains("this is not what the lock has")))
                    .contains("lib/added.txt", "edged lock write --config");
            assertThat(Application.get(admin.resolve("/metrics")).body())
                    .contains("edged_lock_mismatch 1", "edged_lock_differences 1");
            assertThat(directory.resolve("state/lock/active-lock.json")).doesNotExist();
            assertThat(daemon.stop()).isZero();
        }
        assertThat(lock).hasBinaryContent(locked);
        assertThat(uploads).isEmpty();
    }
}
