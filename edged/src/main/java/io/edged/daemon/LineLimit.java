package io.edged.daemon;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * How many lines one template may write: {@code burst} in each window, which opens with a
 * template's first line; what came above that is summed up once, when the window closes. Templates
 * above {@code maxTemplates} share one allowance, so the table cannot grow with what it is given.
 *
 * <p>Pure: time comes in. Not thread-safe.
 */
public final class LineLimit {

    /** Stands for all templates that the table has no room for. */
    static final String OTHERS = "(other messages)";

    /** Lines of one template that were held back in the window that has closed. */
    public record Summary(String template, long suppressed) {}

    private static final class Window {
        final long openedNanos;
        int written;
        long suppressed;

        Window(long openedNanos) {
            this.openedNanos = openedNanos;
        }
    }

    private final int burst;
    private final long windowNanos;
    private final int maxTemplates;
    private final Map<String, Window> windows = new HashMap<>();

    public LineLimit(int burst, Duration window, int maxTemplates) {
        if (burst < 1 || maxTemplates < 1 || !window.isPositive())
            throw new IllegalArgumentException(
                    "burst, window and maxTemplates must be positive, were "
                            + burst
                            + ", "
                            + window
                            + ", "
                            + maxTemplates);
        this.burst = burst;
        this.windowNanos = window.toNanos();
        this.maxTemplates = maxTemplates;
    }

    /** Whether a line of this template may be written now; if not, it is counted. */
    public boolean admit(String template, long nowNanos) {
        Window window = windows.get(template);
        if (window == null || (isOver(window, nowNanos) && window.suppressed == 0))
            window = open(template, nowNanos);
        // A window that is over but owes its summary stays until the summary was taken.
        if (window.written < burst && !isOver(window, nowNanos)) {
            window.written++;
            return true;
        }
        window.suppressed++;
        return false;
    }

    private Window open(String template, long nowNanos) {
        if (!windows.containsKey(template) && windows.size() >= maxTemplates) {
            windows.values().removeIf(old -> isOver(old, nowNanos) && old.suppressed == 0);
            if (windows.size() >= maxTemplates) {
                Window others = windows.get(OTHERS);
                if (others != null && !(isOver(others, nowNanos) && others.suppressed == 0))
                    return others;
                return put(OTHERS, nowNanos);
            }
        }
        return put(template, nowNanos);
    }

    private Window put(String template, long nowNanos) {
        var window = new Window(nowNanos);
        windows.put(template, window);
        return window;
    }

    /** What the windows that are over have held back; each is told once. */
    public List<Summary> closed(long nowNanos) {
        return take(nowNanos, false);
    }

    /** What every window has held back until now, for the last lines of a process. */
    public List<Summary> all() {
        return take(0, true);
    }

    private List<Summary> take(long nowNanos, boolean every) {
        var summaries = new ArrayList<Summary>();
        var each = windows.entrySet().iterator();
        while (each.hasNext()) {
            var entry = each.next();
            Window window = entry.getValue();
            if (window.suppressed == 0 || !(every || isOver(window, nowNanos))) continue;
            summaries.add(new Summary(entry.getKey(), window.suppressed));
            each.remove();
        }
        return summaries;
    }

    private boolean isOver(Window window, long nowNanos) {
        return nowNanos - window.openedNanos >= windowNanos;
    }

    /** Whether some window has held lines back and so owes a summary. */
    public boolean owesSummary() {
        return windows.values().stream().anyMatch(window -> window.suppressed > 0);
    }

    int templates() {
        return windows.size();
    }
}
