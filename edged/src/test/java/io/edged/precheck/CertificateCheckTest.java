package io.edged.precheck;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.edged.lock.CanonicalJson;
import io.edged.lock.JsonValue.JsonObject;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Certificates and keys as openssl makes them. */
class CertificateCheckTest {

    private static final Duration WEEK = Duration.ofDays(7);

    @TempDir Path directory;

    /** Later than any certificate is made. */
    private final Instant now = Instant.now().plus(Duration.ofHours(1));

    @BeforeEach
    void openssl() throws IOException, InterruptedException {
        boolean there;
        try {
            there = new ProcessBuilder("openssl", "version").start().waitFor() == 0;
        } catch (IOException e) {
            there = false;
        }
        if (!there) System.out.println("SKIP certificates: openssl is not installed");
        assumeTrue(there, "openssl is not installed");
    }

    private void run(String... command) throws IOException, InterruptedException {
        Process process =
                new ProcessBuilder(command)
                        .directory(directory.toFile())
                        .redirectErrorStream(true)
                        .start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(said).isZero();
    }

    /** A certificate for 30 days and its key. */
    private void certificate(String name, String... algorithm)
            throws IOException, InterruptedException {
        var command = new ArrayList<>(List.of("openssl", "req", "-x509", "-nodes", "-days", "30"));
        command.addAll(List.of("-subj", "/CN=" + name));
        command.addAll(List.of("-keyout", name + ".key", "-out", name + ".pem", "-newkey"));
        command.addAll(List.of(algorithm));
        run(command.toArray(String[]::new));
        mode(name + ".key", "rw-------");
    }

    private void mode(String file, String mode) throws IOException {
        Files.setPosixFilePermissions(
                directory.resolve(file), PosixFilePermissions.fromString(mode));
    }

    private Optional<Path> file(String name) {
        return name.isEmpty() ? Optional.empty() : Optional.of(directory.resolve(name));
    }

    private List<String> problems(String certificate, String key, String authorities) {
        return problems(now, certificate, key, authorities);
    }

    private List<String> problems(Instant at, String certificate, String key, String authorities) {
        return CertificateCheck.problems(
                List.of(
                        new CertificateFiles(
                                "receiver", file(certificate), file(key), file(authorities))),
                at,
                WEEK);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "rsa:2048",
                "ec -pkeyopt ec_paramgen_curve:prime256v1",
                "ec -pkeyopt ec_paramgen_curve:secp384r1",
                "ed25519"
            })
    void aCertificateWithItsKeyPasses(String algorithm) throws Exception {
        certificate("own", algorithm.split(" ", -1));
        assertThat(problems("own.pem", "own.key", "own.pem")).isEmpty();
        certificate("other", algorithm.split(" ", -1));
        assertThat(problems("own.pem", "other.key", ""))
                .singleElement()
                .asString()
                .contains("receiver: ", "other.key is not the key of the certificate in ");
    }

    @Test
    void theOlderFormsOfKeysAreUnderstood() throws Exception {
        certificate("rsa", "rsa:2048");
        run("openssl", "rsa", "-traditional", "-in", "rsa.key", "-out", "rsa1.key");
        certificate("ec", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1");
        run("openssl", "ec", "-in", "ec.key", "-out", "ec1.key");
        mode("rsa1.key", "rw-------");
        mode("ec1.key", "rw-------");
        assertThat(Files.readString(directory.resolve("rsa1.key"))).contains("BEGIN RSA PRIVATE");
        assertThat(Files.readString(directory.resolve("ec1.key"))).contains("BEGIN EC PRIVATE");
        assertThat(problems("rsa.pem", "rsa1.key", "")).isEmpty();
        assertThat(problems("ec.pem", "ec1.key", "")).isEmpty();
        assertThat(problems("rsa.pem", "ec1.key", "")).hasSize(1);
    }

    @Test
    void timeIsLookedAt() throws Exception {
        certificate("own", "ed25519");
        assertThat(problems(now.plus(Duration.ofDays(22)), "own.pem", "own.key", "")).isEmpty();
        assertThat(problems(now.plus(Duration.ofDays(24)), "own.pem", "own.key", ""))
                .singleElement()
                .asString()
                .contains("(CN=own) expires at ", "precheck.certificate_margin is 168 hours");
        assertThat(problems(now.plus(Duration.ofDays(31)), "own.pem", "own.key", "own.pem"))
                .hasSize(2)
                .allMatch(line -> line.contains("expired at "));
        assertThat(problems(now.minus(Duration.ofDays(1)), "own.pem", "own.key", ""))
                .singleElement()
                .asString()
                .contains("is not valid before ", "is its clock wrong?");
    }

    @Test
    void whatCannotBeReadIsNamed() throws Exception {
        certificate("own", "ed25519");
        assertThat(problems("none.pem", "none.key", "none.ca"))
                .hasSize(3)
                .allMatch(line -> line.endsWith("does not exist"));
        Files.writeString(directory.resolve("text"), "text");
        assertThat(problems("text", "own.key", ""))
                .singleElement()
                .asString()
                .contains("text holds no certificate");
        assertThat(problems("own.pem", "text", ""))
                .anyMatch(line -> line.contains("text holds no private key; it must be PEM"));
        assertThat(problems("own.pem", "", ""))
                .singleElement()
                .asString()
                .contains("has no key with it");
        assertThat(problems("", "own.key", ""))
                .singleElement()
                .asString()
                .contains("has no certificate with it");
        run(
                "openssl",
                "genpkey",
                "-algorithm",
                "ed25519",
                "-aes256",
                "-pass",
                "pass:x",
                "-out",
                "locked.key");
        mode("locked.key", "rw-------");
        assertThat(problems("own.pem", "locked.key", ""))
                .singleElement()
                .asString()
                .contains("is encrypted");
    }

    @Test
    void aKeyThatOthersCanReadIsRefused() throws Exception {
        certificate("own", "ed25519");
        mode("own.key", "rw-r--r--");
        assertThat(problems("own.pem", "own.key", ""))
                .singleElement()
                .asString()
                .contains("run: chmod 600 ");
    }

    @Test
    void everyTableWithTlsIsFound() throws Exception {
        var configuration =
                (JsonObject)
                        CanonicalJson.parse(
                                """
                                {"receiver":{"tls_cert_file":"a.pem","tls_key_file":"/k/a.key",
                                 "tls_client_ca_file":"","http":"x"},
                                 "lock":{"public_key_file":"p.pem"},
                                 "drain":{"destination":[{"name":"up","ca_file":"ca.pem"},
                                 {"name":"two","cert_file":"","key_file":""}]}}
                                """
                                        .getBytes(StandardCharsets.UTF_8));
        assertThat(ConfiguredCertificates.in(configuration, Path.of("/etc/edged/edge.toml")))
                .containsExactlyInAnyOrder(
                        new CertificateFiles(
                                "receiver",
                                Optional.of(Path.of("/etc/edged/a.pem")),
                                Optional.of(Path.of("/k/a.key")),
                                Optional.empty()),
                        new CertificateFiles(
                                "drain.destination[0]",
                                Optional.empty(),
                                Optional.empty(),
                                Optional.of(Path.of("/etc/edged/ca.pem"))));
    }
}
