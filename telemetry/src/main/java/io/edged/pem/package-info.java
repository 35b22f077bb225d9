/**
 * Private keys in PEM: {@link io.edged.pem.PemKey} reads one and says whether it belongs to a
 * certificate. For every part that has TLS files; knows nothing of what they are for.
 */
@NullMarked
package io.edged.pem;

import org.jspecify.annotations.NullMarked;
