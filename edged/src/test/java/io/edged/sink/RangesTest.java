package io.edged.sink;

import static org.assertj.core.api.Assertions.assertThat;

import io.edged.sink.Ranges.Range;

import org.junit.jupiter.api.Test;

import java.util.HashSet;
import java.util.Random;
import java.util.Set;
import java.util.stream.LongStream;

class RangesTest {

    @Test
    void rangesAgreeWithAPlainSet() {
        for (int seed = 0; seed < 50; seed++) {
            var random = new Random(seed);
            var ranges = new Ranges(1000);
            Set<Long> model = new HashSet<>();
            for (int step = 0; step < 200; step++) {
                long from = 1L + random.nextInt(300);
                var range = new Range(from, from + random.nextInt(12));
                long expected =
                        LongStream.rangeClosed(range.from(), range.to())
                                .filter(model::contains)
                                .count();
                assertThat(ranges.count(range)).as("seed %d", seed).isEqualTo(expected);
                if (random.nextBoolean()) {
                    assertThat(ranges.add(range)).isTrue();
                    LongStream.rangeClosed(range.from(), range.to()).forEach(model::add);
                }
            }
        }
    }

    @Test
    void holesAreBoundedButNeighboursStillFit() {
        var ranges = new Ranges(2);
        assertThat(ranges.add(new Range(1, 1))).isTrue();
        assertThat(ranges.add(new Range(5, 5))).isTrue();
        assertThat(ranges.add(new Range(9, 9))).isFalse();
        assertThat(ranges.add(new Range(2, 4))).isTrue();
        assertThat(ranges.add(new Range(9, 9))).isTrue();
        assertThat(ranges.count(new Range(1, 9))).isEqualTo(6);
    }

    @Test
    void theLargestNumberHasNoNeighbour() {
        var ranges = new Ranges(2);
        assertThat(ranges.add(new Range(Long.MAX_VALUE, Long.MAX_VALUE))).isTrue();
        assertThat(ranges.count(new Range(1, Long.MAX_VALUE))).isEqualTo(1);
    }
}
