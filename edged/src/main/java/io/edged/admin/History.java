package io.edged.admin;

import com.fasterxml.jackson.core.JsonGenerator;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.List;
import java.util.function.Supplier;

/**
 * The last quarter of an hour in steps of {@link #STEP}, for the charts of the status page. Any
 * thread.
 */
public final class History {

    public static final Duration STEP = Duration.ofSeconds(5);
    static final int MAX_ROWS = 180;

    private final Supplier<Flow> now;
    private final ArrayDeque<Flow> rows = new ArrayDeque<>();

    public History(Supplier<Flow> now) {
        this.now = now;
    }

    /** Adds a row; call it every {@link #STEP}. */
    public void sample() {
        Flow row = now.get();
        synchronized (this) {
            rows.add(row);
            if (rows.size() > MAX_ROWS) rows.remove();
        }
    }

    private synchronized List<Flow> rows() {
        return List.copyOf(rows);
    }

    /** The figures of this moment, as members of a JSON object. */
    public void writeNow(JsonGenerator json) throws IOException {
        now.get().writeMembers(json);
    }

    /** All rows, oldest first, as members of a JSON object. Counters restart with the process. */
    public void write(JsonGenerator json) throws IOException {
        json.writeNumberField("step_seconds", STEP.toSeconds());
        json.writeArrayFieldStart("columns");
        for (String column : Flow.COLUMNS) json.writeString(column);
        json.writeEndArray();
        json.writeArrayFieldStart("rows");
        for (Flow row : rows()) row.writeRow(json);
        json.writeEndArray();
    }
}
