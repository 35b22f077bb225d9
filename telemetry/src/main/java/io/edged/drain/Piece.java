package io.edged.drain;

import io.edged.wal.Frame;

/**
 * Items {@code first} to {@code last} of a frame, counted from 0: all of them, until a refusal
 * splits the frame.
 */
record Piece(Frame frame, int first, int last) {

    static Piece whole(Frame frame) {
        return new Piece(frame, 0, frame.items() - 1);
    }

    boolean isWhole() {
        return first == 0 && last == frame.items() - 1;
    }

    int items() {
        return last - first + 1;
    }

    long seq() {
        return frame.seq();
    }

    EdgeBatch.Part named() {
        return isWhole()
                ? new EdgeBatch.Part.Frames(seq(), seq())
                : new EdgeBatch.Part.Items(seq(), first, last);
    }
}
