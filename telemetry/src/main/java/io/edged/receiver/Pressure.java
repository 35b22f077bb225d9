package io.edged.receiver;

import java.time.Duration;

/** What the receiver asks when it has to tell a client when to come back. Any thread. */
public interface Pressure {

    /** Knows nothing; clients are told what a reason usually takes. */
    Pressure UNKNOWN =
            new Pressure() {
                @Override
                public Duration untilRoom() {
                    return Duration.ofSeconds(RetryHints.USUAL_SECONDS_UNTIL_ROOM);
                }

                @Override
                public Duration diskBusy() {
                    return Duration.ZERO;
                }
            };

    /** How long it will be, as far as one can tell, until a full log has room again. */
    Duration untilRoom();

    /** How long the disk has been at work on what it does now. */
    Duration diskBusy();
}
