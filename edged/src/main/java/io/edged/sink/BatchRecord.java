package io.edged.sink;

import io.edged.drain.EdgeBatch;
import io.edged.drain.EdgeBatch.Part.Frames;
import io.edged.drain.EdgeBatch.Part.Items;
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

        boolean holds(Items slice) {
            if (records.count(new Range(slice.seq(), slice.seq())) == 1) return true;
            Ranges items = slices.get(slice.seq());
            var wanted = new Range(slice.first(), slice.last());
            return items != null && items.count(wanted) == wanted.size();
        }

        boolean add(Items slice) {
            Ranges items = slices.get(slice.seq());
            if (items == null) {
                if (slices.size() >= MAX_SLICED) return false;
                items = new Ranges(MAX_SLICE_RUNS);
                slices.put(slice.seq(), items);
            }
            return items.add(new Range(slice.first(), slice.last()));
        }
    }

    private final Map<String, Source> sources = new HashMap<>();

    /** How many records and slices of records a batch names. */
    static long parts(EdgeBatch batch) {
        long parts = 0;
        for (EdgeBatch.Part part : batch.parts())
            parts +=
                    switch (part) {
                        case Frames(long from, long to) -> new Range(from, to).size();
                        case Items _ -> 1;
                    };
        return parts;
    }

    /** How many of the parts were recorded before; a slice also when its whole record was. */
    long repeats(EdgeBatch batch) {
        Source source = sources.get(batch.source());
        if (source == null) return 0;
        long repeats = 0;
        for (EdgeBatch.Part part : batch.parts())
            repeats +=
                    switch (part) {
                        case Frames(long from, long to) ->
                                source.records.count(new Range(from, to));
                        case Items slice -> source.holds(slice) ? 1 : 0;
                    };
        return repeats;
    }

    /** Remembers every part; false if there was no room for all of them. */
    boolean record(EdgeBatch batch) {
        Source source = sources.get(batch.source());
        if (source == null) {
            if (sources.size() >= MAX_SOURCES) return false;
            source = new Source();
            sources.put(batch.source(), source);
        }
        boolean all = true;
        for (EdgeBatch.Part part : batch.parts())
            all &=
                    switch (part) {
                        case Frames(long from, long to) -> source.records.add(new Range(from, to));
                        case Items slice -> source.add(slice);
                    };
        return all;
    }
}
