package io.edged.lock;

import static org.assertj.core.api.Assertions.assertThat;

import io.edged.lock.JsonValue.JsonObject;

import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;

/** A small release and a device that runs it. */
final class LockFixture {

    static final Artefact JAR = artefact("jar", "0644");
    static final Artefact JAVA_AMD64 = artefact("java for amd64", "0755");
    static final Artefact JAVA_ARM64 = artefact("java for arm64", "0755");
    static final Artefact JAVA_RISCV64 = artefact("java for riscv64", "0755");

    static final ReleaseLock RELEASE = release(Map.of("lib/edged.jar", JAR), JAVA_ARM64);

    static final JsonObject CONFIGURATION =
            json(
                    """
                    {"wal":{"segment_bytes":67108864,"on_corruption":"quarantine"},
                     "upstream":[{"url":"https://otlp.example","token_file":"/etc/edged/token"}]}
                    """);

    static final DeviceLock DEVICE = new DeviceLock(RELEASE, CONFIGURATION);

    private LockFixture() {}

    static Artefact artefact(String content, String mode) {
        byte[] bytes = content.getBytes(StandardCharsets.UTF_8);
        return new Artefact(Fingerprint.of(bytes), bytes.length, mode);
    }

    static ReleaseLock release(Map<String, Artefact> shared, Artefact javaForArm64) {
        return new ReleaseLock(
                "0.1.0",
                shared,
                Map.of(
                        Architecture.AMD64,
                        Map.of("bin/java", JAVA_AMD64),
                        Architecture.ARM64,
                        Map.of("bin/java", javaForArm64),
                        Architecture.RISCV64,
                        Map.of("bin/java", JAVA_RISCV64)));
    }

    static JsonObject json(String text) {
        try {
            return (JsonObject) CanonicalJson.parse(text.getBytes(StandardCharsets.UTF_8));
        } catch (JsonException e) {
            throw new AssertionError(e);
        }
    }

    /** The document, with its fingerprint put right after a change to its content. */
    static byte[] sealed(JsonObject changed) {
        JsonObject content = changed.without(LockFormat.FINGERPRINT);
        var fingerprint = Fingerprint.of(CanonicalJson.bytes(content));
        return CanonicalJson.bytes(
                content.with(
                        LockFormat.FINGERPRINT, new JsonValue.JsonString(fingerprint.value())));
    }

    /** What a machine has that runs the release, to be changed by the test. */
    static Map<String, Artefact> filesOf(Architecture architecture) {
        return new HashMap<>(RELEASE.artefacts(architecture));
    }

    static LockDocument intact(byte[] utf8) {
        LockReading reading = LockReader.read(utf8);
        assertThat(reading).isInstanceOf(LockReading.Intact.class);
        return ((LockReading.Intact) reading).lock();
    }
}
