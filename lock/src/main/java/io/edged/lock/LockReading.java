package io.edged.lock;

/** What came of reading a lock document. Only {@link Intact} gives a lock to work with. */
public sealed interface LockReading {

    /** The document is well formed and its fingerprints are those of its content. */
    record Intact(LockDocument lock) implements LockReading {}

    /**
     * The document is well formed, but was changed after it was written, or written wrongly.
     *
     * @param member the member that states the wrong fingerprint
     */
    record WrongFingerprint(String member, Fingerprint stated, Fingerprint computed)
            implements LockReading {}

    /**
     * Not a lock document of this version.
     *
     * @param where line and column, or the member
     */
    record Unreadable(String where, String problem) implements LockReading {}
}
