package io.edged.lock;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.util.Arrays;
import java.util.stream.LongStream;

class CanonicalJsonPropertyTest {

    static LongStream seeds() {
        return LongStream.range(0, 50);
    }

    @ParameterizedTest(name = "seed {0}")
    @MethodSource("seeds")
    void canonicalTextIsItsOwnCanonicalForm(long seed) throws JsonException {
        byte[] canonical = CanonicalJson.bytes(new RandomJson(seed).value(5));
        assertThat(CanonicalJson.canonicalize(canonical)).isEqualTo(canonical);
    }

    @ParameterizedTest(name = "seed {0}")
    @MethodSource("seeds")
    void orderSpaceAndSpellingDoNotMatter(long seed) throws JsonException {
        var random = new RandomJson(seed);
        JsonValue value = random.object(5);
        byte[] canonical = CanonicalJson.bytes(value);
        for (int i = 0; i < 5; i++) {
            byte[] spelled = random.spelled(value);
            assertThat(CanonicalJson.parse(spelled)).isEqualTo(value);
            assertThat(CanonicalJson.canonicalize(spelled)).isEqualTo(canonical);
        }
        assertThat(CanonicalJson.parse(CanonicalJson.prettyBytes(value))).isEqualTo(value);
    }

    @ParameterizedTest(name = "seed {0}")
    @MethodSource("seeds")
    void differentValuesHaveDifferentBytes(long seed) {
        JsonValue one = new RandomJson(seed).object(3);
        JsonValue other = new RandomJson(seed + 1).object(3);
        assertThat(Arrays.equals(CanonicalJson.bytes(one), CanonicalJson.bytes(other)))
                .isEqualTo(one.equals(other));
    }
}
