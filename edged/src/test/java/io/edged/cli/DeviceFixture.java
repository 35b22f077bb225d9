package io.edged.cli;

import io.edged.daemon.ExitCode;
import io.edged.daemon.LifeCycle;
import io.edged.daemon.LogFormat;
import io.edged.daemon.Logging;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;

/** A device in a directory: product, configuration, keys; and the commands run on it. */
final class DeviceFixture implements AutoCloseable {

    final Path directory;
    final Path product;
    final Path config;
    final Path lock;
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();
    private final ByteArrayOutputStream log = new ByteArrayOutputStream();
    private final Logging logging =
            Logging.install(System.Logger.Level.INFO, LogFormat.LOGFMT, log);

    DeviceFixture(Path directory) throws IOException {
        this.directory = directory;
        this.product = Files.createDirectories(directory.resolve("product"));
        this.config = directory.resolve("edge.toml");
        this.lock = directory.resolve("edge.lock.json");
        Map<String, String> files =
                Map.of(
                        "lib/edged.jar", "jar",
                        "bin/edged", "#!/bin/sh\n",
                        "runtime/lib/modules", "modules of java");
        for (var file : files.entrySet()) {
            Path path = product.resolve(file.getKey());
            Files.createDirectories(path.getParent());
            Files.writeString(path, file.getValue());
            mode(path, "rw-r--r--");
        }
        configure("");
    }

    static void mode(Path file, String mode) throws IOException {
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(mode));
    }

    /** Writes the configuration, with more at its end. */
    void configure(String more) throws IOException {
        Files.writeString(
                config,
                """
                node.id = "device-7"
                storage = { dir = "state", ceiling_bytes = "64 MiB", reserve_bytes = 0 }
                receiver.http = "127.0.0.1:0"
                admin.listen = "127.0.0.1:0"
                limits.body_bytes = "1 MiB"
                wal.segment_bytes = "2 MiB"
                drain.destination = [{ name = "up", endpoint = "http://127.0.0.1:1" }]
                """
                        + more);
    }

    /** What a command said and how it ended. */
    record Outcome(ExitCode code, String out, String err) {}

    Outcome run(String... args) {
        out.reset();
        err.reset();
        var program =
                new Program(
                        new PrintStream(out, true, StandardCharsets.UTF_8),
                        new PrintStream(err, true, StandardCharsets.UTF_8),
                        logging,
                        () -> LifeCycle.unattached(Duration.ofSeconds(60)),
                        new Main(logging));
        ExitCode code = Edged.run(program, args);
        return new Outcome(
                code, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
    }

    /** A command of the product on this device. */
    Outcome onDevice(String... command) {
        var args = new ArrayList<>(List.of(command));
        args.addAll(List.of("--config", config.toString(), "--root", product.toString()));
        return run(args.toArray(String[]::new));
    }

    void release() {
        require(run("lock", "release", "--amd64", product.toString()));
    }

    /** Release and device are locked. */
    void locked() {
        release();
        require(onDevice("lock", "write"));
    }

    static void require(Outcome outcome) {
        if (outcome.code() != ExitCode.CLEAN) throw new AssertionError(outcome);
    }

    String log() {
        logging.flush();
        return log.toString(StandardCharsets.UTF_8);
    }

    /** A new key pair in {@code NAME.pem} and {@code NAME.pub.pem}. */
    Path key(String name) throws Exception {
        KeyPair keys = KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
        pem(name + ".pem", "PRIVATE KEY", keys.getPrivate().getEncoded());
        return pem(name + ".pub.pem", "PUBLIC KEY", keys.getPublic().getEncoded());
    }

    Path pem(String file, String kind, byte[] der) throws IOException {
        return Files.writeString(
                directory.resolve(file),
                "-----BEGIN "
                        + kind
                        + "-----\n"
                        + Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(der)
                        + "\n-----END "
                        + kind
                        + "-----\n");
    }

    Outcome sign(Path document, String key) {
        return run(
                "lock",
                "sign",
                "--private-key",
                directory.resolve(key + ".pem").toString(),
                "--public-key",
                directory.resolve(key + ".pub.pem").toString(),
                document.toString());
    }

    static void flipBit(Path file, int at) throws IOException {
        byte[] content = Files.readAllBytes(file);
        content[at] ^= 1;
        Files.write(file, content);
    }

    @Override
    public void close() {
        logging.close();
    }
}
