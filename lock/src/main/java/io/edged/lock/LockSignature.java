package io.edged.lock;

import io.edged.lock.JsonValue.JsonNumber;
import io.edged.lock.JsonValue.JsonObject;
import io.edged.lock.JsonValue.JsonString;

import java.security.GeneralSecurityException;
import java.security.InvalidKeyException;
import java.security.KeyPair;
import java.security.NoSuchAlgorithmException;
import java.security.PublicKey;
import java.security.Signature;
import java.security.SignatureException;
import java.util.Base64;
import java.util.Collection;
import java.util.List;
import java.util.Map;

/**
 * An Ed25519 signature (RFC 8032) over the canonical bytes of a lock, or of a runtime manifest, as
 * a document of its own: a lock may be signed again, or by several keys, and keeps its fingerprint.
 * Immutable; any thread may call.
 *
 * @param lock fingerprint of the signed lock
 * @param key fingerprint of the public key in its X.509 encoding
 * @param base64 the 64 bytes of the signature
 */
public record LockSignature(Fingerprint lock, Fingerprint key, String base64) {

    private static final String ALGORITHM = "Ed25519";
    private static final int SIGNATURE_BYTES = 64;

    private static final List<String> MEMBERS =
            List.of(
                    LockFormat.FORMAT,
                    LockFormat.FORMAT_VERSION,
                    LockFormat.FINGERPRINT,
                    LockFormat.ALGORITHM,
                    LockFormat.KEY,
                    LockFormat.SIGNATURE_BYTES);

    public LockSignature {
        byte[] signature = Base64.getDecoder().decode(base64);
        if (signature.length != SIGNATURE_BYTES
                || !Base64.getEncoder().encodeToString(signature).equals(base64))
            throw new IllegalArgumentException(
                    "an "
                            + ALGORITHM
                            + " signature is "
                            + SIGNATURE_BYTES
                            + " bytes in base64, was "
                            + signature.length);
    }

    /**
     * Signs a lock.
     *
     * @throws IllegalArgumentException when the keys are not an Ed25519 pair
     */
    public static LockSignature sign(LockDocument lock, KeyPair keys) {
        return sign(lock.canonicalBytes(), keys);
    }

    /** The same for a runtime manifest. */
    public static LockSignature sign(RuntimeManifest manifest, KeyPair keys) {
        return sign(manifest.canonicalBytes(), keys);
    }

    private static LockSignature sign(byte[] content, KeyPair keys) {
        byte[] signature;
        try {
            Signature signer = ed25519();
            signer.initSign(keys.getPrivate());
            signer.update(content);
            signature = signer.sign();
        } catch (InvalidKeyException e) {
            throw new IllegalArgumentException("not an " + ALGORITHM + " private key", e);
        } catch (SignatureException e) {
            throw new IllegalStateException("signing in memory failed", e);
        }
        if (!made(signature, content, keys.getPublic()))
            throw new IllegalArgumentException("the public key does not belong to the private key");
        return new LockSignature(
                Fingerprint.of(content),
                keyFingerprint(keys.getPublic()),
                Base64.getEncoder().encodeToString(signature));
    }

    /** Checks the signature against a lock. Whatever cannot be shown to be right is not valid. */
    public SignatureCheck verify(LockDocument document, Collection<PublicKey> trusted) {
        return verify(document.canonicalBytes(), trusted);
    }

    /** The same for a runtime manifest. */
    public SignatureCheck verify(RuntimeManifest manifest, Collection<PublicKey> trusted) {
        return verify(manifest.canonicalBytes(), trusted);
    }

    private SignatureCheck verify(byte[] content, Collection<PublicKey> trusted) {
        Fingerprint actual = Fingerprint.of(content);
        if (!lock.equals(actual)) return new SignatureCheck.OtherLock(lock, actual);
        byte[] signature = Base64.getDecoder().decode(base64);
        for (PublicKey candidate : trusted) {
            if (!key.equals(keyFingerprint(candidate))) continue;
            return made(signature, content, candidate)
                    ? new SignatureCheck.Valid(key)
                    : new SignatureCheck.Forged(key);
        }
        return new SignatureCheck.UntrustedKey(key);
    }

    /** The name of a key in signatures. */
    public static Fingerprint keyFingerprint(PublicKey key) {
        byte[] encoded = key.getEncoded();
        if (encoded == null)
            throw new IllegalArgumentException(
                    "the key " + key.getAlgorithm() + " has no encoding");
        return Fingerprint.of(encoded);
    }

    private static boolean made(byte[] signature, byte[] content, PublicKey key) {
        try {
            Signature verifier = ed25519();
            verifier.initVerify(key);
            verifier.update(content);
            return verifier.verify(signature);
        } catch (GeneralSecurityException e) {
            // A key of another kind, or bytes that are no signature: not made by this key.
            return false;
        }
    }

    private static Signature ed25519() {
        try {
            return Signature.getInstance(ALGORITHM);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("this Java runtime lacks " + ALGORITHM, e);
        }
    }

    /** The signature as a file. */
    public byte[] prettyBytes() {
        return CanonicalJson.prettyBytes(
                new JsonObject(
                        Map.of(
                                LockFormat.FORMAT,
                                new JsonString(LockFormat.SIGNATURE),
                                LockFormat.FORMAT_VERSION,
                                new JsonNumber(LockDocument.FORMAT_VERSION),
                                LockFormat.FINGERPRINT,
                                new JsonString(lock.value()),
                                LockFormat.ALGORITHM,
                                new JsonString(ALGORITHM),
                                LockFormat.KEY,
                                new JsonString(key.value()),
                                LockFormat.SIGNATURE_BYTES,
                                new JsonString(base64))));
    }

    /** Reads a signature's file as strictly as {@link LockReader} reads a lock. */
    public static SignatureReading read(byte[] utf8) {
        try {
            return new SignatureReading.WellFormed(document(Members.root(utf8)));
        } catch (JsonException e) {
            return new SignatureReading.Unreadable(
                    "line " + e.line() + ", column " + e.column(), e.problem());
        } catch (Members.Malformed e) {
            return new SignatureReading.Unreadable(e.where(), e.problem());
        }
    }

    private static LockSignature document(Members root) throws Members.Malformed {
        root.requireText(LockFormat.FORMAT, LockFormat.SIGNATURE);
        root.requireFormatVersion();
        root.requireOnly(MEMBERS);
        root.requireText(LockFormat.ALGORITHM, ALGORITHM);
        Fingerprint lock = root.fingerprint(LockFormat.FINGERPRINT);
        Fingerprint key = root.fingerprint(LockFormat.KEY);
        String base64 = root.text(LockFormat.SIGNATURE_BYTES);
        return root.checked(() -> new LockSignature(lock, key, base64));
    }
}
