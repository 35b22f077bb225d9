package io.edged.sink;

import static org.assertj.core.api.Assertions.assertThat;

import io.edged.drain.EdgeBatch;

import org.junit.jupiter.api.Test;

class BatchRecordTest {
    private static final String SOURCE = "edge-0001/0123456789abcdef/logs/logs";
    private final BatchRecord record = new BatchRecord();

    private static EdgeBatch header(String parts) {
        return EdgeBatch.parse(SOURCE + " " + parts);
    }

    @Test
    void partsAreRecordsAndSlices() {
        assertThat(BatchRecord.parts(header("1,5,9-12,7[0-499]"))).isEqualTo(7);
    }

    @Test
    void repeatsAreExactParts() {
        assertThat(record.repeats(header("1-10"))).isZero();
        record.record(header("1-10"));
        assertThat(record.repeats(header("8-12,20"))).isEqualTo(3);
        assertThat(record.repeats(header("3[0-4]"))).isEqualTo(1);
    }

    @Test
    void aSliceIsARepeatOnlyOfWhatCoversIt() {
        record.record(header("7[0-499]"));
        record.record(header("7[500-999]"));
        assertThat(record.repeats(header("7[100-900]"))).isEqualTo(1);
        assertThat(record.repeats(header("7[900-1000]"))).isZero();
        assertThat(record.repeats(header("7"))).isZero();
        assertThat(record.repeats(header("8[0-499]"))).isZero();
    }

    @Test
    void sourcesHaveNothingInCommon() {
        record.record(header("1-10"));
        var other = EdgeBatch.parse("edge-0002/0123456789abcdef/logs/logs 1-10");
        assertThat(record.repeats(other)).isZero();
    }

    @Test
    void sourcesAreBounded() {
        for (int i = 0; i < 256; i++)
            assertThat(record.record(EdgeBatch.parse("n" + i + "/0123456789abcdef/a/logs 1")))
                    .isTrue();
        assertThat(record.record(header("1"))).isFalse();
    }
}
