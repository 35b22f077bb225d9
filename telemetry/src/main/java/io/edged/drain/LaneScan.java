package io.edged.drain;

import io.edged.wal.Frame;
import io.edged.wal.Lanes;
import io.edged.wal.LogReader;
import io.edged.wal.WalException;

import java.util.List;

/**
 * Reads the headers of the log once for all lanes of a destination, so that a new frame of any lane
 * is found behind a backlog of the others. Bodies stay on disk.
 */
final class LaneScan implements AutoCloseable {

    /** Headers in one turn, so that answers do not wait for a long scan. */
    static final int FRAMES = 1_024;

    private final LogReader reader;
    private final Lanes lanes;
    private final List<LaneProgress> progress;
    private long to;

    /**
     * @param reader stands where the lane that is furthest behind stands
     * @param progress by place in the order of lanes
     */
    LaneScan(LogReader reader, long from, Lanes lanes, List<LaneProgress> progress) {
        this.reader = reader;
        this.to = from;
        this.lanes = lanes;
        this.progress = progress;
    }

    /**
     * Reads some headers into the lanes that have room.
     *
     * @return whether there is more to read at once
     */
    boolean step(long now) throws WalException {
        boolean more = common(now);
        for (LaneProgress lane : progress) {
            more |= lane.scanOwn(to, now);
            lane.scannedTo(to);
            lane.allow(to);
            lane.pass();
        }
        return more;
    }

    private boolean common(long now) throws WalException {
        for (int i = 0; i < FRAMES; i++) {
            switch (reader.next()) {
                case LogReader.Next.Read(Frame frame) -> {
                    LaneProgress lane = progress.get(lanes.of(frame));
                    // First, for a lane without room is left behind in front of the frame.
                    lane.scannedTo(to);
                    to = frame.seq();
                    lane.found(frame, now);
                }
                case LogReader.Next.Missing missing -> to = missing.to();
                case LogReader.Next.AtEnd() -> {
                    return false;
                }
            }
        }
        return true;
    }

    @Override
    public void close() {
        reader.close();
        progress.forEach(LaneProgress::close);
    }
}
