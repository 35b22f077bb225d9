package io.edged.demo;

import static org.assertj.core.api.Assertions.assertThat;

import io.edged.daemon.ExitCode;
import io.edged.daemon.LifeCycle;
import io.edged.sink.SinkOptions;
import io.edged.sink.SinkServer;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;

class ShowTest {
    @TempDir private Path directory;

    /** Takes telemetry and keeps it: a daemon without an upstream. */
    private static final class Hoard implements RunningDaemon {
        private final SinkServer door;
        private final CountDownLatch asked;

        Hoard(CountDownLatch asked) throws IOException {
            this.asked = asked;
            this.door =
                    SinkServer.start(
                            SinkOptions.at(
                                    new InetSocketAddress(InetAddress.getLoopbackAddress(), 0)));
        }

        @Override
        public InetSocketAddress otlp() {
            return door.address();
        }

        @Override
        public InetSocketAddress admin() {
            return door.address();
        }

        @Override
        public DaemonCounts counts() {
            asked.countDown();
            try {
                long items = door.stats().allItems();
                return new DaemonCounts(items, 0, items, items * 100);
            } catch (IOException e) {
                throw new java.io.UncheckedIOException(e);
            }
        }

        @Override
        public void close() {
            try {
                door.close();
            } catch (IOException e) {
                throw new java.io.UncheckedIOException(e);
            }
        }
    }

    @Test
    void theShowEndsInOrderAndSaysWhatWaits() throws Exception {
        var lifeCycle = LifeCycle.unattached(Duration.ofSeconds(60));
        var asked = new CountDownLatch(2);
        var bytes = new ByteArrayOutputStream();
        var out = new PrintStream(bytes, true, StandardCharsets.UTF_8);
        var show =
                new Show(
                        (_, _) -> {
                            try {
                                return new Hoard(asked);
                            } catch (IOException e) {
                                throw new java.io.UncheckedIOException(e);
                            }
                        },
                        lifeCycle,
                        out);
        var run = new FutureTask<>(() -> show.run(directory, "run", 20));
        Thread.ofVirtual().start(run);
        asked.await();
        lifeCycle.stop(ExitCode.CLEAN, "test");
        assertThat(run.get()).isEqualTo(ExitCode.CLEAN);
        String said = bytes.toString(StandardCharsets.UTF_8);
        assertThat(said)
                .contains("producer  ->  edged http://127.0.0.1:", "/metrics", "/livez")
                .containsPattern("\\d\\d:\\d\\d:\\d\\d  measurements \\d+  durable \\d+")
                .containsPattern("stopped: measurements \\d+, durable [1-9]\\d*, delivered 0")
                .contains("wait on disk for the next run");
        assertThat(Files.readString(directory.resolve("edge.toml")))
                .contains("dir = \"state\"", "endpoint = \"http://127.0.0.1:");
    }
}
