package io.edged.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * Many scrapes leave nothing behind. {@code make soak-scrape} takes 10,000 and prints what one
 * costs.
 */
class ScrapesTest {

    private static final int COUNT = Integer.getInteger("scrape.count", 400);

    /** What a collection may leave more than the one before by chance. */
    private static final long NOISE_BYTES = 3 << 20;

    @TempDir Path directory;

    @Test
    void manyScrapesLeaveNothingBehind() throws Exception {
        try (var daemon = RunningFixture.start(directory, true, "")) {
            assertThat(daemon.sendLogs(3)).isEqualTo(200);
            scrapes(daemon, 100);
            int length = daemon.get("/metrics").body().length();
            int threads = Thread.activeCount();
            long before = used();
            long[] nanos = scrapes(daemon, COUNT);
            long after = used();
            assertThat(after - before).isLessThan(NOISE_BYTES);
            assertThat(Thread.activeCount()).isLessThanOrEqualTo(threads + 2);
            assertThat(daemon.get("/metrics").body().length())
                    .isBetween(length - 500, length + 500);
            Arrays.sort(nanos);
            System.out.printf(
                    Locale.ROOT,
                    "%d scrapes of %d bytes: median %.2f ms, 99th percentile %.2f ms; heap %+d"
                            + " KiB%n",
                    COUNT,
                    length,
                    nanos[COUNT / 2] / 1e6,
                    nanos[COUNT * 99 / 100] / 1e6,
                    (after - before) >> 10);
        }
    }

    @Test
    void twoDestinationsFitASlowLinkAfterSomeTraffic() throws Exception {
        String second =
                """
                [[drain.destination]]
                name = "a-second-upstream"
                endpoint = "http://127.0.0.1:%d"
                """
                        .formatted(RunningFixture.freePort());
        try (var daemon = RunningFixture.start(directory, true, second)) {
            for (int i = 0; i < 50; i++) assertThat(daemon.sendLogs(977)).isEqualTo(200);
            for (String accept : List.of("text/plain", "application/openmetrics-text")) {
                String scrape = daemon.get("/metrics", "accept", accept).body();
                assertThat(scrape)
                        .contains("edged_drain_circuit{destination=\"a-second-upstream\"}")
                        .contains("edged_drain_circuit{destination=\"sink\"}");
                assertThat(scrape.length()).isLessThan(64 << 10);
                System.out.printf("a scrape of two destinations: %d bytes%n", scrape.length());
            }
        }
    }

    private static long[] scrapes(RunningFixture daemon, int count) throws Exception {
        var nanos = new long[count];
        for (int i = 0; i < count; i++) {
            long start = System.nanoTime();
            assertThat(daemon.get("/metrics").statusCode()).isEqualTo(200);
            nanos[i] = System.nanoTime() - start;
        }
        return nanos;
    }

    private static long used() {
        for (int i = 0; i < 4; i++) System.gc();
        return Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
    }
}
