package io.edged.lock;

/** What came of reading a signature's file. */
public sealed interface SignatureReading {

    /** A signature, of which nothing is known yet but its form. */
    record WellFormed(LockSignature signature) implements SignatureReading {}

    /**
     * Not a signature document of this version.
     *
     * @param where line and column, or the member
     */
    record Unreadable(String where, String problem) implements SignatureReading {}
}
