package io.edged.sink;

import io.edged.sink.BatchHeader.Slice;
import io.edged.sink.Ranges.Range;

import java.util.HashMap;
import java.util.Map;

/** Which parts of which batches were received, in bounded memory. */
final class BatchRecord {
    private static final int MAX_SOURCES = 256;
    private static final int MAX_RUNS = 100_000;
    private static final int MAX_SLICED = 10_000;
    private static final int MAX_SLICE_RUNS = 1_000;

    private static final class Source {
        final Ranges records = new Ranges(MAX_RUNS);
        final Map<Long, Ranges> slices = new HashMap<>();
    }

    private final Map<String, Source> sources = new HashMap<>();

    /** How many of the parts were recorded before; a slice also when its whole record was. */
    long repeats(BatchHeader batch) {
        Source source = sources.get(batch.source());
        if (source == null) return 0;
        long repeats = 0;
        for (Range records : batch.records()) repeats += source.records.count(records);
        for (Slice slice : batch.slices()) {
            Ranges items = source.slices.get(slice.seq());
            boolean whole = source.records.count(new Range(slice.seq(), slice.seq())) == 1;
            boolean part = items != null && items.count(slice.items()) == slice.items().size();
            if (whole || part) repeats++;
        }
        return repeats;
    }

    /** Remembers every part; false if there was no room for all of them. */
    boolean record(BatchHeader batch) {
        Source source = sources.get(batch.source());
        if (source == null) {
            if (sources.size() >= MAX_SOURCES) return false;
            source = new Source();
            sources.put(batch.source(), source);
        }
        boolean all = true;
        for (Range records : batch.records()) all &= source.records.add(records);
        for (Slice slice : batch.slices()) {
            Ranges items = source.slices.get(slice.seq());
            if (items == null && source.slices.size() < MAX_SLICED) {
                items = new Ranges(MAX_SLICE_RUNS);
                source.slices.put(slice.seq(), items);
            }
            all &= items != null && items.add(slice.items());
        }
        return all;
    }
}
