package io.edged.sink;

import io.edged.otlp.Signal;

import java.util.List;
import java.util.Map;

/**
 * What a sink has received until now.
 *
 * @param requests uploads that were answered with success
 * @param refused uploads that were answered with an error or not at all
 * @param discarded uploads that were repeats as a whole and not counted again
 * @param items items in successful uploads, by signal, repeats included
 * @param batchParts parts named by {@code edge-batch} headers of successful uploads
 * @param repeatedBatchParts those of them that had been recorded before
 * @param badBatchHeaders headers that could not be read, or that named more than is remembered
 * @param runs what each producer's numbers say, by run and signal
 * @param lastRecords the newest last, one line each
 */
public record SinkStats(
        long requests,
        long refused,
        long discarded,
        Map<Signal, Long> items,
        long batchParts,
        long repeatedBatchParts,
        long badBatchHeaders,
        List<Run> runs,
        List<String> lastRecords) {

    /**
     * The numbered items of one run of a producer.
     *
     * @param distinct different numbers
     * @param repeats numbers that came again
     * @param highest the largest number
     * @param notRemembered items whose number was too large to be remembered
     */
    public record Run(
            String run,
            Signal signal,
            long distinct,
            long repeats,
            long highest,
            long notRemembered) {

        /** Numbers from 1 to the largest that have not come. */
        public long missing() {
            return highest - distinct;
        }
    }

    public long allItems() {
        return items.values().stream().mapToLong(Long::longValue).sum();
    }

    public long distinctIds() {
        return runs.stream().mapToLong(Run::distinct).sum();
    }

    public long repeatedIds() {
        return runs.stream().mapToLong(Run::repeats).sum();
    }

    public long missingIds() {
        return runs.stream().mapToLong(Run::missing).sum();
    }
}
