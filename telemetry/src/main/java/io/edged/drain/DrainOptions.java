package io.edged.drain;

import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What is drained from here, and where to.
 *
 * @param node names this device in {@code edge-batch}: 1 to 128 letters, digits, {@code . - _}
 * @param serviceName {@code service.name} of the log records that events become
 * @param resource further attributes of the resource of these log records
 * @param destinations each with a name of its own
 * @param lanes how the log's lanes share each destination; at most one for each lane
 * @param limits of destinations, by name; those without have none
 * @param closeTimeout how long {@link Drain#close} waits for answers
 */
public record DrainOptions(
        String node,
        String serviceName,
        Map<String, String> resource,
        List<DestinationOptions> destinations,
        List<LanePolicy> lanes,
        Map<String, UplinkLimits> limits,
        Duration closeTimeout) {

    public static final String DEFAULT_SERVICE_NAME = "edged";

    public DrainOptions {
        resource = Collections.unmodifiableSortedMap(new TreeMap<>(resource));
        destinations = List.copyOf(destinations);
        lanes = List.copyOf(lanes);
        limits = Map.copyOf(limits);
        EdgeBatch.checkNode(node);
        if (serviceName.isBlank() || serviceName.length() > 255)
            throw new IllegalArgumentException("serviceName must be 1 to 255 characters");
        if (destinations.stream().map(DestinationOptions::name).distinct().count()
                != destinations.size())
            throw new IllegalArgumentException("each destination needs a name of its own");
        if (lanes.stream().map(LanePolicy::lane).distinct().count() != lanes.size())
            throw new IllegalArgumentException("a lane has one policy");
        if (closeTimeout.isNegative())
            throw new IllegalArgumentException("closeTimeout must not be negative");
    }

    /** With the default policy for each lane. */
    public DrainOptions(
            String node,
            String serviceName,
            Map<String, String> resource,
            List<DestinationOptions> destinations,
            Duration closeTimeout) {
        this(node, serviceName, resource, destinations, List.of(), Map.of(), closeTimeout);
    }
}
