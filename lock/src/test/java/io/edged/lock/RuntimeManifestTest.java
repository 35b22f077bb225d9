package io.edged.lock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.nio.charset.StandardCharsets;
import java.security.KeyPairGenerator;
import java.util.List;
import java.util.Set;

class RuntimeManifestTest {

    private static final Fingerprint ONE = Fingerprint.of(new byte[] {1});
    private static final Fingerprint TWO = Fingerprint.of(new byte[] {2});
    private static final RuntimeManifest BOTH = new RuntimeManifest(Set.of(ONE, TWO));

    private static RuntimeManifest.Reading read(String text) {
        return RuntimeManifest.read(text.getBytes(StandardCharsets.UTF_8));
    }

    private static String text(String systems) {
        return "{\"format\":\"edged-runtime-manifest\",\"format_version\":1,\"systems\":["
                + systems
                + "]}";
    }

    @Test
    void theOrderOfTheSystemsDoesNotMatter() {
        var wanted = new RuntimeManifest.Reading.WellFormed(BOTH);
        assertThat(read(text('"' + ONE.value() + "\",\"" + TWO.value() + '"'))).isEqualTo(wanted);
        assertThat(read(text('"' + TWO.value() + "\",\"" + ONE.value() + '"'))).isEqualTo(wanted);
        assertThat(RuntimeManifest.read(BOTH.prettyBytes())).isEqualTo(wanted);
        assertThat(RuntimeManifest.read(BOTH.canonicalBytes())).isEqualTo(wanted);
    }

    @Test
    void itsSignatureHoldsForItAlone() throws Exception {
        var keys = KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
        var signature = LockSignature.sign(BOTH, keys);
        var trusted = List.of(keys.getPublic());
        assertThat(signature.verify(BOTH, trusted)).isInstanceOf(SignatureCheck.Valid.class);
        assertThat(signature.verify(new RuntimeManifest(Set.of(ONE)), trusted))
                .isInstanceOf(SignatureCheck.OtherLock.class);
        assertThat(signature.verify(BOTH, List.of()))
                .isInstanceOf(SignatureCheck.UntrustedKey.class);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{} | member \"format\" is missing",
                "{\"format\":\"edged-device-lock\"} | must be \"edged-runtime-manifest\"",
                "{\"format\":\"edged-runtime-manifest\",\"format_version\":2} | this program reads",
                "{\"format\":\"edged-runtime-manifest\",\"format_version\":1,\"systems\":1} | array",
                "{\"format\":\"edged-runtime-manifest\",\"format_version\":1,\"systems\":[]} | 1 to",
                "{\"format\":\"edged-runtime-manifest\",\"format_version\":1,\"systems\":[1]} | string",
                "{\"format\":\"edged-runtime-manifest\",\"format_version\":1,\"systems\":[\"sha256:1\"]}"
                        + " | not a fingerprint",
                "{\"format\":\"edged-runtime-manifest\",\"format_version\":1,\"system\":[]} | unknown",
                "[ | end-of-input",
            })
    void whatIsNoManifestIsRefused(String text, String problem) {
        assertThat(read(text))
                .isInstanceOfSatisfying(
                        RuntimeManifest.Reading.Unreadable.class,
                        reading -> assertThat(reading.problem()).contains(problem));
    }

    @Test
    void aSystemIsListedOnce() {
        assertThat(read(text('"' + ONE.value() + "\",\"" + ONE.value() + '"')))
                .isInstanceOf(RuntimeManifest.Reading.Unreadable.class);
        assertThatThrownBy(() -> new RuntimeManifest(Set.of()))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
