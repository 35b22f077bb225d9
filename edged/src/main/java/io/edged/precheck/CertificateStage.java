package io.edged.precheck;

import io.edged.config.EdgeConfig;
import io.edged.daemon.ExitCode;
import io.edged.daemon.ExitException;
import io.edged.identity.Ed25519;

import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/** Everything that the configuration names and that holds a certificate or a key. */
record CertificateStage(
        EdgeConfig config,
        List<CertificateFiles> files,
        InstantSource clock,
        Consumer<String> lines) {

    void run() {
        Optional<Path> publicKey = config.lock().publicKeyFile();
        publicKey.ifPresent(Ed25519::publicKey);
        List<String> problems =
                CertificateCheck.problems(
                        files, clock.instant(), config.precheck().certificateMargin());
        if (!problems.isEmpty())
            throw new ExitException(ExitCode.CERTIFICATES, String.join("\n", problems));
        long certificates =
                files.stream()
                        .filter(each ->
                                each.certificate().isPresent() || each.authorities().isPresent())
                        .count();
        lines.accept(
                "ok    certificates: "
                        + certificates
                        + " TLS configurations, "
                        + (publicKey.isPresent() ? "1" : "0")
                        + " public keys");
    }
}
