package io.edged.lock;

import io.edged.lock.JsonValue.JsonObject;
import io.edged.lock.JsonValue.JsonString;

/**
 * What a release consists of, or what a device runs. Its identity is its fingerprint: equal inputs
 * have the same one on every machine. Immutable; any thread may call.
 */
public sealed interface LockDocument permits ReleaseLock, DeviceLock {

    /** The version of the document's form that is read and written here. */
    int FORMAT_VERSION = 1;

    /** Everything that the fingerprint covers: all members but {@code behavioral_fingerprint}. */
    JsonObject content();

    /**
     * The bytes that are hashed and signed: RFC 8785 of {@link #content}.
     *
     * @throws IllegalArgumentException when the document is beyond the limits of {@link
     *     CanonicalJson}
     */
    default byte[] canonicalBytes() {
        return CanonicalJson.bytes(content());
    }

    /** The fingerprint of {@link #canonicalBytes}. */
    default Fingerprint fingerprint() {
        return Fingerprint.of(canonicalBytes());
    }

    /** The whole document, its fingerprint included, as a file for people and {@code diff}. */
    default byte[] prettyBytes() {
        return CanonicalJson.prettyBytes(document());
    }

    /** The whole document, its fingerprint included. */
    default JsonObject document() {
        return content().with(LockFormat.FINGERPRINT, new JsonString(fingerprint().value()));
    }
}
