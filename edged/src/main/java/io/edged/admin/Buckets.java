package io.edged.admin;

import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.Tag;
import io.micrometer.core.instrument.config.MeterFilter;
import io.micrometer.core.instrument.distribution.DistributionStatisticConfig;

import java.util.Arrays;
import java.util.List;

/**
 * The bucket layout of every histogram, one for each kind of measure, whatever a component asks
 * for: layouts that are the same can be added up and compared over meters, devices and versions.
 */
final class Buckets implements MeterFilter {

    /** From the force of a good solid-state disk to a request that runs into its timeout. */
    static final double[] SECONDS = {
        0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5, 30
    };

    static final double[] BYTES = {
        256, 1 << 10, 4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20, 4 << 20, 16 << 20, 64 << 20
    };

    static final double[] COUNTS = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 4096};

    private static final double NANOS = 1e9;

    private static final String REFUSED_BYTES = "edged.receiver.refused.bytes";

    /**
     * Refused bytes go by transport and reason; the signal stands on refused requests and items. A
     * scrape has to fit a slow link.
     */
    @Override
    public Meter.Id map(Meter.Id id) {
        if (!id.getName().equals(REFUSED_BYTES)) return id;
        List<Tag> kept =
                id.getTags().stream().filter(tag -> !tag.getKey().equals("signal")).toList();
        return id.replaceTags(kept);
    }

    @Override
    public DistributionStatisticConfig configure(Meter.Id id, DistributionStatisticConfig config) {
        double[] layout =
                switch (id.getType()) {
                    case TIMER, LONG_TASK_TIMER ->
                            Arrays.stream(SECONDS).map(bound -> bound * NANOS).toArray();
                    case DISTRIBUTION_SUMMARY -> "bytes".equals(id.getBaseUnit()) ? BYTES : COUNTS;
                    case COUNTER, GAUGE, OTHER -> new double[0];
                };
        if (layout.length == 0 || !id.getName().startsWith("edged.")) return config;
        return DistributionStatisticConfig.builder()
                .serviceLevelObjectives(layout)
                .build()
                .merge(config);
    }
}
