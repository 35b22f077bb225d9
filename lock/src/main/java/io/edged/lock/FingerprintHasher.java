package io.edged.lock;

import io.github.rctcwyvrn.blake3.Blake3;

import java.util.Arrays;
import java.util.Objects;

/**
 * Makes the {@link Fingerprint} of content that comes in pieces of any size; the pieces' borders do
 * not matter. Keeps about two kilobytes whatever the length. Not for several threads at once.
 */
public final class FingerprintHasher {

    private final Blake3 hash = Blake3.newInstance();
    private boolean finished;

    /**
     * Adds a piece; its bytes are not kept.
     *
     * @throws IllegalStateException after {@link #finish}
     */
    public FingerprintHasher update(byte[] content, int offset, int length) {
        Objects.checkFromIndexSize(offset, length, content.length);
        requireUnfinished();
        boolean whole = length == content.length;
        hash.update(whole ? content : Arrays.copyOfRange(content, offset, offset + length));
        return this;
    }

    /**
     * The fingerprint of all pieces; the hasher is used up.
     *
     * @throws IllegalStateException when called twice
     */
    public Fingerprint finish() {
        requireUnfinished();
        finished = true;
        return Fingerprint.ofHash(hash.digest());
    }

    private void requireUnfinished() {
        if (finished) throw new IllegalStateException("the fingerprint was already taken");
    }
}
