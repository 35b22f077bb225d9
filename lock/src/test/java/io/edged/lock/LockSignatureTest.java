package io.edged.lock;

import static io.edged.lock.LockFixture.DEVICE;
import static io.edged.lock.LockFixture.RELEASE;
import static io.edged.lock.LockFixture.json;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.edged.lock.JsonValue.JsonObject;
import io.edged.lock.JsonValue.JsonString;
import io.edged.lock.SignatureReading.Unreadable;
import io.edged.lock.SignatureReading.WellFormed;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PublicKey;
import java.security.Signature;
import java.security.spec.PKCS8EncodedKeySpec;
import java.security.spec.X509EncodedKeySpec;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;

class LockSignatureTest {

    /** The key of RFC 8032, section 7.1, test 1, in the encodings of RFC 8410. */
    private static final KeyPair KEYS =
            keys(
                    "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
                    "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");

    /** The key of test 2. */
    private static final KeyPair OTHER_KEYS =
            keys(
                    "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
                    "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");

    private static final LockSignature SIGNATURE = LockSignature.sign(DEVICE, KEYS);

    @Test
    void aTrustedKeysSignatureIsValid() {
        var trusted = List.of(OTHER_KEYS.getPublic(), KEYS.getPublic());
        assertThat(SIGNATURE.verify(DEVICE, trusted))
                .isEqualTo(
                        new SignatureCheck.Valid(LockSignature.keyFingerprint(KEYS.getPublic())));
    }

    @Test
    void whatIsSignedAreTheCanonicalBytes() throws GeneralSecurityException {
        Signature verifier = Signature.getInstance("Ed25519");
        verifier.initVerify(KEYS.getPublic());
        verifier.update(DEVICE.canonicalBytes());
        assertThat(verifier.verify(Base64.getDecoder().decode(SIGNATURE.base64()))).isTrue();
        assertThat(LockSignature.sign(DEVICE, KEYS)).as("deterministic").isEqualTo(SIGNATURE);
    }

    @Test
    void anotherLockIsNotSigned() {
        var changed = new DeviceLock(RELEASE, json("{}"));
        var trusted = List.of(KEYS.getPublic());
        assertThat(SIGNATURE.verify(changed, trusted))
                .isEqualTo(
                        new SignatureCheck.OtherLock(DEVICE.fingerprint(), changed.fingerprint()));
        var relabelled =
                new LockSignature(changed.fingerprint(), SIGNATURE.key(), SIGNATURE.base64());
        assertThat(relabelled.verify(changed, trusted))
                .isEqualTo(new SignatureCheck.Forged(SIGNATURE.key()));
    }

    @Test
    void aKeyThatIsNotTrustedSignsNothing() {
        var untrusted = new SignatureCheck.UntrustedKey(SIGNATURE.key());
        assertThat(SIGNATURE.verify(DEVICE, List.of())).isEqualTo(untrusted);
        assertThat(SIGNATURE.verify(DEVICE, List.of(OTHER_KEYS.getPublic()))).isEqualTo(untrusted);
    }

    @Test
    void aSignatureUnderATrustedKeysNameIsForged() {
        Fingerprint claimed = LockSignature.keyFingerprint(OTHER_KEYS.getPublic());
        var forged = new LockSignature(SIGNATURE.lock(), claimed, SIGNATURE.base64());
        assertThat(forged.verify(DEVICE, List.of(OTHER_KEYS.getPublic(), KEYS.getPublic())))
                .isEqualTo(new SignatureCheck.Forged(claimed));
    }

    @Test
    void noBitOfASignatureCanBeChanged() {
        byte[] signature = Base64.getDecoder().decode(SIGNATURE.base64());
        for (int i = 0; i < signature.length; i++) {
            byte[] changed = signature.clone();
            changed[i] ^= 0x10;
            String base64 = Base64.getEncoder().encodeToString(changed);
            assertThat(
                            new LockSignature(SIGNATURE.lock(), SIGNATURE.key(), base64)
                                    .verify(DEVICE, List.of(KEYS.getPublic())))
                    .as("byte %d", i)
                    .isEqualTo(new SignatureCheck.Forged(SIGNATURE.key()));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"Ed448", "EC"})
    void aTrustedKeyOfAnotherKindProvesNothing(String algorithm) throws GeneralSecurityException {
        KeyPair pair = KeyPairGenerator.getInstance(algorithm).generateKeyPair();
        PublicKey key = pair.getPublic();
        var named =
                new LockSignature(
                        SIGNATURE.lock(), LockSignature.keyFingerprint(key), SIGNATURE.base64());
        assertThat(named.verify(DEVICE, List.of(key))).isInstanceOf(SignatureCheck.Forged.class);
        assertThatThrownBy(() -> LockSignature.sign(DEVICE, pair))
                .hasMessage("not an Ed25519 private key");
    }

    @Test
    void aPairWhoseHalvesDoNotBelongTogetherCannotSign() {
        var mixed = new KeyPair(OTHER_KEYS.getPublic(), KEYS.getPrivate());
        assertThatThrownBy(() -> LockSignature.sign(DEVICE, mixed))
                .hasMessage("the public key does not belong to the private key");
    }

    @Test
    void whatIsWrittenIsReadAgain() {
        assertThat(LockSignature.read(SIGNATURE.prettyBytes()))
                .isEqualTo(new WellFormed(SIGNATURE));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "format | edged-device-lock | format | must be \"edged-lock-signature\"",
                "algorithm | Ed448 | algorithm | must be \"Ed25519\", was \"Ed448\"",
                "key_fingerprints | x | document | unknown member \"key_fingerprints\"; the nearest is \"key_fingerprint\"",
                "key_fingerprint | sha256:00 | key_fingerprint | not a fingerprint",
                "signature | AAAA | document | an Ed25519 signature is 64 bytes in base64, was 3",
                "signature | *** | document | Illegal base64 character",
            })
    void whatBreaksTheFormIsRefusedAtItsPlace(
            String member, String value, String where, String problem) throws JsonException {
        var file = (JsonObject) CanonicalJson.parse(SIGNATURE.prettyBytes());
        byte[] changed = CanonicalJson.bytes(file.with(member, new JsonString(value)));
        assertThat(LockSignature.read(changed))
                .isInstanceOfSatisfying(
                        Unreadable.class,
                        unreadable -> {
                            assertThat(unreadable.where()).isEqualTo(where);
                            assertThat(unreadable.problem()).startsWith(problem);
                        });
    }

    @Test
    void aSecondSpellingOfASignatureIsRefused() {
        String withoutPadding = SIGNATURE.base64().replace("=", "");
        assertThatThrownBy(
                        () -> new LockSignature(SIGNATURE.lock(), SIGNATURE.key(), withoutPadding))
                .isInstanceOf(IllegalArgumentException.class);
    }

    private static KeyPair keys(String seed, String point) {
        var hex = HexFormat.of();
        try {
            var factory = KeyFactory.getInstance("Ed25519");
            return new KeyPair(
                    factory.generatePublic(
                            new X509EncodedKeySpec(
                                    hex.parseHex("302a300506032b6570032100" + point))),
                    factory.generatePrivate(
                            new PKCS8EncodedKeySpec(
                                    hex.parseHex("302e020100300506032b657004220420" + seed))));
        } catch (GeneralSecurityException e) {
            throw new AssertionError(e);
        }
    }
}
