package io.edged.precheck;

import io.edged.pem.PemCertificates;
import io.edged.pem.PemFile;
import io.edged.pem.PemKey;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Certificates, keys and authorities: readable, belonging together, and valid for a while yet.
 * Finds all problems of all files.
 */
final class CertificateCheck {

    private static final Set<PosixFilePermission> LOOSE =
            Set.of(
                    PosixFilePermission.GROUP_WRITE,
                    PosixFilePermission.OTHERS_READ,
                    PosixFilePermission.OTHERS_WRITE);

    private final Instant now;
    private final Duration margin;
    private final List<String> problems = new ArrayList<>();

    private CertificateCheck(Instant now, Duration margin) {
        this.now = now;
        this.margin = margin;
    }

    /**
     * Looks at all files.
     *
     * @param margin how long everything must still be valid
     * @return what is wrong, a line each
     */
    static List<String> problems(List<CertificateFiles> files, Instant now, Duration margin) {
        var check = new CertificateCheck(now, margin);
        files.forEach(check::look);
        return List.copyOf(check.problems);
    }

    private void look(CertificateFiles files) {
        Optional<List<X509Certificate>> chain =
                files.certificate().flatMap(file -> certificates(files.name(), file));
        chain.ifPresent(found ->
                found.forEach(each -> validity(where(files.name(), files.certificate()), each)));
        files.key().ifPresent(file -> key(files, file, chain));
        files.certificate()
                .filter(_ -> files.key().isEmpty())
                .ifPresent(file -> problem(files.name(), file, "has no key with it"));
        files.authorities()
                .flatMap(file -> certificates(files.name(), file))
                .ifPresent(found -> authorities(files, found));
    }

    private static String where(String name, Optional<Path> file) {
        return name + ": " + file.map(Path::toString).orElse("");
    }

    private void problem(String name, Path file, String what) {
        problems.add(name + ": " + file + " " + what);
    }

    private Optional<byte[]> content(String name, Path file) {
        try {
            return Optional.of(PemFile.read(file));
        } catch (IOException e) {
            problems.add(name + ": " + e.getMessage());
            return Optional.empty();
        }
    }

    private Optional<List<X509Certificate>> certificates(String name, Path file) {
        Optional<byte[]> content = content(name, file);
        if (content.isEmpty()) return Optional.empty();
        try {
            return Optional.of(PemCertificates.read(file, content.get()));
        } catch (IOException e) {
            problems.add(name + ": " + e.getMessage());
            return Optional.empty();
        }
    }

    private void validity(String where, X509Certificate certificate) {
        invalid(certificate)
                .ifPresent(what ->
                        problems.add(
                                where
                                        + " ("
                                        + certificate.getSubjectX500Principal().getName()
                                        + ") "
                                        + what));
    }

    private Optional<String> invalid(X509Certificate certificate) {
        Instant from = certificate.getNotBefore().toInstant();
        Instant to = certificate.getNotAfter().toInstant();
        if (now.isBefore(from))
            return Optional.of(
                    "is not valid before "
                            + from
                            + ", and this device says that it is "
                            + now
                            + ": is its clock wrong?");
        if (now.isAfter(to)) return Optional.of("expired at " + to);
        if (now.plus(margin).isAfter(to))
            return Optional.of(
                    "expires at "
                            + to
                            + ", in "
                            + Duration.between(now, to).toHours()
                            + " hours; precheck.certificate_margin is "
                            + margin.toHours()
                            + " hours");
        return Optional.empty();
    }

    /** One authority that is valid will do: bundles keep old ones. */
    private void authorities(CertificateFiles files, List<X509Certificate> found) {
        if (found.stream().anyMatch(each -> invalid(each).isEmpty())) return;
        validity(where(files.name(), files.authorities()), found.getFirst());
    }

    private void key(CertificateFiles files, Path file, Optional<List<X509Certificate>> chain) {
        Optional<byte[]> content = content(files.name(), file);
        if (content.isEmpty()) return;
        try {
            if (Files.getPosixFilePermissions(file).stream().anyMatch(LOOSE::contains))
                problem(
                        files.name(),
                        file,
                        "can be read or changed by other users; run: chmod 600 " + file);
        } catch (IOException | UnsupportedOperationException e) {
            problem(files.name(), file, "has permissions that cannot be read: " + e.getMessage());
        }
        if (files.certificate().isEmpty()) {
            problem(files.name(), file, "has no certificate with it");
            return;
        }
        if (chain.isEmpty()) return; // Said already.
        try {
            PrivateKey key = PemKey.read(file, content.get());
            if (!PemKey.fits(key, chain.get().getFirst().getPublicKey()))
                problem(
                        files.name(),
                        file,
                        "is not the key of the certificate in " + files.certificate().get());
        } catch (IOException e) {
            problems.add(files.name() + ": " + e.getMessage());
        } catch (GeneralSecurityException e) {
            problem(
                    files.name(),
                    file,
                    "is not the key of the certificate in "
                            + files.certificate().get()
                            + ": "
                            + e.getMessage());
        }
    }
}
