package io.edged.wal;

import io.edged.otlp.Signal;

import java.util.Arrays;

/** Items of frames and bytes of their bodies, by lane and signal. Adding allocates nothing. */
final class Tally {

    private static final int SIGNALS = Signal.values().length;

    private final long[] items;
    private final long[] bytes;

    Tally(int lanes) {
        items = new long[lanes * SIGNALS];
        bytes = new long[lanes * SIGNALS];
    }

    void clear() {
        Arrays.fill(items, 0);
        Arrays.fill(bytes, 0);
    }

    /**
     * @param bodyBytes as {@link Frame#bodyBytes} has them
     */
    void add(int lane, Signal signal, int frameItems, int bodyBytes) {
        int slot = slot(lane, signal);
        items[slot] += frameItems;
        bytes[slot] += bodyBytes;
    }

    long items(int lane, Signal signal) {
        return items[slot(lane, signal)];
    }

    long bytes(int lane, Signal signal) {
        return bytes[slot(lane, signal)];
    }

    private static int slot(int lane, Signal signal) {
        return lane * SIGNALS + Lanes.slot(signal);
    }
}
