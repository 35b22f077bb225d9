package io.edged.packaging;

import static org.assertj.core.api.Assertions.assertThat;

import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.exporter.otlp.http.logs.OtlpHttpLogRecordExporter;
import io.opentelemetry.sdk.common.CompletableResultCode;
import io.opentelemetry.sdk.logs.SdkLoggerProvider;
import io.opentelemetry.sdk.logs.data.LogRecordData;
import io.opentelemetry.sdk.logs.export.LogRecordExporter;
import io.opentelemetry.sdk.logs.export.SimpleLogRecordProcessor;

import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.stream.LongStream;

/**
 * The whole way with real processes: the OpenTelemetry SDK sends through the daemon to a sink. The
 * sink goes away for a while, the daemon is killed under load several times and started again. What
 * was acknowledged arrives.
 *
 * <p>{@code -Dkill.seeds=20} runs more seeds, {@code -Dkill.seed=7} one.
 */
class KillTest {

    private static final AttributeKey<String> RUN = AttributeKey.stringKey("edge.demo.run");
    private static final AttributeKey<Long> ID = AttributeKey.longKey("edge.demo.id");
    private static final int KILLS = 3;
    private static final int PRODUCERS = 3;
    private static final int RECORDS_A_REQUEST = 20;

    @TempDir Path directory;

    static LongStream seeds() {
        Long one = Long.getLong("kill.seed");
        return one == null
                ? LongStream.rangeClosed(1, Long.getLong("kill.seeds", 2))
                : LongStream.of(one);
    }

    @ParameterizedTest(name = "seed {0}")
    @MethodSource("seeds")
    void whatWasAcknowledgedArrivesThoughTheDaemonIsKilledUnderLoad(long seed) throws Exception {
        var random = new Random(seed);
        Path received = directory.resolve("received");
        try (var sink =
                Application.start(
                        "sink", "--listen", "127.0.0.1:0", "--record", received.toString())) {
            URI upstream =
                    URI.create(
                            "http://127.0.0.1:"
                                    + sink.awaitLine(line -> line.startsWith("sink listens"))
                                            .replaceAll(".*:(\\d+)$", "$1"));
            int receiver = Application.freePort();
            URI admin = URI.create("http://127.0.0.1:" + Application.freePort());
            Path config = Application.configuration(directory, receiver, admin.getPort(), upstream);
            var producers = new ArrayList<Producer>();
            Application daemon = Application.start("run", "--config", config.toString());
            try {
                daemon.awaitReady(admin);
                for (int i = 0; i < PRODUCERS; i++)
                    producers.add(
                            new Producer(
                                    URI.create("http://127.0.0.1:" + receiver), seed + "." + i));
                for (int kill = 0; kill < KILLS; kill++) {
                    if (kill == 1) Application.post(upstream.resolve("/sink/fail?seconds=3"));
                    Thread.sleep(
                            300
                                    + random.nextInt(
                                            900)); // the moment of the kill is the point of the
                    // test
                    daemon.kill();
                    daemon.close();
                    assertThat(secondReader(directory.resolve("state")))
                            .as("seed %d: what the kill has left", seed)
                            .isEmpty();
                    daemon = Application.start("run", "--config", config.toString());
                    daemon.awaitReady(admin);
                }
                Thread.sleep(300);
                for (Producer producer : producers) producer.stop();
                var acknowledged = new HashSet<String>();
                for (Producer producer : producers) acknowledged.addAll(producer.acknowledged);
                assertThat(acknowledged)
                        .as("seed %d: nothing was acknowledged", seed)
                        .hasSizeGreaterThan(500);
                Set<String> missing = awaitAll(acknowledged, upstream, received);
                assertThat(missing).as("seed %d: acknowledged and lost", seed).isEmpty();
                assertThat(daemon.stop()).isZero();
                report(seed, acknowledged, producers, received);
            } finally {
                for (Producer producer : producers) producer.stop();
                daemon.close();
            }
        }
    }

    /**
     * What the independent reader of the log finds wrong; nothing where there is no Python to run
     * it.
     */
    static String secondReader(Path state) throws IOException, InterruptedException {
        Path script = Path.of("portability", "wal_verify.py").toAbsolutePath();
        Process process;
        try {
            process =
                    new ProcessBuilder(
                                    "python3", "-B", script.toString(), "--json", state.toString())
                            .redirectErrorStream(true)
                            .start();
        } catch (IOException e) {
            System.out.println("SKIP the second reader of the log: python3 cannot be started");
            return "";
        }
        String report = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return process.waitFor() == 0 ? "" : report;
    }

    /**
     * Waits until everything that was acknowledged has been received; what is missing when patience
     * ends.
     */
    private static Set<String> awaitAll(Set<String> acknowledged, URI upstream, Path received)
            throws IOException, InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (true) {
            var missing = new TreeSet<>(acknowledged);
            Application.get(upstream.resolve("/sink/stats")); // flushes the record
            missing.removeAll(new HashSet<>(Files.readAllLines(received)));
            if (missing.isEmpty() || System.nanoTime() > deadline) return missing;
            Thread.sleep(100);
        }
    }

    private static void report(
            long seed, Set<String> acknowledged, List<Producer> producers, Path received)
            throws IOException {
        Map<String, Integer> times = new HashMap<>();
        List<String> lines = Files.readAllLines(received);
        lines.forEach(line -> times.merge(line, 1, Integer::sum));
        var emitted = new HashSet<String>();
        producers.forEach(producer -> emitted.addAll(producer.emitted));
        assertThat(emitted).as("nothing arrives that was not sent").containsAll(times.keySet());
        int repeats = lines.size() - times.size();
        // A crash forgets at most a checkpoint's worth of deliveries; the rest is repeated by no
        // one.
        assertThat(repeats).as("seed %d: repeats", seed).isLessThan(emitted.size());
        System.out.printf(
                "kill test seed %d: acknowledged %d, lost 0, received %d, repeats %d, kills %d%n",
                seed, acknowledged.size(), times.size(), repeats, KILLS);
    }

    /**
     * An application: emits numbered log records through the SDK and notes what was answered with
     * success.
     */
    private static final class Producer {
        private final String run;
        private final Set<String> acknowledged = new HashSet<>();
        private final Set<String> emitted = new HashSet<>();
        private final Thread thread;
        private volatile boolean stopped;

        Producer(URI endpoint, String run) {
            this.run = run;
            thread = Thread.ofPlatform().start(() -> produce(endpoint));
        }

        private void produce(URI endpoint) {
            LogRecordExporter exporter =
                    OtlpHttpLogRecordExporter.builder()
                            .setEndpoint(endpoint + "/v1/logs")
                            .setTimeout(Duration.ofSeconds(10))
                            .setRetryPolicy(null)
                            .build();
            var pending = new ArrayList<LogRecordData>();
            try (var provider =
                    SdkLoggerProvider.builder()
                            .addLogRecordProcessor(
                                    SimpleLogRecordProcessor.create(new Collecting(pending)))
                            .build()) {
                var logger = provider.get("kill-test");
                long id = 0;
                while (!stopped) {
                    pending.clear();
                    var lines = new ArrayList<String>();
                    for (int i = 0; i < RECORDS_A_REQUEST; i++) {
                        lines.add(run + " logs " + ++id);
                        logger.logRecordBuilder()
                                .setBody("record " + id)
                                .setAttribute(RUN, run)
                                .setAttribute(ID, id)
                                .emit();
                    }
                    emitted.addAll(lines);
                    CompletableResultCode result =
                            exporter.export(List.copyOf(pending)).join(20, TimeUnit.SECONDS);
                    if (result.isSuccess()) acknowledged.addAll(lines);
                    else pause(); // the daemon is away
                }
            } finally {
                exporter.close();
            }
        }

        private static void pause() {
            try {
                Thread.sleep(20);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }

        void stop() throws InterruptedException {
            stopped = true;
            thread.join();
        }
    }

    /** Turns what the SDK emits into batches of our own size. */
    private record Collecting(List<LogRecordData> pending) implements LogRecordExporter {
        @Override
        public CompletableResultCode export(Collection<LogRecordData> logs) {
            pending.addAll(logs);
            return CompletableResultCode.ofSuccess();
        }

        @Override
        public CompletableResultCode flush() {
            return CompletableResultCode.ofSuccess();
        }

        @Override
        public CompletableResultCode shutdown() {
            return CompletableResultCode.ofSuccess();
        }
    }
}
