package io.edged.drain;

/**
 * How a lane shares a destination with the others.
 *
 * @param lane its name
 * @param sharePercent of the bytes sent that it gets at least while it has data; 0 to 100
 * @param newestFirst whether what came last is sent first
 */
public record LanePolicy(String lane, int sharePercent, boolean newestFirst) {

    /** What a lane is guaranteed where nobody says otherwise. */
    public static final int DEFAULT_SHARE_PERCENT = 5;

    public LanePolicy {
        lane = new Lane(lane).name();
        if (sharePercent < 0 || sharePercent > 100)
            throw new IllegalArgumentException(
                    "sharePercent of lane " + lane + " must be 0 to 100, was " + sharePercent);
    }

    static LanePolicy of(String lane) {
        return new LanePolicy(lane, DEFAULT_SHARE_PERCENT, false);
    }
}
