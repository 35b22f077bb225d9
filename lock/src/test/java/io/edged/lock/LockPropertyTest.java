package io.edged.lock;

import static org.assertj.core.api.Assertions.assertThat;

import io.edged.lock.JsonValue.JsonObject;
import io.edged.lock.JsonValue.JsonString;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.nio.charset.StandardCharsets;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.TimeZone;
import java.util.TreeMap;
import java.util.stream.LongStream;

/** What changes the fingerprint of a lock, and what never does, for random locks. */
class LockPropertyTest {

    static LongStream seeds() {
        return LongStream.range(0, 40);
    }

    private static ReleaseLock release(Random random) {
        var files = new EnumMap<Architecture, Map<String, Artefact>>(Architecture.class);
        Map<String, Artefact> shared = artefacts("lib/", random);
        for (Architecture each : Architecture.values()) {
            var all = new TreeMap<>(shared);
            all.putAll(artefacts("runtime/", random));
            files.put(each, all);
        }
        return ReleaseLock.of("1." + random.nextInt(100), files);
    }

    private static Map<String, Artefact> artefacts(String directory, Random random) {
        var artefacts = new TreeMap<String, Artefact>();
        int count = random.nextInt(1, 6);
        for (int i = 0; i < count; i++) {
            byte[] content = new byte[random.nextInt(100)];
            random.nextBytes(content);
            artefacts.put(
                    directory + Integer.toString(random.nextInt(1_000_000), 36),
                    new Artefact(
                            Fingerprint.of(content),
                            content.length,
                            random.nextBoolean() ? "0644" : "0755"));
        }
        return artefacts;
    }

    private static DeviceLock device(long seed) {
        return new DeviceLock(release(new Random(seed)), new RandomJson(seed).object(4));
    }

    @ParameterizedTest(name = "seed {0}")
    @MethodSource("seeds")
    void orderSpaceAndSpellingNeverChangeTheFingerprint(long seed) {
        DeviceLock lock = device(seed);
        var random = new RandomJson(seed + 1_000);
        for (int i = 0; i < 5; i++) {
            LockDocument read = LockFixture.intact(random.spelled(lock.document()));
            assertThat(read.fingerprint()).isEqualTo(lock.fingerprint());
            assertThat(read.prettyBytes()).isEqualTo(lock.prettyBytes());
        }
    }

    @ParameterizedTest(name = "seed {0}")
    @MethodSource("seeds")
    void everyChangeOfMeaningChangesTheFingerprint(long seed) {
        DeviceLock lock = device(seed);
        var random = new Random(seed + 2_000);
        Map<String, Artefact> shared = new TreeMap<>(lock.release().shared());
        String path = List.copyOf(shared.keySet()).get(random.nextInt(shared.size()));
        Artefact was = shared.get(path);
        assertThat(was).isNotNull();
        if (was == null) return;
        var other = new Artefact(Fingerprint.of(new byte[200]), was.bytes(), was.mode());
        List<Artefact> changes =
                List.of(
                        other,
                        new Artefact(was.fingerprint(), was.bytes() + 1, was.mode()),
                        new Artefact(was.fingerprint(), was.bytes(), "0600"));
        for (Artefact change : changes) {
            shared.put(path, change);
            differs(lock, with(lock, lock.release().productVersion(), shared));
        }
        shared.remove(path);
        shared.put(path + "x", was);
        differs(lock, with(lock, lock.release().productVersion(), shared));
        differs(lock, with(lock, "2.0", lock.release().shared()));
        differs(
                lock,
                new DeviceLock(
                        lock.release(),
                        lock.configuration().with("one more key", new JsonString(""))));
    }

    private static DeviceLock with(DeviceLock lock, String version, Map<String, Artefact> shared) {
        return new DeviceLock(
                new ReleaseLock(version, shared, lock.release().byArchitecture()),
                lock.configuration());
    }

    private static void differs(DeviceLock one, DeviceLock other) {
        assertThat(other.fingerprint()).isNotEqualTo(one.fingerprint());
        assertThat(LockComparison.diff(one, other)).isNotEmpty();
    }

    @Test
    void thePlatformNeverChangesTheFingerprint() {
        Locale locale = Locale.getDefault();
        TimeZone zone = TimeZone.getDefault();
        Fingerprint fingerprint = device(7).fingerprint();
        try {
            for (String language : List.of("tr-TR", "ar-EG", "hi-IN-u-nu-deva", "de-DE")) {
                Locale.setDefault(Locale.forLanguageTag(language));
                TimeZone.setDefault(TimeZone.getTimeZone("Pacific/Kiritimati"));
                assertThat(device(7).fingerprint()).as(language).isEqualTo(fingerprint);
            }
        } finally {
            Locale.setDefault(locale);
            TimeZone.setDefault(zone);
        }
    }

    /** Computed with Python and b3sum; every machine has to come to it. */
    @Test
    void aKnownLockHasItsKnownFingerprintEverywhere() {
        var configuration =
                new JsonObject(Map.of("k\u20ac\ud83d\ude00", new JsonString("\u0130i\u0131I")));
        byte[] content = "content".getBytes(StandardCharsets.UTF_8);
        var artefact = new Artefact(Fingerprint.of(content), content.length, "0644");
        var files = new EnumMap<Architecture, Map<String, Artefact>>(Architecture.class);
        for (Architecture each : Architecture.values())
            files.put(each, Map.of("lib/a.jar", artefact));
        assertThat(
                        new DeviceLock(ReleaseLock.of("0.1.0", files), configuration)
                                .fingerprint()
                                .value())
                .isEqualTo(
                        "blake3:34eeef207dbaf694d4020c43f7b26e717ad8dec9234034c3df18aba52e2178a7");
    }
}
