package io.edged.lock;

import static io.edged.lock.LockFixture.CONFIGURATION;
import static io.edged.lock.LockFixture.DEVICE;
import static io.edged.lock.LockFixture.JAR;
import static io.edged.lock.LockFixture.JAVA_AMD64;
import static io.edged.lock.LockFixture.RELEASE;
import static io.edged.lock.LockFixture.intact;
import static io.edged.lock.LockFixture.json;
import static io.edged.lock.LockFixture.sealed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.edged.lock.JsonValue.JsonObject;
import io.edged.lock.JsonValue.JsonString;
import io.edged.lock.LockReading.Unreadable;
import io.edged.lock.LockReading.WrongFingerprint;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

class LockDocumentTest {

    private static final String OTHER = "blake3:" + "0".repeat(64);

    static Stream<LockDocument> locks() {
        return Stream.of(RELEASE, DEVICE);
    }

    @ParameterizedTest
    @MethodSource("locks")
    void whatIsWrittenIsReadAgain(LockDocument lock) {
        assertThat(intact(lock.prettyBytes())).isEqualTo(lock);
        assertThat(intact(CanonicalJson.bytes(lock.document()))).isEqualTo(lock);
        assertThat(intact(lock.prettyBytes()).prettyBytes()).isEqualTo(lock.prettyBytes());
    }

    @ParameterizedTest
    @MethodSource("locks")
    void theFingerprintCoversEverythingButItself(LockDocument lock) throws JsonException {
        var file = (JsonObject) CanonicalJson.parse(lock.prettyBytes());
        byte[] covered = CanonicalJson.bytes(file.without("behavioral_fingerprint"));
        assertThat(lock.canonicalBytes()).isEqualTo(covered);
        assertThat(file.members().get("behavioral_fingerprint"))
                .isEqualTo(new JsonString(Fingerprint.of(covered).value()));
    }

    @Test
    void aDeviceLockStatesItsRelease() {
        assertThat(DEVICE.content().members().get("release_fingerprint"))
                .isEqualTo(new JsonString(RELEASE.fingerprint().value()));
        assertThat(DEVICE.fingerprint()).isNotEqualTo(RELEASE.fingerprint());
    }

    @Test
    void aDeviceMayNameImagesByTheirDigestInItsConfiguration() {
        var configuration = json("{\"image\":\"sha256:" + "a".repeat(64) + "\"}");
        var lock = new DeviceLock(RELEASE, configuration);
        assertThat(intact(lock.prettyBytes())).isEqualTo(lock);
    }

    /** Whatever is changed in a file by hand or by rot is noticed. */
    @ParameterizedTest
    @MethodSource("locks")
    void noByteCanBeChangedUnnoticed(LockDocument lock) {
        byte[] file = CanonicalJson.bytes(lock.document());
        for (int i = 0; i < file.length; i++) {
            byte[] changed = file.clone();
            changed[i] ^= 1;
            LockReading reading = LockReader.read(changed);
            assertThat(reading).as("byte %d", i).isNotInstanceOf(LockReading.Intact.class);
        }
    }

    @Test
    void anotherFingerprintIsReportedWithBoth() {
        byte[] file =
                CanonicalJson.bytes(
                        RELEASE.document().with("behavioral_fingerprint", new JsonString(OTHER)));
        assertThat(LockReader.read(file))
                .isEqualTo(
                        new WrongFingerprint(
                                "behavioral_fingerprint",
                                new Fingerprint(OTHER),
                                RELEASE.fingerprint()));
    }

    @Test
    void aDeviceLockOfAnotherReleaseIsReported() {
        byte[] file = sealed(DEVICE.content().with("release_fingerprint", new JsonString(OTHER)));
        assertThat(LockReader.read(file))
                .isEqualTo(
                        new WrongFingerprint(
                                "release_fingerprint",
                                new Fingerprint(OTHER),
                                RELEASE.fingerprint()));
    }

    static Stream<Arguments> damaged() {
        String fingerprint = JAR.fingerprint().value();
        return Stream.of(
                Arguments.of(
                        "\"artefacts\":",
                        "\"artifacts\":",
                        "document",
                        "unknown member \"artifacts\"; the nearest is \"artefacts\""),
                Arguments.of(
                        "\"mode\":\"0644\"",
                        "\"mod\":\"0644\"",
                        "artefacts.shared.\"lib/edged.jar\"",
                        "unknown member \"mod\"; the nearest is \"mode\""),
                Arguments.of(
                        "\"riscv64\":",
                        "\"risc64\":",
                        "artefacts",
                        "unknown member \"risc64\"; the nearest is \"riscv64\""),
                Arguments.of(
                        "\"product_version\":\"0.1.0\"",
                        "\"product_version\":1",
                        "product_version",
                        "must be a string"),
                Arguments.of(
                        ",\"product_version\":\"0.1.0\"",
                        "",
                        "document",
                        "member \"product_version\" is missing"),
                Arguments.of(
                        "\"0.1.0\"",
                        "\"0.1 beta\"",
                        "document",
                        "product version must be 1 to 64 letters"),
                Arguments.of(
                        "edged-release-lock",
                        "edged-lock",
                        "format",
                        "must be \"edged-release-lock\" or \"edged-device-lock\", was"
                                + " \"edged-lock\""),
                Arguments.of(
                        "\"format_version\":1",
                        "\"format_version\":2",
                        "format_version",
                        "is 2; this program reads 1"),
                Arguments.of(
                        "\"format_version\":1",
                        "\"format_version\":1.5",
                        "format_version",
                        "must be an integer"),
                Arguments.of(
                        fingerprint,
                        "sha256:" + fingerprint.substring(7),
                        "artefacts.shared.\"lib/edged.jar\".fingerprint",
                        "not a fingerprint: \"sha256:"),
                Arguments.of(
                        "\"behavioral_fingerprint\":\"blake3:",
                        "\"behavioral_fingerprint\":\"sha256:",
                        "behavioral_fingerprint",
                        "not a fingerprint: \"sha256:"),
                Arguments.of(
                        "\"0644\"",
                        "\"rw-r\"",
                        "artefacts.shared.\"lib/edged.jar\"",
                        "mode must be four octal digits"),
                Arguments.of(
                        "\"bytes\":3",
                        "\"bytes\":-3",
                        "artefacts.shared.\"lib/edged.jar\"",
                        "bytes must lie between 0 and"),
                Arguments.of(
                        "\"bytes\":3",
                        "\"bytes\":\"3\"",
                        "artefacts.shared.\"lib/edged.jar\".bytes",
                        "must be an integer"),
                Arguments.of(
                        "lib/edged.jar",
                        "../edged.jar",
                        "document",
                        "\"../edged.jar\" is not a path below the root"),
                Arguments.of(
                        "lib/edged.jar",
                        "bin/java",
                        "document",
                        "\"bin/java\" is both shared and of amd64"));
    }

    @ParameterizedTest(name = "{0} to {1}")
    @MethodSource("damaged")
    void whatBreaksTheFormIsRefusedAtItsPlace(
            String part, String replacement, String where, String problem) {
        String text = new String(CanonicalJson.bytes(RELEASE.document()), StandardCharsets.UTF_8);
        assertThat(text).contains(part);
        String changed =
                text.replaceFirst(Pattern.quote(part), Matcher.quoteReplacement(replacement));
        assertThat(LockReader.read(changed.getBytes(StandardCharsets.UTF_8)))
                .isInstanceOfSatisfying(
                        Unreadable.class,
                        unreadable -> {
                            assertThat(unreadable.where()).isEqualTo(where);
                            assertThat(unreadable.problem()).startsWith(problem);
                        });
    }

    @Test
    void whatIsNoJsonIsRefusedAtItsLineAndColumn() {
        assertThat(LockReader.read("{\n \"format\": }".getBytes(StandardCharsets.UTF_8)))
                .isInstanceOfSatisfying(
                        Unreadable.class,
                        unreadable ->
                                assertThat(unreadable.where()).isEqualTo("line 2, column 12"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "[]", "null", "\"lock\"", "{}", "\u0000"})
    void whatIsNoLockAtAllIsRefused(String text) {
        assertThat(LockReader.read(text.getBytes(StandardCharsets.UTF_8)))
                .isInstanceOf(Unreadable.class);
    }

    @Test
    void aConfigurationThatGrowsBeyondTheLimitIsRefused() {
        // 5 bytes as written, 22 as canonical JSON has them.
        String numbers = "1e20,".repeat(770_000) + "1";
        String text =
                new String(CanonicalJson.bytes(DEVICE.document()), StandardCharsets.UTF_8)
                        .replace(
                                "\"configuration\":{",
                                "\"configuration\":{\"n\":[" + numbers + "],");
        assertThat(LockReader.read(text.getBytes(StandardCharsets.UTF_8)))
                .isInstanceOfSatisfying(
                        Unreadable.class,
                        unreadable ->
                                assertThat(unreadable.problem()).contains("the limit is 16777216"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "/lib/a",
                "lib/",
                "lib//a",
                ".",
                "lib/../a",
                "lib/./a",
                "..",
                "lib\\a",
                "a\nb",
                "\ud83d"
            })
    void pathsThatLeaveTheRootOrHaveTwoSpellingsAreRefused(String path) {
        assertThatThrownBy(() -> LockFixture.release(Map.of(path, JAR), JAVA_AMD64))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("is not a path below the root");
    }

    @Test
    void aReleaseListsAllArchitectures() {
        assertThatThrownBy(() ->
                        new ReleaseLock(
                                "0.1.0",
                                Map.of("lib/edged.jar", JAR),
                                Map.of(Architecture.AMD64, Map.of())))
                .hasMessage("no artefacts of arm64: a release lists them all");
        Map<Architecture, Map<String, Artefact>> nothing =
                Map.of(
                        Architecture.AMD64, Map.of("bin/java", JAVA_AMD64),
                        Architecture.ARM64, Map.of("bin/java", JAVA_AMD64),
                        Architecture.RISCV64, Map.of());
        assertThatThrownBy(() -> new ReleaseLock("0.1.0", Map.of(), nothing))
                .hasMessage("no artefact for riscv64");
        assertThat(new ReleaseLock("0.1.0", Map.of("lib/edged.jar", JAR), nothing))
                .isInstanceOf(ReleaseLock.class);
    }

    @Test
    void aMachineHasTheSharedFilesAndItsOwn() {
        assertThat(RELEASE.artefacts(Architecture.AMD64))
                .isEqualTo(Map.of("lib/edged.jar", JAR, "bin/java", JAVA_AMD64));
        assertThat(Architecture.of("riscv64")).contains(Architecture.RISCV64);
        assertThat(Architecture.of("x86_64")).isEmpty();
    }

    @Test
    void theSameInputsInAnotherOrderGiveTheSameFingerprint() {
        JsonObject reordered =
                json(
                        """
                        {"upstream":[{"token_file":"/etc/edged/token","url":"https://otlp.example"}],
                         "wal":{"on_corruption":"quarantine","segment_bytes":6.7108864e7}}
                        """);
        assertThat(new DeviceLock(RELEASE, reordered).fingerprint())
                .isEqualTo(new DeviceLock(RELEASE, CONFIGURATION).fingerprint());
    }
}
