package io.edged.drain;

import io.edged.wal.Frame;

import java.util.List;

/**
 * Decides which lane a frame travels in. It must give the same answer for the same frame always.
 */
public interface LaneRule {

    /** Every lane that {@link #laneOf} can answer with, in the order in which they drain. */
    List<Lane> lanes();

    Lane laneOf(Frame frame);

    /** Everything in {@link Lane#ALL}. */
    static LaneRule single() {
        return new LaneRule() {
            @Override
            public List<Lane> lanes() {
                return List.of(Lane.ALL);
            }

            @Override
            public Lane laneOf(Frame frame) {
                return Lane.ALL;
            }
        };
    }
}
