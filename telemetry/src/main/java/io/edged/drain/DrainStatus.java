package io.edged.drain;

import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * How one destination is doing, for status pages and health checks.
 *
 * @param lastError what went wrong last and what to check, without secrets; empty once something
 *     was delivered after it
 * @param inFlight requests without an answer
 * @param refusedFrames frames that the destination refuses, kept in the log and tried again slowly
 * @param refusedFramesLimit at this number nothing further is read
 * @param oldestUndelivered sequence of the oldest frame that was read and is not settled
 * @param oldestWrittenAt when that frame was written
 * @param settledTo every frame up to this number is settled, over all lanes
 * @param limitedBy why nothing is sent now, and until when: paused, a drain window, a byte budget,
 *     an open circuit, bytes per second
 * @param lanes each lane, in their order
 */
public record DrainStatus(
        String destination,
        State state,
        Optional<String> lastError,
        int inFlight,
        int refusedFrames,
        int refusedFramesLimit,
        OptionalLong oldestUndelivered,
        Optional<Instant> oldestWrittenAt,
        long settledTo,
        Optional<String> limitedBy,
        List<LaneStatus> lanes) {

    public DrainStatus {
        lanes = List.copyOf(lanes);
    }

    /**
     * How one lane is doing.
     *
     * @param settledTo every frame of the lane up to this number is settled
     * @param inFlight requests without an answer
     * @param waiting frames that were found and not sent yet; of a long backlog only its begin
     * @param oldestWrittenAt when the oldest frame was written that was found and is not settled
     */
    public record LaneStatus(
            String lane,
            long settledTo,
            int inFlight,
            int waiting,
            Optional<Instant> oldestWrittenAt) {}

    public enum State {
        /** Requests go out, or there is nothing to send. */
        DELIVERING,
        /** The destination cannot be reached or is busy: data waits, probes follow. */
        WAITING,
        /**
         * The destination answers in a way that an operator must look at, see {@link #lastError}:
         * data waits, probes follow. Not ready.
         */
        FAULT,
        /** More frames were refused than are stepped over: nothing further is read. Not ready. */
        REFUSING,
        /** A byte budget is used up, or no drain window is open, see {@link #limitedBy}. */
        LIMITED,
        /** The operator wants nothing to be sent for now. */
        PAUSED,
        /** The log cannot be read any more. */
        FAILED,
        /** Closed. */
        STOPPED
    }
}
