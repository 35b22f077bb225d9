package io.edged.lock;

/** What came of checking a signature. Only {@link Valid} is a reason to go on. */
public sealed interface SignatureCheck {

    /** The trusted key of this fingerprint signed exactly this lock. */
    record Valid(Fingerprint key) implements SignatureCheck {}

    /** The signature belongs to another lock. */
    record OtherLock(Fingerprint signed, Fingerprint actual) implements SignatureCheck {}

    /** No trusted key has the fingerprint that the signature names. */
    record UntrustedKey(Fingerprint key) implements SignatureCheck {}

    /** The trusted key of this fingerprint did not make this signature. */
    record Forged(Fingerprint key) implements SignatureCheck {}
}
