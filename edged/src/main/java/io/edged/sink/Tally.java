package io.edged.sink;

import io.edged.drain.EdgeBatch;
import io.edged.otlp.ProtobufReader.MalformedException;
import io.edged.otlp.Signal;

import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Counts what a sink receives. An upload counts as a whole or not at all. Any thread may call; all
 * state is guarded by the object.
 */
final class Tally implements AutoCloseable {
    static final int MAX_RUNS = 64;
    static final long MAX_ID = 32L << 20;
    static final int LAST_RECORDS = 20;
    private static final int MAX_TEXT = 120;

    private record RunKey(String run, Signal signal) {}

    private record Item(String text, String run, long id) {}

    private final boolean discardRepeats;
    private final Optional<BufferedWriter> record;
    private final BatchRecord batches = new BatchRecord();
    private final Map<RunKey, IdSet> runs = new LinkedHashMap<>();
    private final Map<Signal, Long> items = new EnumMap<>(Signal.class);
    private final ArrayDeque<String> last = new ArrayDeque<>();
    private long requests;
    private long refused;
    private long discarded;
    private long batchParts;
    private long repeatedBatchParts;
    private long badBatchHeaders;

    Tally(boolean discardRepeats, Optional<Path> record) throws IOException {
        this.discardRepeats = discardRepeats;
        this.record =
                record.isPresent()
                        ? Optional.of(Files.newBufferedWriter(record.get()))
                        : Optional.empty();
        for (Signal signal : Signal.values()) items.put(signal, 0L);
    }

    /** An upload that was answered with an error, or not at all. */
    synchronized void refused() {
        refused++;
    }

    /**
     * Counts an upload that is about to be answered with success.
     *
     * @param batch the {@code edge-batch} header, if there was one
     * @throws MalformedException nothing was counted
     * @throws IOException the record file could not be written
     */
    synchronized void accept(Signal signal, byte[] body, Optional<String> batch)
            throws MalformedException, IOException {
        var found = new ArrayList<Item>();
        OtlpWalk.walk(signal, body, (text, run, id) -> found.add(new Item(text, run, id)));
        requests++;
        if (batch.isPresent() && isRepeat(batch.get()) && discardRepeats) {
            discarded++;
            return;
        }
        items.merge(signal, (long) found.size(), Long::sum);
        for (Item item : found) count(signal, item);
    }

    /** Counts and remembers the header's parts; true if all of them were known. */
    private boolean isRepeat(String header) {
        EdgeBatch batch;
        try {
            batch = EdgeBatch.parse(header);
        } catch (IllegalArgumentException notOne) {
            badBatchHeaders++;
            return false;
        }
        long parts = BatchRecord.parts(batch);
        long repeats = batches.repeats(batch);
        batchParts += parts;
        repeatedBatchParts += repeats;
        if (!batches.record(batch)) badBatchHeaders++;
        return repeats == parts;
    }

    private void count(Signal signal, Item item) throws IOException {
        show(signal, item);
        if (item.id() == 0) return;
        var key = new RunKey(item.run(), signal);
        IdSet ids = runs.get(key);
        if (ids == null) {
            // A sink that runs for weeks forgets the oldest producers rather than the newest.
            if (runs.size() >= MAX_RUNS) runs.remove(runs.keySet().iterator().next());
            ids = new IdSet(MAX_ID);
            runs.put(key, ids);
        }
        ids.add(item.id());
        if (record.isPresent())
            record.get()
                    .append(clean(item.run()))
                    .append(' ')
                    .append(signal.label())
                    .append(' ')
                    .append(Long.toString(item.id()))
                    .append('\n');
    }

    private void show(Signal signal, Item item) {
        if (last.size() == LAST_RECORDS) last.removeFirst();
        String number = item.id() == 0 ? "" : " #" + item.id();
        last.addLast(signal.label() + number + " " + clean(item.text()));
    }

    /** What a client wrote, fit for a terminal. */
    private static String clean(String text) {
        String cut = text.length() > MAX_TEXT ? text.substring(0, MAX_TEXT) + "…" : text;
        return cut.replaceAll("[\\p{Cntrl}\\p{Cf}\\u2028\\u2029]", " ");
    }

    /** The counts until now; what was recorded is in the file when this returns. */
    synchronized SinkStats stats() throws IOException {
        if (record.isPresent()) record.get().flush();
        List<SinkStats.Run> each = new ArrayList<>();
        runs.forEach((key, ids) ->
                each.add(
                        new SinkStats.Run(
                                key.run(),
                                key.signal(),
                                ids.distinct(),
                                ids.repeats(),
                                ids.highest(),
                                ids.notRemembered())));
        return new SinkStats(
                requests,
                refused,
                discarded,
                Map.copyOf(items),
                batchParts,
                repeatedBatchParts,
                badBatchHeaders,
                each,
                List.copyOf(last));
    }

    @Override
    public synchronized void close() throws IOException {
        if (record.isPresent()) record.get().close();
    }
}
