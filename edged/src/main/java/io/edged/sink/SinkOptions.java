package io.edged.sink;

import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/**
 * Where a sink listens and how it behaves.
 *
 * @param address where to listen; port 0 takes a free one
 * @param failFor how long from the start every upload is answered with 503
 * @param silentFor how long from the start no upload is answered
 * @param discardRepeats answer, but do not count again, an upload all of whose parts are recorded
 * @param record a file that gets one line for each identified item, {@code run signal id}
 */
public record SinkOptions(
        InetSocketAddress address,
        Duration failFor,
        Duration silentFor,
        boolean discardRepeats,
        Optional<Path> record) {
    public SinkOptions {
        if (failFor.isNegative() || silentFor.isNegative())
            throw new IllegalArgumentException(
                    "durations must not be negative: " + failFor + ", " + silentFor);
    }

    /** Answers everything with success. */
    public static SinkOptions at(InetSocketAddress address) {
        return new SinkOptions(address, Duration.ZERO, Duration.ZERO, false, Optional.empty());
    }
}
