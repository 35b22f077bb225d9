package io.edged.wal;

import java.util.Map;

/**
 * What became of the items of one frame at one destination.
 *
 * @param delivered items that the destination accepted
 * @param deadLettered items now in the dead letter log
 * @param dropped items given up, by reason; reasons are a small fixed set such as {@code
 *     rejected_upstream}
 */
public record Settlement(int delivered, int deadLettered, Map<String, Integer> dropped) {
    public Settlement {
        dropped = Map.copyOf(dropped);
        if (delivered < 0 || deadLettered < 0 || dropped.values().stream().anyMatch(n -> n <= 0))
            throw new IllegalArgumentException(
                    "counts must not be negative: "
                            + delivered
                            + ", "
                            + deadLettered
                            + ", "
                            + dropped);
    }

    public static Settlement delivered(int items) {
        return new Settlement(items, 0, Map.of());
    }

    public int items() {
        return delivered
                + deadLettered
                + dropped.values().stream().mapToInt(Integer::intValue).sum();
    }
}
