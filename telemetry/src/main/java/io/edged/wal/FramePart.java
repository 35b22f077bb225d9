package io.edged.wal;

import java.util.Optional;

/**
 * Some items of a frame that are sent on their own, because the whole was refused: {@code first} to
 * {@code last}, counted from 0.
 *
 * @param settled what became of them; empty while that is open
 */
public record FramePart(int first, int last, Optional<Settlement> settled) {

    public FramePart {
        if (first < 0 || last < first)
            throw new IllegalArgumentException("a part runs upwards, was " + first + "-" + last);
        if (settled.isPresent() && settled.get().items() != last - first + 1)
            throw new IllegalArgumentException(
                    settled.get() + " for items " + first + " to " + last);
    }

    public int items() {
        return last - first + 1;
    }
}
