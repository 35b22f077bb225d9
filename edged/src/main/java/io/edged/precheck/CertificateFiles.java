package io.edged.precheck;

import java.nio.file.Path;
import java.util.Optional;

/**
 * Files that belong together in one TLS configuration.
 *
 * @param name where the configuration names them, for example {@code receiver} or {@code
 *     drain.destination[0]}
 * @param certificate a certificate and the ones between it and its authority
 * @param key the certificate's private key
 * @param authorities what the other side is checked against
 */
public record CertificateFiles(
        String name, Optional<Path> certificate, Optional<Path> key, Optional<Path> authorities) {}
