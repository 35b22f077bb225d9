package io.edged.precheck;

import io.edged.pem.PemKey;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Arrays;
import java.util.Base64;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Whether a private key in PEM belongs to a public key. Knows PKCS#8, and the older forms of RSA
 * (PKCS#1) and elliptic curve (SEC 1) keys, which lack the name of their algorithm: the public key
 * has it.
 */
final class PrivateKeys {

    private static final Pattern BLOCK =
            Pattern.compile(
                    "-----BEGIN (RSA |EC |ENCRYPTED |)PRIVATE KEY-----([^-]*)-----END"
                            + " \\1PRIVATE KEY-----");
    private static final Set<String> KINDS = Set.of("RSA", "EC", "EdDSA", "Ed25519", "Ed448");
    private static final byte[] VERSION_0 = {2, 1, 0};
    private static final int SEQUENCE = 0x30;
    private static final int OCTET_STRING = 4;

    private PrivateKeys() {}

    /** The file holds no key that can be used. */
    static final class NoKeyException extends Exception {
        private static final long serialVersionUID = 1;

        NoKeyException(String message) {
            super(message);
        }
    }

    /**
     * Whether what one of the two signs is what the other accepts.
     *
     * @throws NoKeyException the text holds no private key that can be used
     * @throws GeneralSecurityException the key is of another kind than the public one, or damaged
     */
    static boolean belongs(byte[] pem, PublicKey publicKey)
            throws NoKeyException, GeneralSecurityException {
        Matcher block = BLOCK.matcher(new String(pem, StandardCharsets.ISO_8859_1));
        if (!block.find()) throw new NoKeyException("holds no private key in PEM");
        String kind = block.group(1);
        if (kind.equals("ENCRYPTED ") || block.group(2).contains("ENCRYPTED"))
            throw new NoKeyException(
                    "is encrypted, and nobody is there to type a password; decrypt it: openssl"
                            + " pkey");
        byte[] der;
        try {
            der = Base64.getMimeDecoder().decode(block.group(2));
        } catch (IllegalArgumentException e) {
            throw new NoKeyException("holds a damaged private key: " + e.getMessage());
        }
        byte[] pkcs8 = kind.isEmpty() ? der : wrapped(der, publicKey);
        PrivateKey key =
                KeyFactory.getInstance(publicKey.getAlgorithm())
                        .generatePrivate(new PKCS8EncodedKeySpec(pkcs8));
        if (!KINDS.contains(publicKey.getAlgorithm()))
            throw new NoKeyException(
                    "is for a certificate with a "
                            + publicKey.getAlgorithm()
                            + " key; use RSA, EC or Ed25519");
        return PemKey.fits(key, publicKey);
    }

    /** The older form inside the newer one, with the algorithm from the public key. */
    private static byte[] wrapped(byte[] old, PublicKey publicKey) throws NoKeyException {
        byte[] info = publicKey.getEncoded();
        if (info == null || info[0] != SEQUENCE) throw new NoKeyException("cannot be compared");
        int start = 1 + lengthBytes(info, 1);
        int end = start + 1 + lengthBytes(info, start + 1) + length(info, start + 1);
        byte[] algorithm = Arrays.copyOfRange(info, start, end);
        var inner = new ByteArrayOutputStream();
        inner.writeBytes(VERSION_0);
        inner.writeBytes(algorithm);
        inner.writeBytes(tagged(OCTET_STRING, old));
        return tagged(SEQUENCE, inner.toByteArray());
    }

    private static int lengthBytes(byte[] der, int at) {
        int first = der[at] & 0xFF;
        return first < 0x80 ? 1 : 1 + (first & 0x7F);
    }

    private static int length(byte[] der, int at) {
        int first = der[at] & 0xFF;
        if (first < 0x80) return first;
        int length = 0;
        for (int i = 1; i <= (first & 0x7F); i++) length = length << 8 | (der[at + i] & 0xFF);
        return length;
    }

    private static byte[] tagged(int tag, byte[] content) {
        var out = new ByteArrayOutputStream();
        out.write(tag);
        if (content.length < 0x80) out.write(content.length);
        else {
            out.write(0x82);
            out.write(content.length >> 8);
            out.write(content.length);
        }
        out.writeBytes(content);
        return out.toByteArray();
    }
}
