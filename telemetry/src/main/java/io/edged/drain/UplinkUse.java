package io.edged.drain;

import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;

/**
 * What limits have to remember of a destination.
 *
 * @param paused whether the operator wants nothing to be sent
 * @param hours bytes sent, by hours since the epoch
 * @param month months since the year 0, and the bytes sent in it
 */
record UplinkUse(boolean paused, Map<Long, Long> hours, long month, long monthBytes) {

    static final UplinkUse NONE = new UplinkUse(false, Map.of(), 0, 0);

    UplinkUse {
        hours = Collections.unmodifiableMap(new TreeMap<>(hours));
    }

    UplinkUse paused(boolean pause) {
        return new UplinkUse(pause, hours, month, monthBytes);
    }

    UplinkUse used(Map<Long, Long> byHour, long inMonth, long bytes) {
        return new UplinkUse(paused, byHour, inMonth, bytes);
    }
}
