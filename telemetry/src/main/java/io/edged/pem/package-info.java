/**
 * Files in PEM: {@link io.edged.pem.PemFile} reads one within a bound, {@link io.edged.pem.PemKey}
 * finds a private key in it and says whether it belongs to a certificate, {@link
 * io.edged.pem.PemCertificates} finds certificates. For every part that has TLS files; knows
 * nothing of what they are for.
 */
@NullMarked
package io.edged.pem;

import org.jspecify.annotations.NullMarked;
