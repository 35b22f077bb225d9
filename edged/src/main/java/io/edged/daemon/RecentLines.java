package io.edged.daemon;

import java.util.ArrayDeque;
import java.util.List;

/**
 * The last lines of the log, in memory, for who looks at a daemon without its journal. Bounded by
 * number and by characters. Any thread.
 */
public final class RecentLines {

    private final int maxLines;
    private final int maxCharacters;
    private final ArrayDeque<String> lines = new ArrayDeque<>();
    private long characters;

    RecentLines(int maxLines, int maxCharacters) {
        this.maxLines = maxLines;
        this.maxCharacters = maxCharacters;
    }

    synchronized void add(String line) {
        lines.add(line);
        characters += line.length();
        while (lines.size() > maxLines || (characters > maxCharacters && lines.size() > 1))
            characters -= lines.remove().length();
    }

    /** Oldest first. */
    public synchronized List<String> lines() {
        return List.copyOf(lines);
    }
}
