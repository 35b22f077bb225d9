package io.edged.lock;

import static io.edged.lock.LockFixture.CONFIGURATION;
import static io.edged.lock.LockFixture.DEVICE;
import static io.edged.lock.LockFixture.JAR;
import static io.edged.lock.LockFixture.JAVA_AMD64;
import static io.edged.lock.LockFixture.JAVA_ARM64;
import static io.edged.lock.LockFixture.RELEASE;
import static io.edged.lock.LockFixture.artefact;
import static io.edged.lock.LockFixture.filesOf;
import static io.edged.lock.LockFixture.json;

import static org.assertj.core.api.Assertions.assertThat;

import io.edged.lock.Difference.ContentChanged;
import io.edged.lock.Difference.FileMissing;
import io.edged.lock.Difference.FileUnexpected;
import io.edged.lock.Difference.KeyMissing;
import io.edged.lock.Difference.KeyUnexpected;
import io.edged.lock.Difference.ModeChanged;
import io.edged.lock.Difference.ValueChanged;
import io.edged.lock.JsonValue.JsonNumber;
import io.edged.lock.JsonValue.JsonObject;
import io.edged.lock.JsonValue.JsonString;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;

class LockComparisonTest {

    @ParameterizedTest
    @EnumSource(Architecture.class)
    void aMachineThatIsAsTheLockHasItDiffersInNothing(Architecture architecture) {
        var found = filesOf(architecture);
        assertThat(LockComparison.verify(DEVICE, architecture, found, CONFIGURATION)).isEmpty();
    }

    @Test
    void everyDifferenceOfAFileIsNamed() {
        var found = filesOf(Architecture.AMD64);
        Artefact other = artefact("another jar", "0666");
        found.put("lib/edged.jar", other);
        found.remove("bin/java");
        found.put("lib/\nextra", JAR);
        List<Difference> differences = LockComparison.verify(RELEASE, Architecture.AMD64, found);
        assertThat(differences)
                .containsExactly(
                        new FileMissing("bin/java", JAVA_AMD64),
                        new FileUnexpected("lib/\nextra", JAR),
                        new ContentChanged("lib/edged.jar", JAR, other),
                        new ModeChanged("lib/edged.jar", "0644", "0666"));
        assertThat(differences)
                .extracting(Difference::line)
                .containsExactly(
                        "file is missing: bin/java",
                        "file is not in the lock: lib/\\u{a}extra",
                        "file has other content: lib/edged.jar: expected 3 bytes "
                                + JAR.fingerprint().value().substring(0, 23)
                                + ", found 11 bytes "
                                + other.fingerprint().value().substring(0, 23),
                        "file has another mode: lib/edged.jar: expected 0644, found 0666");
    }

    @Test
    void aSizeThatDoesNotFitTheContentIsADifference() {
        var found = filesOf(Architecture.AMD64);
        var longer = new Artefact(JAR.fingerprint(), JAR.bytes() + 1, JAR.mode());
        found.put("lib/edged.jar", longer);
        assertThat(LockComparison.verify(RELEASE, Architecture.AMD64, found))
                .containsExactly(new ContentChanged("lib/edged.jar", JAR, longer));
    }

    @Test
    void theRuntimeOfAnotherArchitectureIsADifference() {
        assertThat(LockComparison.verify(RELEASE, Architecture.AMD64, filesOf(Architecture.ARM64)))
                .containsExactly(new ContentChanged("bin/java", JAVA_AMD64, JAVA_ARM64));
    }

    @Test
    void everyDifferenceOfTheConfigurationIsNamed() {
        JsonObject found =
                json(
                        """
                        {"wal":{"segment_bytes":1048576,"sync.mode":true},
                         "upstream":[{"url":"https://otlp.example","token_file":"/etc/edged/token"},
                                     {}]}
                        """);
        var differences =
                LockComparison.verify(
                        DEVICE, Architecture.ARM64, filesOf(Architecture.ARM64), found);
        assertThat(differences)
                .containsExactly(
                        new KeyUnexpected("upstream[1]", new JsonObject(Map.of())),
                        new KeyUnexpected("wal.\"sync.mode\"", new JsonValue.JsonBoolean(true)),
                        new KeyMissing("wal.on_corruption", new JsonString("quarantine")),
                        new ValueChanged(
                                "wal.segment_bytes",
                                new JsonNumber(67_108_864),
                                new JsonNumber(1_048_576)));
        assertThat(differences)
                .extracting(Difference::line)
                .containsExactly(
                        "configuration key is not in the lock: upstream[1]: found {}",
                        "configuration key is not in the lock: wal.\"sync.mode\": found true",
                        "configuration key is missing: wal.on_corruption: expected"
                                + " \"quarantine\"",
                        "configuration has another value: wal.segment_bytes: expected 67108864,"
                                + " found 1048576");
    }

    @Test
    void aLongValueIsCutInTheLineOnly() {
        var value = new JsonString("x".repeat(10_000));
        var difference = new KeyUnexpected("motd", value);
        assertThat(difference.found()).isEqualTo(value);
        assertThat(difference.line()).endsWith("xxx...").hasSizeLessThan(300);
    }

    @Test
    void aDiffTellsWhatChangedFromOneReleaseToTheNext() {
        Artefact unit = artefact("unit", "0644");
        Artefact java = artefact("newer java for arm64", "0755");
        ReleaseLock changed =
                LockFixture.release(
                        Map.of("lib/edged.jar", artefact("jar", "0640"), "edged.service", unit),
                        java);
        var after = new ReleaseLock("0.2.0", changed.shared(), changed.byArchitecture());
        assertThat(LockComparison.diff(RELEASE, after))
                .containsExactly(
                        "product version: 0.1.0 -> 0.2.0",
                        "file added on every architecture: edged.service: 4 bytes "
                                + unit.fingerprint().brief()
                                + ", mode 0644",
                        "mode changed on every architecture: lib/edged.jar: 0644 -> 0640",
                        "file changed on arm64: bin/java: 14 bytes "
                                + JAVA_ARM64.fingerprint().brief()
                                + " -> 20 bytes "
                                + java.fingerprint().brief());
        assertThat(LockComparison.diff(after, RELEASE))
                .contains("file removed on every architecture: edged.service");
    }

    @Test
    void aDiffTellsWhatChangedInTheConfiguration() {
        var after =
                new DeviceLock(
                        RELEASE,
                        json(
                                "{\"wal\":{\"segment_bytes\":1,\"new\":null,\"on_corruption\":\"fail\"}}"));
        assertThat(LockComparison.diff(DEVICE, after))
                .containsExactly(
                        "configuration removed: upstream[0].token_file: was \"/etc/edged/token\"",
                        "configuration removed: upstream[0].url: was \"https://otlp.example\"",
                        "configuration added: wal.new: null",
                        "configuration changed: wal.on_corruption: \"quarantine\" -> \"fail\"",
                        "configuration changed: wal.segment_bytes: 67108864 -> 1");
    }

    @Test
    void aDiffTellsTheKindsApart() {
        assertThat(LockComparison.diff(RELEASE, DEVICE))
                .containsExactly("kind of lock: release -> device");
    }

    static LongStream seeds() {
        return LongStream.range(0, 100);
    }

    /** Few small trees, so that equal ones meet as well. */
    @ParameterizedTest(name = "seed {0}")
    @MethodSource("seeds")
    void aDiffIsEmptyExactlyWhenTheFingerprintsAreEqual(long seed) {
        var before = new DeviceLock(RELEASE, new RandomJson(seed).object((int) (seed % 4)));
        for (long other : new long[] {seed, seed + 1}) {
            var after = new DeviceLock(RELEASE, new RandomJson(other).object((int) (seed % 4)));
            assertThat(LockComparison.diff(before, after).isEmpty())
                    .isEqualTo(before.fingerprint().equals(after.fingerprint()));
        }
    }
}
