package io.edged.pem;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A private key from PEM: PKCS#8 ({@code BEGIN PRIVATE KEY}), and the older forms for one kind of
 * key, PKCS#1 ({@code BEGIN RSA PRIVATE KEY}) and SEC1 ({@code BEGIN EC PRIVATE KEY}), which are
 * wrapped into PKCS#8 here because the JDK reads nothing else.
 */
public final class PemKey {

    private static final Pattern BLOCK =
            Pattern.compile("-----BEGIN ([A-Z0-9 ]*PRIVATE KEY)-----([^-]*)-----END \\1-----");

    /** AlgorithmIdentifier of rsaEncryption, with its NULL. */
    private static final byte[] RSA = {
        0x30,
        0x0d,
        0x06,
        0x09,
        0x2a,
        (byte) 0x86,
        0x48,
        (byte) 0x86,
        (byte) 0xf7,
        0x0d,
        0x01,
        0x01,
        0x01,
        0x05,
        0x00
    };

    /** The identifier of id-ecPublicKey. */
    private static final byte[] EC = {
        0x06, 0x07, 0x2a, (byte) 0x86, 0x48, (byte) 0xce, 0x3d, 0x02, 0x01
    };

    private static final int SEQUENCE = 0x30;
    private static final int OCTET_STRING = 0x04;
    private static final int PARAMETERS = 0xa0;
    private static final byte[] VERSION_0 = {0x02, 0x01, 0x00};

    private PemKey() {}

    /**
     * The first private key of a file.
     *
     * @throws IOException there is none, or it is in a form that is not read
     */
    public static PrivateKey read(Path file, byte[] pem) throws IOException {
        Matcher block = BLOCK.matcher(new String(pem, StandardCharsets.ISO_8859_1));
        if (!block.find())
            throw new IOException(
                    file + " holds no private key; it must be PEM, BEGIN PRIVATE KEY");
        byte[] der;
        try {
            der = Base64.getMimeDecoder().decode(block.group(2));
        } catch (IllegalArgumentException e) {
            throw new IOException(file + " holds a private key that is not base64", e);
        }
        return switch (block.group(1)) {
            case "PRIVATE KEY" -> pkcs8(file, der);
            case "RSA PRIVATE KEY" ->
                    key(file, "RSA", wrap(SEQUENCE, VERSION_0, RSA, wrap(OCTET_STRING, der)));
            case "EC PRIVATE KEY" -> sec1(file, der);
            case "ENCRYPTED PRIVATE KEY" ->
                    throw new IOException(
                            file
                                    + " is encrypted, and nobody is there to type a password;"
                                    + " decrypt it: openssl pkey");
            default ->
                    throw new IOException(
                            file
                                    + " holds a private key in a form that is not read, BEGIN "
                                    + block.group(1)
                                    + "; without its password: openssl pkcs8 -topk8 -nocrypt");
        };
    }

    /**
     * Whether the two are a pair: one verifies what the other signs.
     *
     * @throws GeneralSecurityException the JDK cannot use one of them
     */
    public static boolean fits(PrivateKey key, PublicKey certified)
            throws GeneralSecurityException {
        if (!key.getAlgorithm().equals(certified.getAlgorithm())) return false;
        String algorithm =
                switch (key.getAlgorithm()) {
                    case "EC" -> "SHA256withECDSA";
                    case "RSA" -> "SHA256withRSA";
                    default -> key.getAlgorithm();
                };
        byte[] text = {1, 2, 3};
        var signature = Signature.getInstance(algorithm);
        signature.initSign(key);
        signature.update(text);
        byte[] signed = signature.sign();
        signature.initVerify(certified);
        signature.update(text);
        return signature.verify(signed);
    }

    private static PrivateKey pkcs8(Path file, byte[] der) throws IOException {
        IOException last = new IOException(file + " holds a private key of an unknown kind");
        for (String algorithm : new String[] {"EC", "RSA", "Ed25519"}) {
            try {
                return key(file, algorithm, der);
            } catch (IOException e) {
                last = e;
            }
        }
        throw last;
    }

    /** SEC1 names its curve in element [0], which becomes the parameters of the algorithm. */
    private static PrivateKey sec1(Path file, byte[] der) throws IOException {
        for (int at = 2; at + 2 < der.length; at++) {
            boolean curve = (der[at] & 0xFF) == PARAMETERS && der[at + 2] == 0x06;
            if (!curve || at + 2 + der[at + 1] > der.length) continue;
            byte[] parameters = java.util.Arrays.copyOfRange(der, at + 2, at + 2 + der[at + 1]);
            return key(
                    file,
                    "EC",
                    wrap(
                            SEQUENCE,
                            VERSION_0,
                            wrap(SEQUENCE, EC, parameters),
                            wrap(OCTET_STRING, der)));
        }
        throw new IOException(
                file
                        + " holds an EC key that does not name its curve; convert it: openssl pkcs8"
                        + " -topk8 -nocrypt");
    }

    private static PrivateKey key(Path file, String algorithm, byte[] pkcs8) throws IOException {
        try {
            return KeyFactory.getInstance(algorithm)
                    .generatePrivate(new PKCS8EncodedKeySpec(pkcs8));
        } catch (GeneralSecurityException e) {
            // The JDK's message may show bytes of the key.
            throw new IOException(
                    file
                            + " holds a private key that cannot be read; it must be EC, RSA or"
                            + " Ed25519");
        }
    }

    private static byte[] wrap(int tag, byte[]... parts) {
        int length = 0;
        for (byte[] part : parts) length += part.length;
        var out = new ByteArrayOutputStream(length + 6);
        out.write(tag);
        if (length < 0x80) {
            out.write(length);
        } else {
            int octets = length < 0x100 ? 1 : length < 0x10000 ? 2 : 3;
            out.write(0x80 | octets);
            for (int i = octets - 1; i >= 0; i--) out.write(length >>> (8 * i));
        }
        for (byte[] part : parts) out.writeBytes(part);
        return out.toByteArray();
    }
}
